"""Revoking one key or many after seeing the impact."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.messages import get_messages
from django.test import Client as Browser
from django.utils import timezone

from portal.console.views.key_revocation import MAX_KEYS
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import Client, ClientKey, Event

from .conftest import KeyMaker

URL = "/console/keys/revocation"


def page(answer: object) -> str:
    """Return the answer's text with its white space in single blanks."""
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


def said(answer: object) -> list[str]:
    """Return the messages that the answer leaves for the next page."""
    return [str(message) for message in get_messages(answer.wsgi_request)]  # type: ignore[attr-defined]


def test_shows_the_impact_on_each_client_and_changes_nothing(
    admin: Browser, payments: Client, other: Client, make_keys: KeyMaker
) -> None:
    mine = make_keys(payments, 3)
    (theirs,) = make_keys(other, 1, label="Theirs")
    shown = page(admin.get(URL, {"key": [mine[0].pk, mine[1].pk, theirs.pk]}))
    assert "Revoke 3 keys?" in shown
    assert "1 other live key left" in shown
    assert shown.count("I understand that") == 1
    assert "I understand that Other will no longer be able to authenticate" in shown
    assert not ClientKey.objects.filter(revoked_at__isnull=False).exists()


def test_revokes_many_with_reason_and_note_and_tells_the_numbers(
    admin: Browser, payments: Client, other: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    mine = make_keys(payments, 2)
    (theirs,) = make_keys(other, 1)
    make_keys(payments, 1, label="Stays")
    answer = admin.post(
        URL,
        {
            "key": [mine[0].pk, mine[1].pk, theirs.pk],
            "reason": "compromised",
            "note": "Laptop stolen",
            "last": [other.pk],
            "back": "q=Key&status=live",
        },
    )
    assert answer.status_code == 302
    assert answer["Location"] == "/console/keys/?q=Key&status=live"
    assert said(answer) == ["3 keys of 2 clients are revoked, from the next JWKS request on."]
    revoked = ClientKey.objects.filter(revoked_at__isnull=False)
    assert {key.pk for key in revoked} == {mine[0].pk, mine[1].pk, theirs.pk}
    for key in revoked:
        assert key.revoked_by == cast.admin
        assert key.revocation_reason == RevocationReason.COMPROMISED
        assert key.revocation_note == "Laptop stolen"
    assert Event.objects.filter(verb=Verb.REVOKE_KEY, actor_user=cast.admin).count() == 3


def test_the_last_live_key_of_a_client_needs_its_own_tick(
    admin: Browser, payments: Client, other: Client, make_keys: KeyMaker
) -> None:
    (mine,) = make_keys(payments, 1)
    (theirs,) = make_keys(other, 1)
    form = {"key": [mine.pk, theirs.pk], "reason": "superseded", "note": "Kept", "last": [other.pk]}
    answer = admin.post(URL, form)
    assert answer.status_code == 422
    shown = page(answer)
    assert "This revokes the last live key of “Payments”." in shown
    assert "Kept</textarea>" in shown
    assert f'value="{other.pk}" id="last-{other.pk}" checked' in shown
    assert f'value="{payments.pk}" id="last-{payments.pk}" checked' not in shown
    assert not ClientKey.objects.filter(revoked_at__isnull=False).exists()


def test_no_tick_is_needed_where_nothing_was_live(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    (gone,) = make_keys(payments, 1, expires_at=timezone.now() - timedelta(days=1))
    answer = admin.post(URL, {"key": gone.pk, "reason": "unspecified"})
    assert answer.status_code == 302
    gone.refresh_from_db()
    assert gone.revoked_at


def test_a_key_that_starts_later_does_not_count_as_left(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    (live,) = make_keys(payments, 1)
    make_keys(payments, 1, not_before=timezone.now() + timedelta(days=1))
    assert "will no longer be able to authenticate" in page(admin.get(URL, {"key": live.pk}))


def test_doing_it_again_changes_nothing_and_says_so(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    keys = make_keys(payments, 2)
    form = {"key": [key.pk for key in keys], "reason": "unspecified", "last": payments.pk}
    admin.post(URL, form)
    first = [ClientKey.objects.get(pk=key.pk).revoked_at for key in keys]
    again = admin.post(URL, {**form, "reason": "compromised"})
    assert said(again)[-1] == "There was nothing to do. 2 keys had already been revoked."
    assert [ClientKey.objects.get(pk=key.pk).revoked_at for key in keys] == first
    assert Event.objects.filter(verb=Verb.REVOKE_KEY).count() == 2


def test_nothing_ticked_leads_back_to_the_list(admin: Browser, payments: Client) -> None:
    answer = admin.get(URL, {"back": "alg=ES256"})
    assert answer["Location"] == "/console/keys/?alg=ES256"
    assert said(answer) == ["Select the keys to revoke first."]


def test_more_than_the_limit_leads_back_and_says_so(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    keys = make_keys(payments, MAX_KEYS + 1)
    form = {"key": [key.pk for key in keys], "reason": "unspecified", "last": payments.pk}
    answer = admin.post(URL, form)
    assert said(answer) == ["You selected 51 keys. Select at most 50 at a time."]
    assert not ClientKey.objects.filter(revoked_at__isnull=False).exists()


def test_as_many_as_the_limit_are_revoked(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    keys = make_keys(payments, MAX_KEYS)
    form = {"key": [key.pk for key in keys], "reason": "unspecified", "last": payments.pk}
    assert admin.post(URL, form).status_code == 302
    assert not ClientKey.objects.filter(revoked_at=None).exists()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("reason", "", "Choose a reason"),
        ("reason", "bored", "Select a valid choice"),
        ("note", "x" * 501, "at most 500 characters"),
        ("note", "a\0b", "Null characters are not allowed"),
        ("last", "999999", "Select a valid choice"),
        ("last", "\0", "Select a valid choice"),
    ],
)
def test_absurd_input_is_told_and_revokes_nothing(
    field: str, value: str, told: str, admin: Browser, key: ClientKey
) -> None:
    form = {"key": key.pk, "reason": "unspecified", "note": "", "last": key.client_id}
    answer = admin.post(URL, {**form, field: value})
    assert answer.status_code == 422
    assert told in page(answer)
    key.refresh_from_db()
    assert key.revoked_at is None


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "\r\nX: y", "q=%00", "x" * 5000]
)
def test_the_way_back_never_leaves_the_list(back: str, admin: Browser) -> None:
    answer = admin.get(URL, {"back": back})
    assert answer["Location"].startswith("/console/keys/?")


@pytest.mark.parametrize("number", [2, 40])
def test_the_number_of_queries_of_the_impact_does_not_grow(
    number: int,
    admin: Browser,
    payments: Client,
    make_keys: KeyMaker,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    keys = make_keys(payments, number)
    with django_assert_max_num_queries(4):
        admin.get(URL, {"key": [key.pk for key in keys]})

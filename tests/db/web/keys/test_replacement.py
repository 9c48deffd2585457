"""The page that replaces a key: each step with its evidence, and what comes next."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from portal.registry.actions import (
    begin_replacement,
    choose_successor,
    confirm_key,
    retire_key,
    revoke_key,
)
from portal.registry.choices import RevocationReason
from portal.registry.errors import KeyNotLive
from portal.registry.models import ClientKey, Replacement
from portal.web.keys import views
from tests.db.pages import text_of
from tests.db.used import used
from tests.keys import new_private_key, public_pem

DAY = timedelta(days=1)


@pytest.fixture
def path(key: ClientKey) -> str:
    return reverse("key_replacement", args=[key.client.client_id, key.kid])


@pytest.fixture
def begun(key: ClientKey, cast: SimpleNamespace) -> Replacement:
    return begin_replacement(key, by=cast.dev)


def chosen(begun: Replacement, new: ClientKey, cast: SimpleNamespace) -> None:
    confirm_key(new, by=cast.dev)
    choose_successor(begun, new, by=cast.dev)
    Replacement.objects.update(published_at=timezone.now() - DAY)


@pytest.mark.sqlite
def test_the_whole_way(
    ask: Any, path: str, key: ClientKey, second: ClientKey, cast: SimpleNamespace
) -> None:
    assert "Begin" in text_of(ask("dev", "get", path))
    assert ask("dev", "post", path).status_code == 302
    settings_page = ask("dev", "get", reverse("client", args=[key.client.client_id]))
    assert "Replacing…" in text_of(settings_page)
    ask("dev", "post", f"{path}successor/", {"new": second.kid})
    assert "Nobody has signed with it yet" in text_of(ask("dev", "get", path))
    confirm_key(second, by=cast.dev)
    assert "Too early to retire it now." in text_of(ask("dev", "get", path))
    Replacement.objects.update(published_at=timezone.now() - DAY)
    used(key, timedelta(0))
    text = text_of(ask("dev", "get", path))
    assert f"Old</strong> “{key.label}”: 1 today" in text
    assert f"New</strong> “{second.label}”: 0 today, never used" in text
    assert "“First” is still in use: last" in text
    used(second, timedelta(0))
    asked = {"when": "24", "confirmation": ""}
    assert ask("dev", "post", f"{path}retirement/", asked).status_code == 302
    key.refresh_from_db()
    assert key.retires_at is not None
    ask("dev", "post", f"{path}retirement/", {"when": "0"})
    assert "Undo the retirement" in text_of(ask("dev", "get", path))


@pytest.mark.parametrize("has_ended_one", [False, True])
def test_a_key_that_is_registered_meanwhile_is_the_new_one(
    ask: Any,
    path: str,
    begun: Replacement,
    key: ClientKey,
    second: ClientKey,
    *,
    has_ended_one: bool,
) -> None:
    if has_ended_one:
        choose_successor(begun, second, by=begun.begun_by)
        ClientKey.objects.filter(pk=second.pk).update(expires_at=timezone.now())
    form = {"material": public_pem(new_private_key("ES256")), "alg": "ES256", "label": "Next"}
    response = ask("dev", "post", reverse("key_register", args=[key.client.client_id]), form)
    assert response["Location"] == path
    begun.refresh_from_db()
    assert begun.new
    assert begun.new.label == "Next"


@pytest.mark.usefixtures("begun")
def test_a_key_is_registered_even_if_it_can_replace_none(
    ask: Any, path: str, key: ClientKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise KeyNotLive("It has ended meanwhile.")

    monkeypatch.setattr(views, "choose_successor", refuse)
    form = {"material": public_pem(new_private_key("ES256")), "alg": "ES256", "label": "Next"}
    response = ask("dev", "post", reverse("key_register", args=[key.client.client_id]), form)
    assert response["Location"] == path
    assert "It has ended meanwhile." in map(str, get_messages(response.wsgi_request))


def test_another_new_key_cancels_the_planned_retirement_in_words(
    ask: Any, path: str, begun: Replacement, second: ClientKey, signer: SimpleNamespace
) -> None:
    choose_successor(begun, second, by=begun.begun_by)
    retire_key(begun.old, grace=DAY, by=begun.begun_by)
    response = ask("dev", "post", f"{path}successor/", {"new": signer.key.kid})
    [message] = get_messages(response.wsgi_request)
    assert "Its planned retirement is cancelled" in str(message)


def test_the_page_says_that_the_old_key_stays(
    ask: Any, path: str, begun: Replacement, second: ClientKey, cast: SimpleNamespace
) -> None:
    chosen(begun, second, cast)
    says = "The planned retirement was cancelled"
    ask("dev", "post", f"{path}retirement/", {"when": "24", "insist": "retire early"})
    assert says not in text_of(ask("dev", "get", path))
    revoke_key(second, reason=RevocationReason.COMPROMISED, by=cast.dev)
    assert says in text_of(ask("dev", "get", path))


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"when": "date"}, "Choose a date in the future."),
        ({"when": "date", "date": "2020-01-01T00:00"}, "Choose a date in the future."),
        ({"when": "0"}, "The old key would end before every verifier can know the new one."),
        ({"when": "0", "insist": "please"}, "The old key would end before every verifier"),
        ({}, "Choose when."),
    ],
)
def test_what_is_refused(
    ask: Any,
    path: str,
    begun: Replacement,
    second: ClientKey,
    form: dict[str, str],
    error: str,
) -> None:
    choose_successor(begun, second, by=begun.begun_by)
    response = ask("dev", "post", f"{path}retirement/", form)
    assert response.status_code == 422
    assert error in text_of(response)
    begun.old.refresh_from_db()
    assert begun.old.retires_at is None


@pytest.mark.usefixtures("second")
def test_one_insists_in_words(ask: Any, path: str, begun: Replacement) -> None:
    form = {"when": "0", "insist": " Retire  early"}
    assert ask("dev", "post", f"{path}retirement/", form).status_code == 302
    begun.old.refresh_from_db()
    assert begun.old.retires_at is not None


def test_the_last_live_key_needs_the_name_of_the_client(
    ask: Any, path: str, begun: Replacement
) -> None:
    form = {"when": "0", "insist": "retire early"}
    assert ask("dev", "post", f"{path}retirement/", form).status_code == 422
    begun.old.refresh_from_db()
    assert begun.old.retires_at is None


def test_htmx_loads_the_page_again_when_another_step_is_next(
    ask: Any, path: str, begun: Replacement, second: ClientKey, cast: SimpleNamespace
) -> None:
    chosen(begun, second, cast)
    same = ask("dev", "get", f"{path}?step=use", htmx=True)
    assert "HX-Refresh" not in same
    assert "<html" not in same.content.decode()
    other = ask("dev", "get", f"{path}?step=publish", htmx=True)
    assert other["HX-Refresh"] == "true"


def test_a_successor_that_was_never_used_is_a_warning(
    ask: Any, path: str, begun: Replacement, second: ClientKey, cast: SimpleNamespace
) -> None:
    chosen(begun, second, cast)
    assert f"“{second.label}” was never used here" in text_of(ask("dev", "get", path))


def test_a_viewer_sees_the_evidence_and_no_form(ask: Any, path: str, begun: Replacement) -> None:
    response = ask("viewer", "get", path)
    assert "Register the new key" in text_of(response)
    assert b"<form" not in response.content.split(b"<main")[1]


def test_a_team_that_wants_a_successor_reads_that_there_is_none(
    ask: Any, key: ClientKey, second: ClientKey, cast: SimpleNamespace
) -> None:
    client = key.client
    form = {"name": client.name, "wants_successor": "on"}
    assert ask("alice", "post", reverse("client_edit", args=[client.client_id]), form)
    settings_page = reverse("client", args=[client.client_id])
    assert "This client has no successor." in text_of(ask("dev", "get", settings_page))
    confirm_key(second, by=cast.dev)
    assert "This client has no successor." not in text_of(ask("dev", "get", settings_page))
    revocation = reverse("key_revocation", args=[client.client_id, key.kid])
    assert f"The client can sign with “{second.label}” at once" in text_of(
        ask("dev", "get", revocation)
    )

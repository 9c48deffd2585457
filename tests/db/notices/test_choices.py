"""What a person chooses to get, and the digest of what is too much."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client as Browser
from django.utils import timezone

from portal.accounts.models import User
from portal.notices.give import MAX_PER_HOUR, next_digest
from portal.notices.kinds import RULES, SECURITY
from portal.notices.models import AskedAddress, Mute, Notice
from portal.notices.recipients import notices_of
from portal.registry import actions
from portal.registry.choices import RevocationReason, Role
from portal.registry.models import Client, ClientKey
from tests.db.notices.conftest import said
from tests.db.pages import text_of
from tests.keys import new_private_key, public_pem
from tests.registering import add_member, register_pem

pytestmark = pytest.mark.django_db

Sent = Callable[..., list[EmailMultiAlternatives]]
PAGE = "/account/notices/"


def add(client: Client, label: str, by: User) -> ClientKey:
    material = public_pem(new_private_key())
    return register_pem(client, material=material, alg="EdDSA", label=label, by=by)


def move_end(key: ClientKey, days: int, by: User) -> None:
    ends_at = timezone.now() + timedelta(days)
    actions.change_key(key, label=key.label, expires_at=ends_at, by=by)


@pytest.mark.sqlite
def test_muted_kind_is_not_sent_and_security_cannot_be_muted(
    sent: Sent, payments: Client, cast: SimpleNamespace, browser_of: Callable[[str], Browser]
) -> None:
    sent()
    browser = browser_of("dev")
    assert browser.post(PAGE, {"wanted": ["key_confirmed"]}).status_code == 302
    muted = set(Mute.objects.values_list("kind", flat=True))
    assert muted == set(RULES) - set(SECURITY) - {"key_confirmed"}
    key = add(payments, "First", cast.alice)
    move_end(key, 90, cast.alice)
    actions.revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.alice)
    # Of its end nobody gets one: the owner moved it, and the developer does not want that.
    assert [who for who, _ in said(sent())] == ["alice", "alice", "dev", "dev"]
    browser.post(PAGE, {"wanted": [*RULES]})
    assert not Mute.objects.exists()


@pytest.mark.sqlite
def test_page_says_what_is_sent_and_why(
    sent: Sent, payments: Client, cast: SimpleNamespace, browser_of: Callable[[str], Browser]
) -> None:
    sent()
    add(payments, "First", cast.dev)
    sent()
    text = text_of(browser_of("alice").get(PAGE))
    assert "The portal writes to alice@example.com" in text
    assert "dev@example.com registered the key “First” of “Payments” on" in text
    assert "In your clients you are owner." in text
    assert "team@" in text
    assert "none, asked" in text
    assert "In your clients you are viewer." in text_of(browser_of("viewer").get(PAGE))
    assert "You have had no notices yet." in text_of(browser_of("stranger").get(PAGE))


def test_many_notices_become_one_digest(
    sent: Sent, payments: Client, cast: SimpleNamespace
) -> None:
    keys = [add(payments, f"Key {number}", cast.dev) for number in range(MAX_PER_HOUR + 3)]
    for hours in (3, 2):
        sent(timezone.now() - timedelta(hours=hours))
    for key in keys:
        move_end(key, 90, cast.admin)
    now = timezone.now()
    assert len(sent(now)) == 2 * MAX_PER_HOUR
    # Notices about security are counted apart.
    actions.revoke_key(keys[0], reason=RevocationReason.COMPROMISED, by=cast.alice)
    assert {subject[:33] for _, subject in said(sent(now))} == {"Payments: key “Key 0” was revoked"}
    at = next_digest(now)
    assert sent(at - timedelta(seconds=1)) == []
    [first, second] = sent(at)
    assert {*first.to, *second.to} == {"alice@example.com", "dev@example.com"}
    assert str(first.subject).startswith("3 notices about clients and keys, ")
    for number in range(MAX_PER_HOUR, MAX_PER_HOUR + 3):
        sentence = f"admin@example.com moved the end of the key “Key {number}” of “Payments” on"
        assert sentence in str(first.body)
        assert sentence in str(first.alternatives[0][0])
        assert keys[number].kid in str(first.body)
    assert sent(at + timedelta(days=2)) == []
    assert not Notice.objects.filter(digest_at__isnull=False, digested_at=None).exists()


def test_security_is_not_delayed_for_a_day(
    sent: Sent, payments: Client, cast: SimpleNamespace
) -> None:
    key = add(payments, "First", cast.dev)
    sent(timezone.now() - timedelta(hours=2))
    # First steps of somebody with the session of the only owner.
    for days in range(MAX_PER_HOUR + 2):
        move_end(key, 90 + days, cast.alice)
    for number in range(MAX_PER_HOUR + 2):
        add(payments, f"Key {number}", cast.alice)
    now = timezone.now()
    registered = [who for who, subject in said(sent(now)) if "was registered" in subject]
    assert registered == ["alice"] * MAX_PER_HOUR + ["dev"] * MAX_PER_HOUR
    digests = sent(now + timedelta(hours=1))
    assert len(digests) == 2
    assert "registered the key “Key 6”" in str(digests[0].body)


def test_digest_is_for_those_who_still_get_notices(
    sent: Sent, payments: Client, cast: SimpleNamespace
) -> None:
    add_member(payments, email="bob@example.com", role=Role.OWNER, by=cast.alice)
    key = add(payments, "First", cast.dev)
    sent(timezone.now() - timedelta(hours=2))
    for days in range(MAX_PER_HOUR + 2):
        move_end(key, 90 + days, cast.admin)
    now = timezone.now()
    assert len(sent(now)) == 3 * MAX_PER_HOUR
    Mute.objects.create(user=cast.alice, kind="key_end_moved")
    cast.dev.is_active = False
    cast.dev.save()
    actions.remove_member(payments.memberships.get(user=cast.bob), by=cast.alice)
    # Only that they were removed: they can no longer see what happens to the client.
    assert [who for who, _ in said(sent(now))] == ["alice", "bob"]
    assert sent(next_digest(now)) == []
    assert sent(next_digest(now) + timedelta(days=1)) == []
    assert set(notices_of(cast.bob).values_list("kind", flat=True)) == {"members_changed"}


@pytest.mark.sqlite
@pytest.mark.parametrize("contacts", [["team@example.com"], ["other@example.com"]])
def test_contact_gets_the_digest_only_while_it_is_one(
    sent: Sent, payments: Client, cast: SimpleNamespace, contacts: list[str]
) -> None:
    asked = AskedAddress.objects.create(
        client=payments,
        email="team@example.com",
        purpose="contact",
        asked_at=timezone.now(),
        agreed_at=timezone.now(),
    )
    now = timezone.now()
    Notice.objects.create(
        kind="key_revoked",
        subject="key 1",
        client=payments,
        recipient=f"contact {asked.pk}",
        occasion="event 1",
        sentence="A key was revoked.",
        path="/",
        made_at=now,
        digest_at=now,
    )
    Client.objects.filter(pk=payments.pk).update(contacts=contacts)
    messages = [each for each in sent(now) if each.to == ["team@example.com"]]
    assert len(messages) == (contacts == ["team@example.com"])


@pytest.mark.parametrize(("hour", "day"), [(6, 1), (7, 2), (23, 2)])
def test_digest_has_its_hour(hour: int, day: int) -> None:
    now = datetime(2027, 1, 1, hour, 30, tzinfo=UTC)
    assert next_digest(now) == datetime(2027, 1, day, 7, tzinfo=UTC)

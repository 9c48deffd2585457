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
from portal.notices.give import MOST_AN_HOUR, next_digest
from portal.notices.kinds import RULES, SECURITY
from portal.notices.models import Mute, Notice
from portal.registry import actions
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.db.notices.conftest import said
from tests.db.pages import text_of
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

Sent = Callable[..., list[EmailMultiAlternatives]]
PAGE = "/account/notices/"


def add(client: Client, label: str, by: User) -> ClientKey:
    material = public_pem(new_private_key())
    return register_pem(client, material=material, alg="EdDSA", label=label, by=by)


def test_muted_kind_is_not_sent_and_security_cannot_be_muted(
    sent: Sent, payments: Client, cast: SimpleNamespace, browser_of: Callable[[str], Browser]
) -> None:
    sent()
    browser = browser_of("dev")
    assert browser.post(PAGE, {"wanted": ["key_confirmed"]}).status_code == 302
    muted = set(Mute.objects.values_list("kind", flat=True))
    assert muted == set(RULES) - set(SECURITY) - {"key_confirmed"}
    key = add(payments, "First", cast.alice)
    actions.revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.alice)
    messages = sent()
    assert [who for who, _ in said(messages)] == ["alice", "alice", "dev"]
    browser.post(PAGE, {"wanted": [*RULES]})
    assert not Mute.objects.exists()


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
    sent(timezone.now() - timedelta(hours=2))
    keys = [add(payments, f"Key {number}", cast.dev) for number in range(MOST_AN_HOUR + 3)]
    now = timezone.now()
    assert len(sent(now)) == 2 * MOST_AN_HOUR
    # What is about security is counted apart.
    actions.revoke_key(keys[0], reason=RevocationReason.COMPROMISED, by=cast.alice)
    assert {subject[:33] for _, subject in said(sent(now))} == {"Payments: key “Key 0” was revoked"}
    at = next_digest(now)
    assert sent(at - timedelta(seconds=1)) == []
    [first, second] = sent(at)
    assert {*first.to, *second.to} == {"alice@example.com", "dev@example.com"}
    assert str(first.subject).startswith("3 notices about clients and keys, ")
    for number in range(MOST_AN_HOUR, MOST_AN_HOUR + 3):
        sentence = f"dev@example.com registered the key “Key {number}” of “Payments” on"
        assert sentence in str(first.body)
        assert sentence in str(first.alternatives[0][0])
        assert keys[number].kid in str(first.body)
    assert sent(at + timedelta(days=2)) == []
    assert not Notice.objects.filter(digest_at__isnull=False, digested_at=None).exists()


def test_security_is_not_delayed_for_a_day(
    sent: Sent, payments: Client, cast: SimpleNamespace
) -> None:
    keys = [add(payments, f"Key {number}", cast.dev) for number in range(MOST_AN_HOUR + 2)]
    sent()
    for key in keys:
        actions.revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.alice)
    now = timezone.now()
    assert len(sent(now)) == 2 * MOST_AN_HOUR
    digests = sent(now + timedelta(hours=1))
    assert len(digests) == 2
    assert "revoked the key “Key 6”" in str(digests[0].body)


def test_digest_is_for_those_who_still_get_notices(
    sent: Sent, payments: Client, cast: SimpleNamespace
) -> None:
    sent()
    for number in range(MOST_AN_HOUR + 2):
        add(payments, f"Key {number}", cast.dev)
    now = timezone.now()
    sent(now)
    Mute.objects.create(user=cast.alice, kind="key_registered")
    cast.dev.is_active = False
    cast.dev.save()
    assert sent(next_digest(now)) == []
    assert sent(next_digest(now) + timedelta(days=1)) == []


@pytest.mark.parametrize(("hour", "day"), [(6, 1), (7, 2), (23, 2)])
def test_digest_has_its_hour(hour: int, day: int) -> None:
    now = datetime(2027, 1, 1, hour, 30, tzinfo=UTC)
    assert next_digest(now) == datetime(2027, 1, day, 7, tzinfo=UTC)

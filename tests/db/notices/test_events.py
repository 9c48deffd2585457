"""Notices of what the ledger records: who gets them, once each, and what they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from portal.notices import policy
from portal.notices.follow import follow_batch
from portal.notices.give import MAX_PER_HOUR
from portal.notices.models import Notice, Position
from portal.notices.policy import give_policy_notices
from portal.registry import actions
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.choices import GrantType, RevocationReason, Role
from portal.registry.models import PORTAL, Client, ClientKey, Ledger
from portal.webhooks.actions import add_webhook
from portal.work.models import Task
from tests.db.mailed import kill_worker_while_it_sends, use
from tests.db.notices.conftest import said, work
from tests.db.registry.racing import at_once
from tests.keys import new_private_key, private_pem, public_pem
from tests.mail_server import MailServer, mail_server
from tests.registering import add_member, register_pem

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

Sent = Callable[..., list[EmailMultiAlternatives]]


def revoke(key: ClientKey, by: Any, note: str = "") -> None:
    actions.revoke_key(key, reason=RevocationReason.COMPROMISED, by=by, note=note)


def new(messages: list[EmailMultiAlternatives]) -> list[tuple[str, str]]:
    """Return who got what, without the times that end each subject."""
    return [(who, re.sub(r",? (on|since) \d.*", "", what)) for who, what in said(messages)]


BOTH = ["alice", "dev"]
"""The owner and the developer of `payments`. The admin is no member."""


def test_people_hear_once_of_a_key(
    sent: Sent, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    sent()
    second = register_pem(
        payments,
        material=public_pem(new_private_key()),
        alg="EdDSA",
        label="Second",
        by=cast.dev,
    )
    what = "Payments: key “Second” was registered"
    assert new(sent()) == [(who, what) for who in BOTH]
    assert sent() == []

    actions.confirm_key(second, by=cast.alice)
    assert new(sent()) == [("dev", "Payments: key “Second” was confirmed")]
    actions.confirm_key(key, by=cast.dev)
    assert new(sent()) == []

    actions.change_key(key, label="First", expires_at=timezone.now() + timedelta(90), by=cast.dev)
    assert new(sent()) == [("alice", "Payments: key “First” ends")]
    actions.change_key(key, label="Old", expires_at=key.expires_at, by=cast.dev)
    sent()
    actions.retire_key(key, grace=timedelta(days=60), by=cast.dev)
    assert new(sent()) == [("alice", "Payments: key “Old” retires")]
    actions.keep_key(key, by=cast.dev)
    assert new(sent()) == [("alice", "Payments: key “Old” does not retire")]
    actions.retire_key(key, grace=timedelta(0), by=cast.alice)
    assert new(sent()) == [("dev", "Payments: key “Old” was retired")]

    # Notices about security reach also the person who did it.
    revoke(second, cast.dev)
    assert new(sent()) == [(who, "Payments: key “Second” was revoked") for who in BOTH]


def test_people_hear_that_a_key_stays_because_its_replacement_ended(
    sent: Sent, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    pem = public_pem(new_private_key())
    second = register_pem(payments, material=pem, alg="EdDSA", label="Second", by=cast.dev)
    begun = actions.begin_replacement(key, by=cast.dev)
    begun = actions.choose_successor(begun, second, by=cast.dev)
    end = timezone.now() + timedelta(60)
    actions.retire_replaced(begun, at=end, insists=True, by=cast.dev)
    sent()
    revoke(second, cast.dev)
    messages = sent()
    stays = [(who, "Payments: key “First” does not retire") for who in BOTH]
    assert [each for each in new(messages) if "First" in each[1]] == stays
    assert "“Second” was to replace it" in messages[-1].body


def test_people_hear_once_of_a_client_and_its_team(
    sent: Sent, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    sent()
    actions.suspend_client(payments, note="Unpaid", by=cast.admin)
    assert new(sent()) == [(who, "Payments: was suspended") for who in BOTH]
    actions.resume_client(payments, by=cast.admin)
    assert new(sent()) == [(who, "Payments: was resumed") for who in BOTH]
    settings: dict[str, Any] = {
        "name": "Payments",
        "contacts": [],
        "redirect_uris": ["https://a.example/cb"],
    }
    actions.change_client(payments, **settings, by=cast.alice)
    what = "Payments: redirect URIs or rights were changed"
    assert new(sent()) == [(who, what) for who in BOTH]
    actions.change_client(payments, **settings | {"name": "Pay"}, by=cast.alice)
    assert new(sent()) == []
    rights: dict[str, Any] = {"scopes": ["write"], "grant_types": GrantType.values, "resources": []}
    actions.change_rights(payments, **rights, by=cast.admin)
    what = "Pay: redirect URIs or rights were changed"
    assert new(sent()) == [(who, what) for who in BOTH]

    viewer = payments.memberships.get(user=cast.viewer)
    actions.change_role(viewer, role=Role.DEVELOPER, by=cast.alice)
    assert new(sent()) == [(who, "Pay: its team changed") for who in ["alice", "viewer"]]
    actions.remove_member(viewer, by=cast.alice)
    assert new(sent()) == [(who, "Pay: its team changed") for who in ["alice", "viewer"]]
    developer = payments.memberships.get(user=cast.dev)
    actions.remove_member(developer, by=cast.dev)
    assert new(sent()) == [("alice", "Pay: its team changed")]
    add_member(payments, email="bob@example.com", role=Role.OWNER, by=cast.alice)
    assert new(sent()) == [(who, "Pay: its team changed") for who in ["alice", "bob"]]
    actions.archive_client(payments, by=cast.bob)
    assert new(sent()) == [("alice", "Pay: was archived")]
    actions.unarchive_client(payments, by=cast.bob)
    assert new(sent()) == [("alice", "Pay: was taken back")]
    assert not Task.objects.exists()


def test_private_key_that_was_sent_is_a_notice_of_its_own(
    sent: Sent, payments: Client, key: ClientKey, cast: SimpleNamespace, other: Client
) -> None:
    """Of a key that is registered, its client is told, with a note about the revocation."""
    private = new_private_key()
    registered = register_pem(
        payments, material=public_pem(private), alg="EdDSA", label="Leaked", by=cast.dev
    )
    sent()
    with pytest.raises(Exception, match="private key"):
        actions.inspect_key(private_pem(private), by=cast.bob, client=other)
    leaked = sent()
    assert [who for who, _ in said(leaked)] == ["alice", "bob", "dev"]
    assert {each.to[0]: "was blocked" in each.subject for each in leaked} == {
        "alice@example.com": True,
        "dev@example.com": True,
        "bob@example.com": False,
    }
    seen = Notice.objects.filter(kind="private_key_seen")
    assert seen.count() == 3
    actions.block_key(key.spki_sha256, by=cast.admin, note="See the list")
    [first, second] = sent()
    assert first.subject.startswith("Payments: key “First” was blocked")
    assert "Blocked by an admin" in str(first.body)
    assert registered.kid not in str(first.body)
    assert second.to == ["dev@example.com"]


def test_message_says_all_without_being_opened(
    sent: Sent, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    sent()
    revoke(key, cast.dev, note="Found on www.evil.com\nby the bank")
    [message, _] = sent(timezone.now())
    when = key.events.latest("pk").at
    day = f"{when.day} {when:%b %Y}"
    assert message.subject.startswith(f"Payments: key “First” was revoked on {day}, ")
    html, kind = message.alternatives[0]
    link = f"http://testserver/clients/{payments.client_id}/#add-key"
    for text in (str(message.body), str(html)):
        assert "dev@example.com revoked the key “First” of “Payments” on" in text
        assert "(just now)" in text
        assert "The client has no other live key" in text
        assert "Register a new key" in text
        assert link in text
        assert "you are an owner of “Payments”" in text
        assert "www[.]evil[.]com" in text
        assert "www.evil" not in text
        assert key.kid in text
    assert kind == "text/html"
    assert "Note: Found on www[.]evil[.]com\n    by the bank" in str(message.body)
    # No other host, no image, no script.
    hosts = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(\w+://[^/\"')]+)", str(html))
    assert set(hosts) == {"http://testserver"}
    assert not re.search("<(img|script|link)", str(html))
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert message.extra_headers["Message-ID"]


def test_names_are_no_links_and_no_markup(sent: Sent, cast: SimpleNamespace) -> None:
    sent()
    client = actions.create_client(name="https://evil.example <b>", by=cast.bob)
    material = public_pem(new_private_key())
    register_pem(client, material=material, alg="EdDSA", label="<a href=x>evil.com", by=cast.bob)
    [message] = sent()
    html = str(message.alternatives[0][0])
    for text in (message.subject, str(message.body), html):
        assert "evil.com" not in text
        assert "https://evil" not in text
        assert "evil[.]com" in text
    assert "<a href=x>" not in html
    assert "<b>" not in html


def test_nobody_without_a_usable_account_gets_notices(
    sent: Sent, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    sent()
    cast.alice.is_active = False
    cast.alice.save()
    cast.dev.emailaddress_set.update(verified=False)
    revoke(key, PORTAL)
    assert sent() == []
    assert not Notice.objects.filter(kind="key_revoked").exists()


def test_nobody_gets_notices_of_what_was_before(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    Position.objects.all().delete()
    work()
    assert not Notice.objects.exists()


@pytest.fixture
def revoked(payments: Client, cast: SimpleNamespace) -> None:
    """Ten keys that are revoked: 20 notices, of which digests have those beyond five a person."""
    keys = [
        register_pem(
            payments,
            material=public_pem(new_private_key()),
            alg="EdDSA",
            label=f"Key {number}",
            by=cast.dev,
        )
        for number in range(10)
    ]
    head = {"number": Ledger.head().size, "clock_at": timezone.now()}
    Position.objects.update_or_create(pk=1, defaults=head)
    for each in keys:
        revoke(each, cast.dev)


GIVEN = 20
SENT = 2 * MAX_PER_HOUR + 1
"""Messages that are sent at once: the last one is the question to the contact of `payments`."""


def message_ids(server: MailServer) -> list[str]:
    return [re.findall(r"(?m)^Message-ID: (.*)$", each)[0] for each in server.messages]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("revoked")
def test_five_workers_at_once_give_each_notice_once(settings: Any) -> None:
    with mail_server() as server:
        use(server, settings)
        at_once(work, 5)
        ids = message_ids(server)
    assert Notice.objects.count() == GIVEN
    assert len(ids) == len(set(ids)) == SENT
    html = [each for each in server.messages if "Content-Type: text/html" in each]
    assert len(html) == SENT


def test_transaction_gives_few_notices_however_many_people_get_them(
    sent: Sent,
    payments: Client,
    key: ClientKey,
    cast: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_member(payments, email="bob@example.com", role=Role.OWNER, by=cast.alice)
    sent()
    monkeypatch.setattr("portal.notices.follow.MAX_NOTICES", 2)
    revoke(key, cast.alice)
    revoked = Notice.objects.filter(kind="key_revoked")
    assert follow_batch(timezone.now())
    assert revoked.count() == 2
    assert not follow_batch(timezone.now())
    assert set(revoked.values_list("recipient", flat=True)) == {
        f"person {each.pk}" for each in (cast.alice, cast.dev, cast.bob)
    }


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("revoked")
def test_killed_worker_loses_no_notice_and_repeats_at_most_one(settings: Any) -> None:
    with mail_server() as server:
        kill_worker_while_it_sends(server, settings)
        use(server, settings)
        work(timezone.now() + timedelta(minutes=4))
        ids = message_ids(server)
    assert Notice.objects.count() == GIVEN
    assert len(set(ids)) == SENT
    assert len(ids) <= SENT + 1


def test_teams_hear_of_keys_that_a_new_rule_excludes(
    sent: Sent, payments: Client, other: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    sent()
    values = RuleValues(
        "A year",
        timezone.now() + timedelta(days=30),
        longest_days=365,
        replace_by=date(2027, 12, 31),
    )
    saved = actions.save_rule(actions.draft_rule(values, by=cast.admin), by=cast.admin)
    messages = sent()
    subject = "Payments: 1 key outside the key policy, replace by 31 Dec 2027"
    assert said(messages) == [(who, subject) for who in BOTH]
    assert "does not allow the key “First” of “Payments”" in str(messages[0].body)
    assert "“First”: It has no end; at most 365 days are allowed." in str(messages[0].body)
    give_policy_notices(Task(subject=str(saved.pk)), timezone.now())
    assert sent() == []


def test_a_rule_for_very_many_clients_takes_several_runs(
    sent: Sent,
    payments: Client,
    other: Client,
    key: ClientKey,
    cast: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register_pem(other, material=public_pem(new_private_key()), alg="EdDSA", label="x", by=cast.bob)
    sent()
    monkeypatch.setattr(policy, "CLIENTS", 1)
    monkeypatch.setattr(policy, "MAX_NOTICES", 1)
    values = RuleValues("A year", timezone.now(), longest_days=365)
    rule = actions.save_rule(actions.draft_rule(values, by=cast.admin), by=cast.admin)
    give_policy_notices(Task(subject=str(rule.pk)), timezone.now())
    given = Notice.objects.filter(occasion=f"rule {rule.pk}")
    assert {each.client_id for each in given} == {min(payments.pk, other.pk)}
    assert [who for who, _ in said(sent())] == ["alice", "bob", "dev"]


def test_an_exempt_team_hears_of_the_rule_when_its_exemption_ends(
    sent: Sent, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    sent()
    values = RuleValues("A year", timezone.now(), longest_days=365)
    rule = actions.save_rule(actions.draft_rule(values, by=cast.admin), by=cast.admin)
    until = timezone.now() + timedelta(days=9)
    actions.exempt_client(rule, payments, note="x", until=until, by=cast.admin)
    # Another rule in its place takes the exemption over.
    draft = actions.draft_rule(values, by=cast.admin, replaces=rule)
    actions.save_rule(draft, by=cast.admin)
    assert sent() == []
    subject = "Payments: 1 key outside the key policy"
    assert said(sent(until)) == [(who, subject) for who in BOTH]
    add_webhook(
        payments,
        url="https://hooks.example/x",
        types=["key.revoked"],
        has_secret=True,
        by=cast.admin,
        now=timezone.now(),
    )
    assert new(sent()) == [("alice", "Payments: a webhook was added")]

"""The messages of webhooks: of which events and keys, to whom, and with ids only."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from portal.registry import actions
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.choices import RevocationReason, Role
from portal.registry.models import Client, ClientKey, Event, Ledger, PolicyRule
from portal.webhooks.actions import (
    add_webhook,
)
from portal.webhooks.models import Position, Webhook
from tests.db.webhooks.conftest import ALL, SECOND, Hooked, register
from tests.keys import new_private_key, public_pem
from tests.registering import add_member, register_pem

pytestmark = pytest.mark.django_db


@pytest.mark.sqlite
def test_events_are_sent_in_order_with_ids_only(
    hooked: Hooked, payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    register(payments, cast.dev)
    hooked.add(payments, cast.dev)
    key = register(payments, cast.dev)
    register(other, cast.bob)
    actions.retire_key(key, grace=timedelta(days=1), by=cast.dev)
    actions.keep_key(key, by=cast.dev)
    actions.block_key(key.spki_sha256, by=cast.admin, note="A note")
    actions.suspend_client(payments, note="A note", by=cast.admin)
    actions.resume_client(payments, by=cast.admin)
    add_member(payments, email="bob@example.com", role=Role.VIEWER, by=cast.alice)
    actions.remove_member(payments.memberships.get(user=cast.bob), by=cast.alice)
    hooked.work(5 * SECOND)
    assert hooked.types == [
        *("key.registered", "key.retired", "key.kept", "key.blocked", "key.revoked"),
        *("client.suspended", "client.resumed", "member.added", "member.removed"),
    ]
    assert {each["data"]["client_id"] for each in hooked.messages} == {payments.client_id}
    assert {each["data"].get("kid") for each in hooked.messages} == {key.kid, None}
    revoked, member = hooked.messages[4], hooked.messages[7]
    event = Event.objects.get(verb="revoke_key")
    assert revoked["timestamp"] == event.at.isoformat().replace("+00:00", "Z")
    assert revoked["data"] == {
        "number": event.number,
        "client_id": payments.client_id,
        "kid": key.kid,
        "reason": "compromised",
    }
    assert (member["data"]["member_id"], member["data"]["role"]) == (cast.bob.pk, "viewer")
    said = str(hooked.receiver.requests)
    assert not [
        each for each in ("Secret plan", "A note", "example.com", "Payments") if each in said
    ]


def test_ledger_that_became_shorter_is_followed_from_its_end(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    hooked.add(payments, cast.dev)
    beyond = Ledger.head().size + 5
    Position.objects.update(number=beyond)
    Webhook.objects.update(since=beyond)
    hooked.work(5 * SECOND)
    register(payments, cast.dev)
    hooked.work(5 * SECOND)
    assert hooked.types == ["key.registered"]


def test_webhook_of_the_whole_portal_gets_the_chosen_types_of_all_clients(
    hooked: Hooked, payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    hooked.add(None, cast.admin, types=["key.registered", "key.blocked"])
    first, _ = register(payments, cast.dev), register(other, cast.bob)
    actions.revoke_key(first, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    actions.block_key("ab" * 32, by=cast.admin)
    hooked.work(5 * SECOND)
    assert hooked.types == ["key.registered", "key.registered", "key.blocked"]
    assert hooked.messages[-1]["data"]["spki_sha256"] == "ab" * 32


def test_a_key_that_several_clients_have_is_blocked_for_each(
    hooked: Hooked, payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    hooked.add(None, cast.admin, types=["key.blocked"])
    hooked.add(payments, cast.alice, types=["key.blocked"])
    material = public_pem(new_private_key())
    for client, person in ((payments, cast.dev), (other, cast.bob)):
        key = register_pem(client, material=material, alg="EdDSA", label="x", by=person)
    actions.block_key(key.spki_sha256, by=cast.admin)
    hooked.work(5 * SECOND)
    clients = [each["data"]["client_id"] for each in hooked.messages]
    assert sorted(clients) == sorted([payments.client_id] * 2 + [other.client_id])
    assert {each["data"]["kid"] for each in hooked.messages} == {key.kid}


def test_a_change_of_the_policy_is_sent_to_those_that_it_concerns(
    hooked: Hooked, payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    for client, person in ((payments, cast.alice), (other, cast.bob), (None, cast.admin)):
        hooked.add(client, person, types=["policy.changed"])

    def save(name: str, *clients: Client) -> PolicyRule:
        values = RuleValues(name, hooked.now, clients=clients or None, longest_days=365)
        return actions.save_rule(actions.draft_rule(values, by=cast.admin), by=cast.admin)

    rule = save("Secret plan")
    hooked.work(5 * SECOND)
    assert [each["data"].get("client_id") for each in hooked.messages] == [None] * 3
    data = hooked.messages[0]["data"]
    assert (data["rule"], data["what"], data["longest_days"]) == (rule.pk, "saved", 365)
    save("Of one", payments)
    until = timezone.now() + timedelta(days=1)
    actions.exempt_client(rule, other, note="A note", until=until, by=cast.admin)
    hooked.work(5 * SECOND)
    later = sorted(
        (each["data"]["client_id"], each["data"]["what"]) for each in hooked.messages[3:]
    )
    assert later == sorted(
        [(payments.client_id, "saved")] * 2 + [(other.client_id, "exempted")] * 2
    )
    assert "Secret plan" not in str(hooked.receiver.requests)
    assert "A note" not in str(hooked.receiver.requests)


def test_the_first_webhook_gets_what_happens_before_a_worker_starts(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    register(payments, cast.dev)
    url = f"http://127.0.0.1:{hooked.receiver.port}/"
    values = {"types": ALL, "has_secret": False, "by": cast.alice, "now": hooked.now}
    add_webhook(payments, url=url, **values)
    key = register(payments, cast.dev)
    hooked.work()
    assert [each["data"]["kid"] for each in hooked.messages] == [key.kid]


@pytest.mark.parametrize("date", ["expires_at", "retires_at"])
def test_a_key_that_ends_is_announced_five_times(
    hooked: Hooked, payments: Client, cast: SimpleNamespace, date: str
) -> None:
    hooked.add(payments, cast.dev, types=["key.expiring"])
    end = timezone.now() + timedelta(days=40)
    key = register(payments, cast.dev, expires_at=end if date == "expires_at" else None)
    if date == "retires_at":
        actions.retire_key(key, grace=timedelta(days=40), by=cast.dev)
        end = ClientKey.objects.get(pk=key.pk).retires_at or end
    for days in (9.5, 1, 16, 7, 4, 2, 1.5):
        hooked.work(timedelta(days=days))
    assert [each["data"]["days"] for each in hooked.messages] == [30, 14, 7, 3, 1]
    assert len({each["id"] for each in hooked.messages}) == 5
    assert hooked.messages[0]["data"] == {
        "client_id": payments.client_id,
        "kid": key.kid,
        "ends_at": end.isoformat().replace("+00:00", "Z"),
        "days": 30,
    }


def test_after_a_pause_a_key_is_announced_once(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    hooked.add(payments, cast.dev, types=["key.expiring"])
    register(payments, cast.dev, expires_at=timezone.now() + timedelta(days=40))
    hooked.work(timedelta(days=38))
    assert [each["data"]["days"] for each in hooked.messages] == [3]
    hooked.work(timedelta(days=3))
    assert len(hooked.messages) == 1


def test_revoked_key_is_not_announced(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    hooked.add(payments, cast.dev, types=["key.expiring"])
    key = register(payments, cast.dev, expires_at=timezone.now() + timedelta(days=3, hours=1))
    actions.revoke_key(key, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    hooked.work(timedelta(days=1))
    assert not hooked.messages

"""What webhooks are sent, when, and what happens if their receivers fail."""

from __future__ import annotations

import signal
import socket
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import outgoing
from portal.accounts.mail import MESSAGE
from portal.console.event_text import event_text
from portal.own_keys import new_pem
from portal.registry import actions
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.choices import RevocationReason, Role
from portal.registry.errors import UnfitInput
from portal.registry.models import PORTAL, Client, ClientKey, Event, Ledger, PolicyRule
from portal.webhooks import deliver, follow
from portal.webhooks.actions import (
    LIMIT,
    MOST_WAITING,
    WebhookLimitReached,
    WebhookOff,
    add_webhook,
    change_webhook,
    remove_webhook,
    renew_secret,
    send_again,
    send_test,
    switch_webhook,
)
from portal.webhooks.deliver import LIFE, OFF_AFTER, TOO_LATE
from portal.webhooks.follow import FOLLOW, KEPT
from portal.webhooks.messages import messages_of
from portal.webhooks.models import Delivery, OffBecause, Position, Webhook
from portal.webhooks.switching import GIVEN_UP
from portal.work.models import Task
from portal.work.sealing import unseal
from portal.work.tasks import put_standing
from portal.work.worker import Worker
from tests.db.real_worker import real_worker
from tests.db.registry.racing import at_once
from tests.db.webhooks.conftest import ALL, Hooked
from tests.keys import new_private_key, public_pem
from tests.receiving import Receiver, header_of, receiving
from tests.registering import add_member, register_pem
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
FAILS = b"500 No"


def register(client: Client, by: Any, **more: Any) -> ClientKey:
    material = public_pem(new_private_key())
    return register_pem(client, material=material, alg="EdDSA", label="Secret plan", by=by, **more)


# --- What is sent --------------------------------------------------------------------------------


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


# --- Receivers that fail -------------------------------------------------------------------------


@pytest.mark.sqlite
def test_a_failed_message_is_sent_again_later_with_the_same_id(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    hooked.answers[:] = [FAILS, b"302 Found\r\nLocation: /", b"429 Slow\r\nRetry-After: 600"]
    register(payments, cast.dev)
    pauses = [5, 10, 600]
    hooked.work(SECOND * 5)
    for number, seconds in enumerate(pauses, 1):
        delivery = webhook.deliveries.get()
        assert (delivery.attempts, len(hooked.messages)) == (number, number)
        hooked.work(SECOND * (seconds - 1))
        assert len(hooked.messages) == number
        hooked.work(SECOND)
    delivery = webhook.deliveries.get()
    assert (delivery.status, delivery.delivered_at, delivery.next_at) == (204, hooked.now, None)
    assert {each["id"] for each in hooked.messages} == {delivery.message_id}
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.failing_since, webhook.paused_until) == (0, None, None)
    assert not Task.objects.filter(kind="webhook").exists()


def test_an_attempt_counts_whatever_goes_wrong(
    hooked: Hooked, payments: Client, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an attempt there is no pause, and the worker sends the message each minute."""
    webhook = hooked.add(payments, cast.dev)
    register(payments, cast.dev)

    def fail(*_: Any, **__: Any) -> None:
        raise OverflowError

    monkeypatch.setattr(outgoing, "request", fail)
    hooked.work(SECOND * 5)
    delivery = webhook.deliveries.get()
    assert (delivery.attempts, delivery.status) == (1, None)
    assert delivery.error == "the portal failed; its log says why"
    webhook.refresh_from_db()
    assert webhook.paused_until == hooked.now + SECOND * 5


def test_a_webhook_with_much_to_send_lets_others_go_first(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    for _ in range(2):
        send_test(webhook, now=hooked.now)
    later = hooked.now + timedelta(hours=1)
    assert deliver.deliver(Task(subject=str(webhook.pk)), later) == later


def test_an_event_that_is_not_as_expected_stops_no_other(
    hooked: Hooked, payments: Client, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer version of the portal may have recorded it."""
    hooked.add(payments, cast.dev)

    def fail(event: Event) -> Any:
        if event.verb == "suspend_client":
            raise KeyError
        return messages_of(event)

    monkeypatch.setattr(follow, "messages_of", fail)
    actions.suspend_client(payments, note="A note", by=cast.admin)
    actions.resume_client(payments, by=cast.admin)
    hooked.work(5 * SECOND)
    assert hooked.types == ["client.resumed"]


def test_what_is_for_all_webhooks_is_made_in_pieces(
    hooked: Hooked,
    payments: Client,
    cast: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    webhooks = [hooked.add(payments, cast.dev, types=["policy.changed"]) for _ in range(3)]
    monkeypatch.setattr(follow, "_PIECE", 2)
    values = RuleValues("A year", hooked.now, longest_days=365)
    actions.save_rule(actions.draft_rule(values, by=cast.admin), by=cast.admin)
    put_standing([FOLLOW.name], hooked.now)
    with CaptureQueriesContext(connection) as queries:
        FOLLOW.run(Task(), hooked.now)
    queued = [each for each in queries if 'INTO "work_task"' in each["sql"]]
    assert len(queued) == 2
    assert Delivery.objects.filter(webhook__in=webhooks).count() == 3


def test_a_receiver_that_hangs_costs_one_attempt_per_pause(
    hooked: Hooked, payments: Client, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not matter how much is to be sent to it; the receiver beside it gets everything."""
    limit = outgoing.request

    def impatient(*args: Any, **more: Any) -> Any:
        return limit(*args, **more, time_limit_s=0.2 if "/hangs" in args[1] else 60)

    monkeypatch.setattr(outgoing, "request", impatient)

    def hang(talk: socket.socket, _: Receiver) -> None:
        talk.recv(1)

    with receiving(hang) as silent:
        hanging = hooked.add(payments, cast.dev, url=f"http://127.0.0.1:{silent.port}/hangs")
        hooked.add(payments, cast.dev)
        for _ in range(4):
            register(payments, cast.dev)
        hooked.work(5 * SECOND)
        assert (len(silent.requests), len(hooked.messages)) == (1, 4)
        hooked.work(4 * SECOND)
        assert len(silent.requests) == 1
        hooked.work(SECOND)
        assert len(silent.requests) == 2
    delivery = hanging.deliveries.order_by("pk").first()
    assert delivery
    assert delivery.error == "there was no answer within 0.2 seconds"


def test_a_message_that_is_refused_does_not_hold_up_the_others(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    hooked.answers[:] = [FAILS]
    register(payments, cast.dev)
    hooked.work(5 * SECOND)
    hooked.answers[:] = [FAILS]
    hooked.work(5 * SECOND)
    register(payments, cast.dev)
    # The first one pauses for longer than its webhook does.
    Webhook.objects.update(paused_until=None)
    hooked.work(5 * SECOND)
    done = webhook.deliveries.filter(delivered_at__isnull=False)
    assert [each.attempts for each in done] == [1]


def test_a_message_is_given_up_after_three_days(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    hooked.answers[:] = [FAILS] * 1000
    register(payments, cast.dev)
    hooked.work(5 * SECOND)
    hours = 0
    while (delivery := webhook.deliveries.get()).next_at:
        # As often as once an hour, but this test does not try so often.
        hooked.work(timedelta(hours=12))
        hours += 12
    assert timedelta(hours=hours) == LIFE
    assert delivery.attempts == 1 + hours // 12
    assert not Task.objects.filter(kind="webhook").exists()


def test_a_message_that_pauses_kept_back_is_given_up_too(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    hooked.answers[:] = [FAILS] * 2
    for _ in range(3):
        register(payments, cast.dev)
    hooked.work(5 * SECOND)
    hooked.work(LIFE)
    given_up = webhook.deliveries.filter(next_at=None).order_by("pk")
    assert [each.error for each in given_up] == [TOO_LATE, "", TOO_LATE]
    assert len(hooked.messages) == 2


def test_after_five_days_of_failure_it_is_off_and_owners_get_an_e_mail(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    hooked.answers[:] = [FAILS] * 1000
    for _ in range(6):
        register(payments, cast.dev)
        hooked.work(timedelta(days=1))
    webhook.refresh_from_db()
    assert (webhook.off_because, webhook.off_at) == (OffBecause.FAILING, hooked.now)
    assert timedelta(days=5) == OFF_AFTER
    assert not webhook.deliveries.filter(next_at__isnull=False).exists()
    sent = len(hooked.messages)
    register(payments, cast.dev)
    hooked.work(timedelta(days=1))
    assert len(hooked.messages) == sent
    Worker(kinds=[MESSAGE.name]).step()
    [message] = mail.outbox
    assert (message.to, message.subject) == (["alice@example.com"], "A webhook was switched off")
    assert f"/clients/{payments.client_id}/webhooks/{webhook.pk}/" in message.body
    assert webhook.url not in message.body
    event = Event.objects.get(verb="change_webhook")
    assert (event.actor, event.client) == (PORTAL, payments)
    assert event.detail == {"webhook": webhook.pk, "on": False}


def test_a_receiver_that_is_gone_is_switched_off_at_once(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    hooked.answers[:] = [b"410 Gone"]
    register(payments, cast.dev)
    register(payments, cast.dev)
    hooked.work(5 * SECOND)
    webhook.refresh_from_db()
    assert webhook.off_because == OffBecause.GONE
    errors = webhook.deliveries.order_by("pk").values_list("status", "error", "next_at")
    assert list(errors) == [(410, GIVEN_UP, None), (None, GIVEN_UP, None)]
    assert Task.objects.filter(kind=MESSAGE.name).count() == 1
    # Switched on again, it is sent what happens from then on.
    switch_webhook(webhook, on=True, by=cast.dev, now=hooked.now)
    hooked.work(5 * SECOND)
    key = register(payments, cast.dev)
    hooked.work(5 * SECOND)
    assert [each["data"]["kid"] for each in hooked.messages[1:]] == [key.kid]


def test_what_fails_while_a_webhook_is_switched_off_is_not_tried_again(
    hooked: Hooked, payments: Client, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = hooked.add(payments, cast.dev)
    send = outgoing.request

    def meanwhile(*args: Any, **more: Any) -> Any:
        switch_webhook(webhook, on=False, by=cast.alice, now=hooked.now)
        return send(*args, **more)

    monkeypatch.setattr(outgoing, "request", meanwhile)
    hooked.answers[:] = [b"410 Gone"]
    register(payments, cast.dev)
    hooked.work(5 * SECOND)
    webhook.refresh_from_db()
    assert (webhook.off_because, webhook.deliveries.get().next_at) == (OffBecause.PERSON, None)


def test_what_waits_goes_to_the_new_url_at_once(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    hooked.answers[:] = [FAILS] * 3
    register(payments, cast.dev)
    for seconds in (5, 5, 10):
        hooked.work(seconds * SECOND)
    register(payments, cast.dev)
    hooked.work(2 * SECOND)
    assert len(hooked.messages) == 3
    change_webhook(webhook, url=f"{webhook.url}2", types=ALL, by=cast.alice, now=hooked.now)
    hooked.work()
    assert len(hooked.messages) == 4
    assert hooked.receiver.requests[-1].startswith(b"POST /hook2 ")


def test_a_worker_that_is_killed_after_sending_sends_again_with_the_same_id(
    hooked: Hooked, payments: Client, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = hooked.add(payments, cast.dev)
    register(payments, cast.dev)

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(deliver, "_note", killed)
        with pytest.raises(SystemExit):
            hooked.work(5 * SECOND)
    hooked.work(deliver.WEBHOOK.lease - SECOND)
    assert len(hooked.messages) == 1
    hooked.work(SECOND)
    assert [each["id"] for each in hooked.messages] == [webhook.deliveries.get().message_id] * 2


def test_a_delivery_whose_task_has_just_ended_is_sent_within_a_minute(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    hooked.add(payments, cast.dev)
    register(payments, cast.dev)
    Delivery.objects.all().delete()
    send_test(Webhook.objects.get(), now=hooked.now)
    Task.objects.filter(kind="webhook").delete()
    hooked.work(timedelta(minutes=1))
    assert "webhook.test" in hooked.types


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_real_worker_sends_to_others_while_one_hangs_and_is_killed(
    hooked: Hooked, payments: Client, cast: SimpleNamespace, tmp_path: Path
) -> None:
    key_file = tmp_path / "webhooks.pem"
    key_file.touch(mode=0o600)
    key_file.write_bytes(new_pem())
    variables = {
        "OUTGOING_NETWORKS": "127.0.0.0/8",
        "OUTGOING_HTTP": "true",
        "WEBHOOK_KEYS": str(key_file),
    }

    def hang_once(talk: socket.socket, receiver: Receiver) -> None:
        if len(receiver.requests) == 1:
            talk.recv(1)
        else:
            talk.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with receiving(hang_once) as silent:
        hanging = hooked.add(payments, cast.dev, url=f"http://127.0.0.1:{silent.port}/")
        hooked.add(payments, cast.dev)
        register(payments, cast.dev)
        with real_worker(**variables) as process:
            delivered = Delivery.objects.filter(delivered_at__isnull=False)
            wait_until(lambda: silent.requests and delivered.exists(), "Not both have it.")
            assert not silent.closed.is_set()
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        hooked.now = timezone.now()
        hooked.work()
        assert len(silent.requests) == 1
        hooked.work(deliver.WEBHOOK.lease)
        ids = {header_of(each, "webhook-id") for each in silent.requests}
        assert (len(silent.requests), ids) == (2, {hanging.deliveries.get().message_id})
        assert len(hooked.messages) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_five_workers_at_once_send_each_message_once(
    hooked: Hooked, payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    hooked.add(payments, cast.dev)
    hooked.add(None, cast.admin)
    for _ in range(8):
        register(payments, cast.dev)
    hooked.now += 5 * SECOND
    put_standing([FOLLOW.name], hooked.now)
    waiting = Delivery.objects.filter(delivered_at=None)

    def work() -> None:
        worker = Worker(kinds=[FOLLOW.name, deliver.WEBHOOK.name], clock=lambda: hooked.now)
        while worker.step() or Delivery.objects.count() < 16 or waiting.exists():
            pass

    at_once(work, 5)
    ids = [each["id"] for each in hooked.messages]
    assert (len(ids), len(set(ids))) == (16, 16)
    assert Delivery.objects.filter(delivered_at__isnull=False).count() == 16


# --- What people do ------------------------------------------------------------------------------


def test_a_test_is_sent_also_during_a_pause_and_a_message_again(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    hooked.answers[:] = [FAILS]
    register(payments, cast.dev)
    hooked.work(5 * SECOND)
    send_test(webhook, now=hooked.now)
    hooked.work()
    assert hooked.types == ["key.registered", "webhook.test"]
    delivery = webhook.deliveries.get(type="webhook.test")
    send_again(delivery, now=hooked.now)
    hooked.work(SECOND)
    assert [each["id"] for each in hooked.messages if each["type"] == "webhook.test"] == [
        delivery.message_id
    ] * 2


def test_tests_are_limited_and_need_a_webhook_that_is_on(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    for _ in range(MOST_WAITING):
        send_test(webhook, now=hooked.now)
    with pytest.raises(WebhookLimitReached):
        send_test(webhook, now=hooked.now)
    switch_webhook(webhook, on=False, by=cast.dev, now=hooked.now)
    with pytest.raises(WebhookOff):
        send_test(webhook, now=hooked.now)


def test_webhooks_are_limited_and_checked(
    hooked: Hooked, payments: Client, cast: SimpleNamespace, settings: Any
) -> None:
    for url in ("", "http://8.8.8.8\n", "ftp://receiver.example", "https://a@b.example"):
        with pytest.raises(UnfitInput, match="This URL cannot be used: it"):
            hooked.add(payments, cast.dev, url=url)
    for types in ([], ["key.lost"], ["webhook.test"]):
        with pytest.raises(UnfitInput, match="at least one event"):
            hooked.add(payments, cast.dev, types=types)
    for _ in range(LIMIT):
        hooked.add(payments, cast.dev)
    with pytest.raises(WebhookLimitReached):
        hooked.add(payments, cast.dev)
    settings.OWN_KEYS = {"webhooks": ()}
    with pytest.raises(UnfitInput, match="needs a secret"):
        hooked.add(None, cast.admin)


def test_changes_are_events_of_the_ledger(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev, has_secret=True)
    first = unseal(webhook.secret)
    url = webhook.url
    now = hooked.now
    change_webhook(webhook, url=url, types=webhook.types, by=cast.dev, now=now)
    change_webhook(webhook, url=f"{url}2", types=["key.blocked"], by=cast.dev, now=now)
    second = renew_secret(webhook, by=cast.dev)
    remove_webhook(webhook, by=cast.alice)
    events = Event.objects.filter(verb__endswith="_webhook").order_by("pk")
    assert [(each.verb, str(each.actor), each.client) for each in events] == [
        ("add_webhook", "dev@example.com", payments),
        ("change_webhook", "dev@example.com", payments),
        ("change_webhook", "dev@example.com", payments),
        ("remove_webhook", "alice@example.com", payments),
    ]
    assert event_text(events[0]) == ("dev@example.com added a webhook of the client “Payments”.")
    # A URL may contain a secret, and the ledger keeps it for ever.
    assert "/hook" not in str([each.detail for each in events])
    digest = sha256(f"{url}2".encode()).hexdigest()
    origin = url.removesuffix("/hook")
    assert events[1].detail["url"]["after"] == f"{origin}/… sha256:{digest}"
    assert first != second
    said = str([(each.detail, each.salts) for each in events])
    assert first not in said
    assert second not in said
    assert second.startswith("whsec_")
    assert not Webhook.objects.exists()


def test_old_deliveries_are_pruned(hooked: Hooked, payments: Client, cast: SimpleNamespace) -> None:
    webhook = hooked.add(payments, cast.dev)
    register(payments, cast.dev)
    hooked.work(5 * SECOND)
    hooked.work(KEPT - timedelta(minutes=2))
    assert webhook.deliveries.exists()
    hooked.work(timedelta(minutes=4))
    assert not webhook.deliveries.exists()

"""Deliveries of webhooks: later attempts, pauses, the last attempt, and workers at once."""

from __future__ import annotations

import signal
import socket
from datetime import timedelta
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
from portal.own_keys import new_pem
from portal.registry import actions
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.models import PORTAL, Client, Event
from portal.webhooks import deliver, follow
from portal.webhooks.actions import (
    change_webhook,
    send_test,
    switch_webhook,
)
from portal.webhooks.deliver import LIFE, OFF_AFTER, TOO_LATE
from portal.webhooks.follow import FOLLOW, KEPT
from portal.webhooks.messages import messages_of
from portal.webhooks.models import Delivery, OffBecause, Webhook
from portal.webhooks.switching import GIVEN_UP
from portal.work.models import Task
from portal.work.tasks import put_recurring
from portal.work.worker import Worker
from tests.db.real_worker import real_worker
from tests.db.registry.racing import at_once
from tests.db.webhooks.conftest import ALL, FAILS, SECOND, Hooked, register
from tests.receiving import Receiver, header_of, receiving
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


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
    put_recurring([FOLLOW.name], hooked.now)
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
    hooked: Hooked, payments: Client, cast: SimpleNamespace, failed: Webhook
) -> None:
    hooked.answers[:] = [FAILS]
    hooked.work(5 * SECOND)
    register(payments, cast.dev)
    # The first one pauses for longer than its webhook does.
    Webhook.objects.update(paused_until=None)
    hooked.work(5 * SECOND)
    done = failed.deliveries.filter(delivered_at__isnull=False)
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
    put_recurring([FOLLOW.name], hooked.now)
    waiting = Delivery.objects.filter(delivered_at=None)

    def work() -> None:
        worker = Worker(kinds=[FOLLOW.name, deliver.WEBHOOK.name], clock=lambda: hooked.now)
        while worker.step() or Delivery.objects.count() < 16 or waiting.exists():
            pass

    at_once(work, 5)
    ids = [each["id"] for each in hooked.messages]
    assert (len(ids), len(set(ids))) == (16, 16)
    assert Delivery.objects.filter(delivered_at__isnull=False).count() == 16


def test_old_deliveries_are_pruned(hooked: Hooked, payments: Client, cast: SimpleNamespace) -> None:
    webhook = hooked.add(payments, cast.dev)
    register(payments, cast.dev)
    hooked.work(5 * SECOND)
    hooked.work(KEPT - timedelta(minutes=2))
    assert webhook.deliveries.exists()
    hooked.work(timedelta(minutes=4))
    assert not webhook.deliveries.exists()

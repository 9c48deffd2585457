"""Actions on webhooks: tests and messages that are sent again, limits, and events of changes."""

from __future__ import annotations

from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest

from portal.console.event_text import event_text
from portal.registry.errors import UnfitInput
from portal.registry.models import Client, Event
from portal.webhooks.actions import (
    LIMIT,
    MAX_WAITING,
    WebhookLimitReached,
    WebhookOff,
    change_webhook,
    remove_webhook,
    renew_secret,
    send_again,
    send_test,
    switch_webhook,
)
from portal.webhooks.models import Webhook
from portal.work.sealing import unseal
from tests.db.webhooks.conftest import SECOND, Hooked

pytestmark = pytest.mark.django_db


def test_a_test_is_sent_also_during_a_pause_and_a_message_again(
    hooked: Hooked, failed: Webhook
) -> None:
    send_test(failed, now=hooked.now)
    hooked.work()
    assert hooked.types == ["key.registered", "webhook.test"]
    delivery = failed.deliveries.get(type="webhook.test")
    send_again(delivery, now=hooked.now)
    hooked.work(SECOND)
    assert [each["id"] for each in hooked.messages if each["type"] == "webhook.test"] == [
        delivery.message_id
    ] * 2


def test_tests_are_limited_and_need_a_webhook_that_is_on(
    hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.dev)
    for _ in range(MAX_WAITING):
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

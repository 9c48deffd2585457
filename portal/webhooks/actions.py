"""Verbs on webhooks. Adding, changing and removing one is an event of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import transaction

from portal.accounts.models import User
from portal.outgoing import UrlRefused, check_url
from portal.own_keys import WEBHOOKS, signing_keys
from portal.registry.choices import Verb
from portal.registry.errors import RegistryRefusal, UnfitInput
from portal.registry.locks import lock_existing_client
from portal.registry.models import Client, Event, Ledger, recording
from portal.registry.models.event import difference
from portal.webhooks.deliver import wake
from portal.webhooks.messages import test_message
from portal.webhooks.models import Delivery, EventType, OffBecause, Position, Webhook
from portal.webhooks.signing import new_secret
from portal.webhooks.switching import switch_off
from portal.work.sealing import seal

LIMIT: Final = 10
"""The most webhooks of a client, and of the whole portal."""

MAX_WAITING: Final = 20
"""The most tests and repetitions of a webhook that wait to be sent."""


class WebhookLimitReached(RegistryRefusal):
    """There are as many webhooks, or waiting messages, as there may be."""

    reason = "webhook_limit_reached"


class WebhookOff(RegistryRefusal):
    """The webhook is off, so nothing is sent to it."""

    reason = "webhook_off"


@recording()
def add_webhook(
    client: Client | None,
    *,
    url: str,
    types: Sequence[str],
    has_secret: bool,
    by: User,
    now: datetime,
) -> tuple[Webhook, str]:
    """Send the events of these types to the URL, from now on; return the webhook and its secret.

    The secret is returned only here, and empty without `has_secret`. Raises `ClientDeleted`,
    `UnfitInput` or `WebhookLimitReached`.
    """
    _check(url, types)
    if not has_secret and not signing_keys(WEBHOOKS):
        message = "This portal has no key to sign webhooks with, so a webhook needs a secret."
        raise UnfitInput(message, field="has_secret")
    if client is None:
        # The lock makes two concurrent requests count one after the other.
        User.objects.select_for_update(no_key=True).filter(is_staff=True).first()
    else:
        client = lock_existing_client(client)
    if Webhook.objects.of(client).count() >= LIMIT:
        raise WebhookLimitReached(f"There are {LIMIT} webhooks already. Remove one first.")
    # The worker may not have looked at the ledger yet.
    Position.begin(clock_at=now)
    secret = new_secret() if has_secret else ""
    webhook = Webhook.objects.create(
        client=client,
        url=url,
        types=list(types),
        secret=seal(secret) if secret else "",
        made_at=now,
        made_by=by,
        since=Ledger.head().size,
    )
    _record(Verb.ADD_WEBHOOK, webhook, by, {"url": _recorded(url), "types": list(types)})
    return webhook, secret


@recording()
def change_webhook(
    webhook: Webhook, *, url: str, types: Sequence[str], by: User, now: datetime
) -> None:
    """Change where a webhook goes, and what it is sent. Raises `UnfitInput`.

    Messages that wait go to the new URL, at once.
    """
    _check(url, types)
    webhook = _locked(webhook)
    detail: dict[str, Any] = {}
    if webhook.url != url:
        detail["url"] = {"before": _recorded(webhook.url), "after": _recorded(url)}
    if set(webhook.types) != set(types):
        detail["types"] = difference(webhook.types, types)
    if not detail:
        return
    webhook.url, webhook.types = url, list(types)
    # The failures were those of the receiver before.
    webhook.failures, webhook.failing_since, webhook.paused_until = 0, None, None
    webhook.save(update_fields=["url", "types", "failures", "failing_since", "paused_until"])
    wake(Webhook.objects.with_work(now).filter(pk=webhook.pk), now)
    _record(Verb.CHANGE_WEBHOOK, webhook, by, detail)


@recording()
def remove_webhook(webhook: Webhook, *, by: User) -> None:
    """Remove a webhook and its deliveries."""
    webhook = _locked(webhook)
    _record(Verb.REMOVE_WEBHOOK, webhook, by, {"url": _recorded(webhook.url)})
    webhook.delete()


@recording()
def renew_secret(webhook: Webhook, *, by: User) -> str:
    """Give a webhook a new shared secret, at once and in place of one it has; return it."""
    webhook = _locked(webhook)
    secret = new_secret()
    webhook.secret = seal(secret)
    webhook.save(update_fields=["secret"])
    _record(Verb.CHANGE_WEBHOOK, webhook, by, {"secret": True})
    return secret


@recording()
def switch_webhook(webhook: Webhook, *, on: bool, by: User, now: datetime) -> None:
    """Switch a webhook on or off. It is not sent the events that happened while it was off."""
    webhook = _locked(webhook)
    if webhook.is_on == on:
        return
    if on:
        webhook.off_at, webhook.off_because, webhook.since = None, "", Ledger.head().size
        webhook.failures, webhook.failing_since, webhook.paused_until = 0, None, None
        webhook.save()
    else:
        switch_off(webhook, OffBecause.PERSON, now)
    _record(Verb.CHANGE_WEBHOOK, webhook, by, {"on": on})


@transaction.atomic
def send_test(webhook: Webhook, *, now: datetime) -> Delivery:
    """Send a test message, now. Raises `WebhookLimitReached` and `WebhookOff`."""
    webhook = _ready(webhook)
    delivery = test_message(webhook, now).delivery(webhook, now)
    delivery.save()
    _send_now(webhook, now)
    return delivery


@transaction.atomic
def send_again(delivery: Delivery, *, now: datetime) -> None:
    """Send a message once more, with the same id. Raises as `send_test`."""
    webhook = _ready(delivery.webhook)
    # Its three days begin again, but not the 30 days for which it is kept: the log is by id.
    Delivery.objects.filter(pk=delivery.pk).update(
        next_at=now, made_at=now, attempts=0, delivered_at=None
    )
    _send_now(webhook, now)


def _ready(webhook: Webhook) -> Webhook:
    webhook = _locked(webhook)
    if not webhook.is_on:
        raise WebhookOff("This webhook is off. Switch it on first.")
    if webhook.deliveries.filter(next_at__isnull=False)[:MAX_WAITING].count() >= MAX_WAITING:
        raise WebhookLimitReached(
            f"{MAX_WAITING} messages or more wait to be sent to this webhook. Try again later."
        )
    return webhook


def _send_now(webhook: Webhook, now: datetime) -> None:
    """End the pause of a webhook, so that a person sees at once whether it works."""
    Webhook.objects.filter(pk=webhook.pk).update(paused_until=None)
    wake(Webhook.objects.filter(pk=webhook.pk), now)


def _locked(webhook: Webhook) -> Webhook:
    return Webhook.objects.select_for_update(no_key=True).get(pk=webhook.pk)


def _check(url: str, types: Sequence[str]) -> None:
    try:
        check_url(url)
    except UrlRefused as refusal:
        raise UnfitInput(f"This URL cannot be used: {refusal}.", field="url") from None
    if not types or not {value for value, _ in EventType.choosable()} >= set(types):
        raise UnfitInput("Choose at least one event.", field="types")


def _recorded(url: str) -> str:
    """Return what the ledger says of a URL, which may contain a secret: origin and SHA-256."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/… sha256:{sha256(url.encode()).hexdigest()}"


def _record(verb: Verb, webhook: Webhook, by: User, detail: dict[str, Any]) -> None:
    Event.objects.record(
        verb, by=by, client=webhook.client, detail={"webhook": webhook.pk, **detail}
    )

"""Send what is due to one webhook: the task of a worker.

A webhook has one task, so one worker at a time sends to it, one message after the other. A receiver
that fails pauses as a whole: one that hangs costs a worker ten seconds once per pause, and not once
per message.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final

from portal import outgoing
from portal.outgoing import RequestFailed, Response
from portal.registry.models import recording
from portal.webhooks.models import Delivery, OffBecause, Webhook, WebhookQuerySet
from portal.webhooks.signing import CannotSign, headers
from portal.webhooks.switching import switch_off
from portal.work.models import Task
from portal.work.sealing import NotSealed, unseal
from portal.work.tasks import Kind, pause_after, put_now

logger = logging.getLogger(__name__)

LIFE: Final = timedelta(days=3)
"""After how long a message is given up."""

TOO_LATE: Final = "its receiver failed for three days"
"""The error of a message that is given up while another one is tried."""

OFF_AFTER: Final = timedelta(days=5)
"""After how long without a success a webhook is switched off."""

LONGEST_PAUSE: Final = timedelta(hours=1)
"""The longest pause of a webhook whose receiver fails."""

LONGEST_RETRY_AFTER: Final = timedelta(days=1)
"""The longest pause that a receiver can ask for (`Retry-After`, RFC 9110 §10.2.3)."""

_GONE: Final = 410

Send = Callable[[str, bytes, dict[str, str]], Response]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. `status` is None if there was no response, and `error` says why."""

    status: int | None
    error: str = ""
    retry_after: timedelta = timedelta(0)
    took_ms: int = 0

    @property
    def is_success(self) -> bool:
        """Whether the receiver has the message."""
        return self.status is not None and 200 <= self.status < 300


def deliver(task: Task, now: datetime) -> datetime | None:
    """Send the next message to the webhook that the task names; return when to go on."""
    webhook = Webhook.objects.filter(pk=int(task.subject), off_at=None).first()
    if webhook is None:
        return None
    if webhook.paused_until and webhook.paused_until > now:
        return webhook.paused_until
    delivery = _next(webhook)
    if delivery is None or (delivery.next_at and delivery.next_at > now):
        return delivery.next_at if delivery else None
    # No transaction is open meanwhile: it takes up to ten seconds.
    outcome = _attempt(webhook, delivery, now)
    _note(webhook, delivery, outcome, now)
    following = _next(webhook)
    if following is None:
        return None
    # Not earlier than now, however old it is: the webhooks that became due meanwhile come first.
    return max(filter(None, (now, following.next_at, webhook.paused_until)))


def wake(webhooks: WebhookQuerySet, now: datetime) -> None:
    """Let workers send to these webhooks now: their tasks are queued, or made due."""
    put_now(WEBHOOK, [str(pk) for pk in webhooks.values_list("pk", flat=True)], now)


def _next(webhook: Webhook) -> Delivery | None:
    due = webhook.deliveries.filter(next_at__isnull=False)
    return due.order_by("next_at", "pk").first()


def _attempt(webhook: Webhook, delivery: Delivery, now: datetime) -> Outcome:
    body = delivery.body.encode()
    began = time.monotonic()
    elapsed = partial(_ms_since, began)
    try:
        secret = unseal(webhook.secret) if webhook.secret else ""
        signed = headers(delivery.message_id, body, secret, now)
        response = outgoing.request("POST", webhook.url, body=body, headers=signed)
        wanted = retry_after(response.headers.get("Retry-After", ""), now)
    except RequestFailed as failure:
        return Outcome(None, str(failure), took_ms=elapsed())
    except CannotSign:
        return Outcome(None, "the portal has no key to sign with (WEBHOOK_KEYS)")
    except NotSealed:
        return Outcome(None, "its secret was encrypted with another SECRET_KEY; make a new one")
    except Exception:
        # An attempt that nobody counts would be made again each minute, for ever.
        logger.exception("A message to webhook %s could not be sent.", webhook.pk)
        return Outcome(None, "the portal failed; its log says why", took_ms=elapsed())
    return Outcome(response.status, "", wanted, elapsed())


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


@recording()
def _note(webhook: Webhook, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    """Write down how an attempt ended, in both rows."""
    locked = Webhook.objects.select_for_update(no_key=True).filter(pk=webhook.pk).first()
    if locked is None:
        return  # it was removed meanwhile
    delivery.attempts += 1
    delivery.tried_at, delivery.took_ms = now, outcome.took_ms
    delivery.status, delivery.error = outcome.status, outcome.error[:200]
    if outcome.is_success:
        delivery.delivered_at, delivery.next_at = now, None
        locked.failures, locked.failing_since, locked.paused_until = 0, None, None
    else:
        next_at = now + pause_after(delivery.attempts, longest=LONGEST_PAUSE)
        # It may have been switched off meanwhile.
        is_over = next_at >= delivery.made_at + LIFE or not locked.is_on
        delivery.next_at = None if is_over else next_at
        # With others that its pauses kept back for as long.
        late = locked.deliveries.filter(next_at__isnull=False, made_at__lte=now - LIFE)
        late = late.exclude(pk=delivery.pk)
        late.filter(error="").update(error=TOO_LATE)
        late.update(next_at=None)
        locked.failures += 1
        locked.failing_since = locked.failing_since or now
        pause = pause_after(locked.failures, longest=LONGEST_PAUSE)
        locked.paused_until = now + max(pause, outcome.retry_after)
    delivery.save(
        update_fields=[
            *("attempts", "tried_at", "took_ms", "status", "error", "delivered_at", "next_at")
        ]
    )
    locked.save(update_fields=["failures", "failing_since", "paused_until"])
    webhook.paused_until = locked.paused_until
    if not locked.is_on:
        return
    if outcome.status == _GONE:
        switch_off(locked, OffBecause.GONE, now)
    elif locked.failing_since and now - locked.failing_since >= OFF_AFTER:
        switch_off(locked, OffBecause.FAILING, now)


def retry_after(value: str, now: datetime) -> timedelta:
    """Return the pause that a receiver asks for, within bounds; none if it cannot be read."""
    pause = timedelta(0)
    if value.isdecimal() and value.isascii():
        pause = timedelta(seconds=min(int(value[:9]), LONGEST_RETRY_AFTER.total_seconds()))
    elif value:
        # A year or a zone can be too large for a datetime, or for the difference.
        with suppress(ValueError, OverflowError):
            until = parsedate_to_datetime(value)
            pause = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return max(timedelta(0), min(pause, LONGEST_RETRY_AFTER))


WEBHOOK: Final = Kind(
    "webhook",
    "Webhooks",
    deliver,
    # A receiver that hangs holds a thread for ten seconds.
    threads=8,
)

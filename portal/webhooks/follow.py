"""Follow the ledger and the clock: make the deliveries of what happens, in order."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import Error, transaction
from django.db.models import Q

from portal.registry.models import Event
from portal.registry.successors import DAYS_BEFORE, keys_ending
from portal.webhooks.deliver import wake
from portal.webhooks.messages import Message, message_of_end, messages_of
from portal.webhooks.models import Delivery, Position, Webhook
from portal.work.models import Task
from portal.work.tasks import Kind

logger = logging.getLogger(__name__)

EVERY: Final = timedelta(seconds=2)
"""How often new events are read."""

CLOCK_EVERY: Final = timedelta(minutes=1)
"""How often the ends of keys are read."""

BATCH: Final = 50
"""How many events one transaction handles."""

KEPT: Final = timedelta(days=30)
"""How long a delivery is kept."""

_PIECE: Final = 1000
"""How many webhooks, or new deliveries, one statement handles."""
_PRUNED: Final = 1000
_LONGEST_STEP: Final = timedelta(days=1)
"""How much time is handled at once after a pause, so that the number of keys is small."""


def follow(_task: Task, now: datetime) -> datetime:
    """Make the deliveries of the next events and ends of keys; return when to look again."""
    is_behind = _follow_ledger(now)
    is_behind |= _follow_clock(now)
    return now if is_behind else now + EVERY


def _follow_ledger(now: datetime) -> bool:
    """Handle the next events and move the position; return whether there may be more.

    It is one transaction, so a killed worker leaves all of it or nothing.
    """
    if not Position.is_behind():
        return False
    with transaction.atomic():
        position = Position.locked(clock_at=now)
        after = Event.objects.filter(number__gt=position.number).order_by("number")
        events = list(after.select_related("client", "key__client").defer(*_UNUSED)[:BATCH])
        messages: list[Message] = []
        is_behind = len(events) == BATCH
        for event in events:
            position.number = event.number or position.number
            messages += (found := _messages_of(event))
            # It is for all webhooks, so others do not go into the same transaction.
            if any(each.of_all for each in found):
                is_behind = True
                break
        _deliver(messages, now)
        if events:
            position.save(update_fields=["number"])
    return is_behind


def _messages_of(event: Event) -> list[Message]:
    """Return the messages about an event; none if it is not as expected.

    Without this, one event that a newer version recorded would stop all webhooks.
    """
    try:
        return list(messages_of(event))
    except Error:
        raise  # another attempt may succeed
    except Exception:
        logger.exception("No webhook is sent event %s of the ledger.", event.number)
        return []


_UNUSED: Final = ("key__pem", "key__jwk")


def _follow_clock(now: datetime) -> bool:
    """Handle the time since the last call, once a minute; return whether there is more of it."""
    position = Position.objects.filter(pk=1).first()
    if position is None or now - position.clock_at < CLOCK_EVERY:
        return False
    with transaction.atomic():
        position = Position.locked(clock_at=now)
        begin = position.clock_at
        end = min(now, begin + _LONGEST_STEP)
        _deliver(list(_ends(begin, end, now)), now)
        position.clock_at = end
        position.save(update_fields=["clock_at"])
    if end < now:
        return True
    _prune(now)
    # A task may have ended while another worker made a delivery for it.
    wake(Webhook.objects.with_work(now), now)
    return False


def _ends(begin: datetime, end: datetime, now: datetime) -> Iterator[Message]:
    """Yield a message for each key that came near its end in this time."""
    ahead = [timedelta(days=days) for days in DAYS_BEFORE]
    keys = keys_ending(*((begin + each, end + each) for each in ahead)).filter(_is_wanted())
    for key in keys.select_related("client").defer("pem", "jwk").order_by("pk"):
        ends_at = key.lifecycle.ends_at
        if ends_at and ends_at > now:
            # After a pause, only the nearest one: the occasion makes it unique.
            days = min(each for each in DAYS_BEFORE if ends_at - now <= timedelta(days=each))
            yield message_of_end(key, ends_at, days, now)


def _is_wanted() -> Q:
    """Return the condition that a key's client has a webhook; it holds if the portal has one."""
    on = Webhook.objects.filter(off_at=None)
    if on.of(None).exists():
        return Q()
    return Q(client__in=on.values("client"))


def _deliver(messages: Sequence[Message], now: datetime) -> None:
    """Make a delivery of each message to each webhook that it is for, and wake these."""
    on = Webhook.objects.filter(off_at=None).order_by("pk")
    if not any(each.of_all for each in messages):
        clients = {each.client_pk for each in messages} - {None}
        on = on.filter(Q(client=None) | Q(client__in=clients))
    last = 0
    while webhooks := list(on.filter(pk__gt=last)[:_PIECE]):
        made = [
            message.delivery(webhook, now)
            for message in messages
            for webhook in webhooks
            if _is_for(message, webhook)
        ]
        # Another attempt at this transaction is no second occasion.
        Delivery.objects.bulk_create(made, ignore_conflicts=True, batch_size=_PIECE)
        wake(Webhook.objects.filter(pk__in={each.webhook_id for each in made}), now)
        last = webhooks[-1].pk


def _is_for(message: Message, webhook: Webhook) -> bool:
    is_new = message.number is None or message.number > webhook.since
    is_about = message.of_all or webhook.client_id in {None, message.client_pk}
    return is_new and is_about and message.type in webhook.types


def _prune(now: datetime) -> None:
    old = Delivery.objects.filter(made_at__lt=now - KEPT).order_by("made_at", "pk")
    Delivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:_PRUNED])).delete()


FOLLOW: Final = Kind("webhook_events", "Events for webhooks", follow, is_recurring=True)

"""Follow the ledger: give notices of what was done, in the order in which it was done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from portal.notices.contacts import ask_addresses
from portal.notices.events import occasions_of
from portal.notices.give import give
from portal.notices.models import Position
from portal.notices.policy import queue_policy_notices
from portal.registry.models import Event, Ledger
from portal.work.models import Task
from portal.work.tasks import Kind

EVERY: Final = timedelta(seconds=5)
"""How often the ledger is looked at."""

BATCH: Final = 50
"""How many events one transaction handles."""

_NAMED: Final = ("client", "actor_user", "actor_key__client", "key__client", "key__registered_by")


def follow(_task: Task, now: datetime) -> datetime:
    """Give the notices of the next events; return when to look again."""
    position = Position.objects.filter(pk=1).first()
    if position and position.number >= Ledger.head().size:
        return now + EVERY
    return now if follow_batch(now) == BATCH else now + EVERY


@transaction.atomic
def follow_batch(now: datetime) -> int:
    """Handle a batch of events after the position, and move it; return how many there were.

    A killed worker leaves all of it or nothing.
    """
    position = Position.locked()
    after = Event.objects.filter(number__gt=position.number).order_by("number")
    events = list(after.select_related(*_NAMED).defer("key__pem", "key__jwk")[:BATCH])
    for event in events:
        give(occasions_of(event, now), now)
        ask_addresses(event, now)
        queue_policy_notices(event, now)
        position.number = event.number or 0
    position.save(update_fields=["number"])
    return len(events)


FOLLOW: Final = Kind("notices", "Notices of changes", follow, is_standing=True)

"""Follow the ledger: give notices of what was done, in the order in which it was done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from portal.notices.give import MAX_NOTICES
from portal.notices.models import Position
from portal.notices.set_aside import events, handle_event
from portal.work.models import Task
from portal.work.tasks import Kind

EVERY: Final = timedelta(seconds=5)
"""How often new events are read."""

BATCH: Final = 50
"""How many events one transaction handles, at most."""


def follow(_task: Task, now: datetime) -> datetime:
    """Give the notices of the next events; return when to look again."""
    return now if Position.is_behind() and follow_batch(now) else now + EVERY


@transaction.atomic
def follow_batch(now: datetime) -> bool:
    """Handle a batch of events after the position, and move it; return whether there may be more.

    A killed worker leaves all of it or nothing.
    """
    position = Position.locked()
    batch = list(events().filter(number__gt=position.number).order_by("number")[:BATCH])
    left = MAX_NOTICES
    for event in batch:
        left -= handle_event(event, now, left)
        if left == 0:
            break  # not past this event: the next transaction gives the rest of its notices
        position.number = event.number or 0
    position.save(update_fields=["number"])
    return left == 0 or len(batch) == BATCH


FOLLOW: Final = Kind("notices", "Notices of changes", follow, is_recurring=True)

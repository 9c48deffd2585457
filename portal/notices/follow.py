"""Follow the ledger: give notices of what was done, in the order in which it was done."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from portal.notices.give import MOST
from portal.notices.models import Position
from portal.notices.single import events, handle_event
from portal.registry.models import Ledger
from portal.work.models import Task
from portal.work.tasks import Kind

logger = logging.getLogger(__name__)

EVERY: Final = timedelta(seconds=5)
"""How often the ledger is looked at."""

BATCH: Final = 50
"""How many events one transaction handles, at most."""


def follow(_task: Task, now: datetime) -> datetime:
    """Give the notices of the next events; return when to look again."""
    position = Position.objects.filter(pk=1).first()
    size = Ledger.head().size
    if position and position.number > size:
        # Else nobody would get a notice of the events that get the numbers that were handled.
        logger.error("The ledger ends at %d, before the position %s of notices", size, position)
        Position.objects.filter(pk=1, number=position.number).update(number=size)
    if position and position.number >= size:
        return now + EVERY
    return now if follow_batch(now) else now + EVERY


@transaction.atomic
def follow_batch(now: datetime) -> bool:
    """Handle a batch of events after the position, and move it; return whether there may be more.

    A killed worker leaves all of it or nothing.
    """
    position = Position.locked()
    batch = list(events().filter(number__gt=position.number).order_by("number")[:BATCH])
    left = MOST
    for event in batch:
        left -= handle_event(event, now, left)
        if left == 0:
            break  # not past this event: the next transaction gives the rest of its notices
        position.number = event.number or 0
    position.save(update_fields=["number"])
    return left == 0 or len(batch) == BATCH


FOLLOW: Final = Kind("notices", "Notices of changes", follow, is_standing=True)

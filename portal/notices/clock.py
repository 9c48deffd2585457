"""Follow the clock: give notices of keys that end soon, and forget notices of long ago."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from portal.notices.ends import DAYS, FIRST
from portal.notices.give import MAX_NOTICES
from portal.notices.models import Notice, Position
from portal.notices.set_aside import handle_end
from portal.registry.successors import keys_ending
from portal.work.models import Task
from portal.work.tasks import Kind

EVERY: Final = timedelta(minutes=1)
"""How often keys whose notices are due are read."""

BATCH: Final = 50
"""How many keys one transaction handles, at most."""

KEPT: Final = timedelta(days=120)
"""How long a notice is remembered: longer than the clock looks back, so none is given again."""

_PRUNED: Final = 1000


def tick(_task: Task, now: datetime) -> datetime:
    """Give the notices that are due; return when to look again."""
    more = tick_batch(now)
    if not more:
        old = Notice.objects.filter(made_at__lt=now - KEPT).order_by("made_at")
        Notice.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:_PRUNED])).delete()
    return now if more else now + EVERY


@transaction.atomic
def tick_batch(now: datetime) -> bool:
    """Handle a batch of the keys whose notices become due; return whether there is more.

    A round is the time from `clock_at` to `clock_to`, which is long after a pause. Of the notices
    of a key in it, only the nearest one to now is given.
    """
    position = Position.locked()
    # The first round looks at all keys that end soon.
    begin = position.clock_at or now - FIRST
    end = position.clock_to or now
    if end <= begin:
        return False
    periods = [(begin + ahead, end + ahead) for ahead in (timedelta(days=each) for each in DAYS)]
    due = keys_ending(*periods).filter(pk__gt=position.clock_key, client__deleted=False)
    keys = list(due.select_related("client").order_by("pk")[:BATCH])
    left, last = MAX_NOTICES, position.clock_key
    for key in keys:
        left -= handle_end(key, now, left)
        if left == 0:
            break  # not past this key: the next transaction gives the rest of its notices
        last = key.pk
    has_more = left == 0 or len(keys) == BATCH
    if has_more:
        position.clock_at, position.clock_to, position.clock_key = begin, end, last
    else:
        position.clock_at, position.clock_to, position.clock_key = end, None, 0
    position.save(update_fields=["clock_at", "clock_to", "clock_key"])
    return has_more


CLOCK: Final = Kind("notices_of_ends", "Notices of keys that end", tick, is_recurring=True)

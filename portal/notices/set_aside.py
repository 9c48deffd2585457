"""Give the notices of one event of the ledger, or of one key that ends; set aside what fails.

So one event that cannot be written about does not hold up the notices of all others. It becomes a
task of its own: the log, the console and the metrics say that it fails, and it is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from portal.notices.contacts import ask_addresses
from portal.notices.ends import occasions_of_end
from portal.notices.events import occasions_of
from portal.notices.give import MAX_NOTICES, give
from portal.notices.models import Position
from portal.notices.policy import queue_policy_notices
from portal.registry.models import ClientKey, Event
from portal.work.models import Task
from portal.work.tasks import Kind, put

logger = logging.getLogger(__name__)

_LIFE: Final = timedelta(days=14)
"""How long notices that were set aside are tried again. Then they are dropped and counted."""

_NAMED: Final = ("client", "actor_user", "actor_key__client", "key__client", "key__registered_by")


def events() -> QuerySet[Event]:
    """Return the events of the ledger, each with what its notices name."""
    return Event.objects.select_related(*_NAMED).defer("key__pem", "key__jwk")


def handle_event(event: Event, now: datetime, most: int) -> int:
    """Give the notices of an event, or set it aside; return how many, at `most` as in `give`.

    The caller holds the lock of the `Position`. Raises the errors of a database that is gone or too
    slow: those are not about the event.
    """
    return _or_set_aside(f"event {event.number}", partial(_of_event, event, now, most), now)


def handle_end(key: ClientKey, now: datetime, most: int) -> int:
    """Give the notice of a key that ends, or set it aside; else as `handle_event`."""
    return _or_set_aside(f"key {key.pk}", partial(_of_end, key, now, most), now)


def _of_event(event: Event, now: datetime, most: int) -> int:
    ask_addresses(event, now)
    queue_policy_notices(event, now)
    return give(occasions_of(event, now), now, most=most)


def _of_end(key: ClientKey, now: datetime, most: int) -> int:
    return give(occasions_of_end(key, now), now, most=most)


def _or_set_aside(subject: str, run: Callable[[], int], now: datetime) -> int:
    try:
        with transaction.atomic():
            return run()
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("The notices of %s are set aside", subject)
        put(SET_ASIDE, subject, due_at=now, last_at=now + _LIFE)
        return 0


@transaction.atomic
def _again(task: Task, now: datetime) -> datetime | None:
    """Try once more what was set aside; return when to go on, if there may be more to give."""
    Position.locked()
    what, number = task.subject.split(" ")
    if what == "event":
        given = _of_event(events().get(number=number), now, MAX_NOTICES)
    else:
        key = ClientKey.objects.select_related("client").get(pk=number)
        given = _of_end(key, now, MAX_NOTICES)
    return now if given == MAX_NOTICES else None


SET_ASIDE: Final = Kind("notices_set_aside", "Notices that failed and were set aside", _again)

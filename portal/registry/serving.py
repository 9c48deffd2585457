"""What the serving processes store for each other: the sets requested, and what each one serves.

None of it is an event: it expires within two hours.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import F, Max
from django.db.models.functions import Now

from portal.registry.ledger_source import follower
from portal.registry.models import RequestedSet, ServingProcess

GONE_AFTER: Final = timedelta(seconds=20)
"""A process whose last report is older than this has ended, or has lost the database."""

_HOUR: Final = timedelta(hours=1)
_BATCH: Final = 1000


def note_requests(sets: Iterable[tuple[str, bool]], hour: datetime) -> None:
    """Store that these sets (client_id, extended) were requested in this hour."""
    rows = [
        RequestedSet(client_id=client_id, extended=extended, hour=hour)
        for client_id, extended in sorted(sets)
    ]
    RequestedSet.objects.bulk_create(rows, batch_size=_BATCH, ignore_conflicts=True)
    RequestedSet.objects.filter(hour__lt=hour - _HOUR).delete()


def requested_sets(hour: datetime, *, limit: int) -> tuple[list[tuple[str, bool]], int]:
    """Return the sets requested from any process in this hour or the one before.

    Returns at most `limit` sets, this hour's first, and the number of further ones.
    """
    rows = RequestedSet.objects.filter(hour__gte=hour - _HOUR)
    sets = rows.order_by("-hour", "client_id").values_list("client_id", "extended")
    found = list(dict.fromkeys(sets[: 2 * limit]))
    if len(found) <= limit:
        return found, 0
    return found[:limit], rows.values("client_id", "extended").distinct().count() - limit


def _serves_for() -> timedelta:
    """Return how long after its last report a process may serve sets, without the database."""
    return GONE_AFTER + timedelta(seconds=settings.JWKS_STALE_IF_ERROR)


class ThisProcess:
    """The row of this process in the table of serving processes."""

    def __init__(self) -> None:
        self._id = uuid.uuid4()
        self._host = socket.gethostname()[:64]

    def report(self, number: int, *, cached: int, unfit: int) -> None:
        """Store which ledger number this process serves, and how many sets are in its cache.

        `unfit` counts the requested sets that are not. Also deletes the rows of processes that
        serve no more.
        """
        row = ServingProcess(
            id=self._id, host=self._host, number=number, cached=cached, unfit=unfit, seen_at=Now()
        )
        ServingProcess.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["number", "cached", "unfit", "seen_at"],
        )
        ServingProcess.objects.filter(seen_at__lt=Now() - _serves_for()).delete()


@dataclass(frozen=True, slots=True)
class Serving:
    """How many processes serve, and the worst figure of any of them.

    `number` is the lowest ledger number that one of them serves, and `seconds` the age of the
    oldest report. `unfit` is the most requested sets that one process does not have in memory.
    """

    processes: int
    number: int
    seconds: int
    unfit: int


def serving() -> Serving | None:
    """Return what the processes reported, or None if none did.

    On SQLite no process reports, so the answer is about this process only.
    """
    if connection.vendor == "sqlite":
        return Serving(1, follower.number, 0, 0) if follower.is_healthy() else None
    rows = ServingProcess.objects.annotate(age=Now() - F("seen_at")).filter(age__lt=GONE_AFTER)
    found = list(rows.values_list("number", "age", "unfit"))
    if not found:
        return None
    return Serving(
        processes=len(found),
        number=min(number for number, _, _ in found),
        seconds=round(max(age for _, age, _ in found).total_seconds()),
        unfit=max(unfit for _, _, unfit in found),
    )


def outdated_until(number: int) -> datetime | None:
    """Return until when a process may serve sets without this event, though it does not report.

    None if none may. A process that lost the database serves its sets for `JWKS_STALE_IF_ERROR`.
    One that has ended does not, but the table does not say which of both it is.
    """
    silent = ServingProcess.objects.filter(
        number__lt=number, seen_at__lte=Now() - GONE_AFTER, seen_at__gt=Now() - _serves_for()
    )
    last: datetime | None = silent.aggregate(last=Max("seen_at"))["last"]
    return last and last + _serves_for()

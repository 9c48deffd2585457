"""Counts of tasks for admins: queued, failing and why, done, and dropped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Min, QuerySet

from portal.work.models import Tally, Task
from portal.work.tasks import KINDS, Kind

COUNTED: Final = 1000
"""How many tasks are counted; further ones are only "more"."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The tasks of one kind.

    `queued` and `failing` are at most `COUNTED` + 1, and `queued_since` is when the oldest of so
    many tasks was queued that are due first. `error` is why the oldest failing task failed last,
    and `failing_since` when it was queued.
    """

    kind: Kind
    queued: int
    queued_since: datetime | None
    failing: int
    error: str
    failing_since: datetime | None
    tally: Tally


def overviews() -> list[Overview]:
    """Return the overview of each kind."""
    tallies = Tally.objects.in_bulk()
    return [_overview(kind, tallies.get(kind.name) or Tally(kind.name)) for kind in KINDS.values()]


def failing_tasks(kind: Kind) -> int:
    """Return how many tasks of the kind failed last, at most `COUNTED` + 1."""
    return _failing(kind)[: COUNTED + 1].count()


def _failing(kind: Kind) -> QuerySet[Task]:
    return Task.objects.filter(kind=kind.name).exclude(error="")


def _overview(kind: Kind, tally: Tally) -> Overview:
    queued = Task.objects.filter(kind=kind.name)
    oldest = _failing(kind).order_by("made_at").first()
    first = queued.order_by("due_at", "pk")[: COUNTED + 1]
    found = first.aggregate(number=Count("pk"), since=Min("made_at"))
    return Overview(
        kind,
        queued=found["number"],
        queued_since=found["since"],
        failing=failing_tasks(kind) if oldest else 0,
        error=oldest.error if oldest else "",
        failing_since=oldest.made_at if oldest else None,
        tally=tally,
    )

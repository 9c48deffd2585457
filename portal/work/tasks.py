"""Queue tasks, claim them, and write down how they ended.

A task is done at least once: if a worker is killed between doing it and deleting it, or loses its
lease, another worker does it again. What a kind does must allow that.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from portal.work.models import Task

FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=10)
"""How long a task pauses after its first failure, which doubles with each further one, and at
most."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task.

    `run` takes the subject and the time. It returns when to run the task again, or None if it is
    done. Any exception means that the attempt failed.
    """

    name: str
    run: Callable[[str, datetime], datetime | None]
    lease: timedelta = timedelta(minutes=1)
    """After how long another worker may take the task: longer than any run takes."""


KINDS: Final[dict[str, Kind]] = {}


def register(kind: Kind) -> None:
    """Make a kind known to the workers. An application does so when it is ready."""
    KINDS[kind.name] = kind


def put(kind: Kind, subject: str, *, due_at: datetime) -> None:
    """Queue a task, unless it is queued already. Call it in the transaction that needs it."""
    task = Task(kind=kind.name, subject=subject, due_at=due_at)
    Task.objects.bulk_create([task], ignore_conflicts=True)


def claim(now: datetime) -> Task | None:
    """Claim and return the task that has been due for longest; None if none is due.

    Of several workers at once, each gets another task. A kind that only a newer version of the
    portal knows is left to its workers.
    """
    due = Task.objects.filter(kind__in=KINDS, due_at__lte=now).order_by("due_at", "pk")
    # On SQLite a transaction blocks writers, so do not begin one in vain.
    if not due.exists():
        return None
    with transaction.atomic():
        task = due.select_for_update(skip_locked=True).first()
        if task is not None:
            task.claim = uuid.uuid4()
            task.attempts += 1
            task.due_at = now + KINDS[task.kind].lease
            task.save(update_fields=["claim", "attempts", "due_at"])
    return task


def succeed(task: Task, *, due_at: datetime | None) -> None:
    """Delete a task that is done, or make it due again. Does nothing if the claim was lost."""
    mine = Task.objects.filter(pk=task.pk, claim=task.claim)
    if due_at is None:
        mine.delete()
    else:
        mine.update(claim=None, attempts=0, error="", due_at=due_at)


def fail(task: Task, error: str, *, now: datetime) -> None:
    """Make the task due after a pause that grows. Does nothing if the claim was lost."""
    mine = Task.objects.filter(pk=task.pk, claim=task.claim)
    mine.update(claim=None, error=error[:200], due_at=now + pause_after(task.attempts))


def pause_after(attempts: int) -> timedelta:
    """Return how long a task pauses after so many failed attempts."""
    # Without a bound the number of seconds would overflow.
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)

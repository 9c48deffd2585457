"""Queue tasks, claim them, and write down how they ended.

A task is done at least once: if a worker is killed between doing it and deleting it, or loses its
lease, another worker does it again. What a kind does must allow that. `most_lost` limits it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from portal.work.models import Tally, Task
from portal.work.sealing import seal

FIRST_PAUSE: Final = timedelta(seconds=5)
"""The pause after a first failure. It doubles with each further one."""

LONGEST_PAUSE: Final = timedelta(minutes=10)
"""The longest pause of a task that fails."""

RECURRING: Final = "all"
"""The subject of a recurring task."""


class TaskFailed(Exception):  # noqa: N818 - it says what happened to the task
    """An attempt failed for a reason that is known. The message is logged, and shown to admins."""


class TaskDropped(TaskFailed):
    """The task can never be done."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task.

    `run` takes the task and the time. It returns when to run the task again, or None if it is done.
    Any exception means that the attempt failed, and `TaskDropped` that all further ones would.
    """

    name: str
    title: str
    """The name of the tasks for admins, in the plural: "Messages"."""
    run: Callable[[Task, datetime], datetime | None]
    lease: timedelta = timedelta(minutes=1)
    """After how long another worker may take the task: longer than any run takes."""
    most_lost: int | None = None
    """How many workers may be lost while they do the task, before it is dropped; None: any number.
    """
    is_recurring: bool = False
    """Whether there is always one task of the kind. Workers queue it, and `run` never ends it."""
    threads: int = 1
    """How many tasks of the kind a process does at once."""


KINDS: Final[dict[str, Kind]] = {}


def register(kind: Kind) -> None:
    """Make a kind known to the workers: `ready` of the application that has it calls this.

    No worker does the tasks of a kind that is not registered.
    """
    KINDS[kind.name] = kind


def put(
    kind: Kind,
    subject: str,
    *,
    due_at: datetime,
    last_at: datetime | None = None,
    sealed: str = "",
) -> None:
    """Queue a task, unless it is queued already. Call it in the transaction that needs it.

    The task is dropped at `last_at`. `sealed` is encrypted.
    """
    task = Task(
        kind=kind.name,
        subject=subject,
        due_at=due_at,
        last_at=last_at,
        sealed=seal(sealed) if sealed else "",
    )
    Task.objects.bulk_create([task], ignore_conflicts=True)


def put_now(kind: Kind, subjects: Collection[str], now: datetime) -> None:
    """Queue a task for each subject, or make the one due now that is queued for later."""
    waiting = Task.objects.filter(kind=kind.name, subject__in=subjects, claim=None)
    waiting.filter(due_at__gt=now).update(due_at=now)
    tasks = [Task(kind=kind.name, subject=each, due_at=now) for each in subjects]
    Task.objects.bulk_create(tasks, ignore_conflicts=True)


def put_recurring(kinds: Collection[str], now: datetime) -> None:
    """Queue the tasks of recurring kinds, unless they are queued already."""
    for name in kinds:
        if KINDS[name].is_recurring:
            put(KINDS[name], RECURRING, due_at=now)


def claim(kinds: Collection[str], now: datetime) -> Task | None:
    """Claim and return the task that has been due for longest; None if none is due.

    Of several workers at once, each gets another task. A kind that only a newer version of the
    portal knows is left to its workers.
    """
    due = Task.objects.filter(kind__in=kinds, due_at__lte=now).order_by("due_at", "pk")
    # On SQLite a transaction blocks writers, so do not begin one in vain.
    if not due.exists():
        return None
    with transaction.atomic():
        task = due.select_for_update(skip_locked=True).first()
        if task is not None:
            task.lost += task.claim is not None
            task.claim = uuid.uuid4()
            task.attempts += 1
            task.due_at = now + KINDS[task.kind].lease
            task.save(update_fields=["lost", "claim", "attempts", "due_at"])
    return task


def check_is_wanted(task: Task, now: datetime) -> None:
    """Raise `TaskDropped` if a claimed task is too late, or has lost too many workers."""
    if task.last_at is not None and task.last_at <= now:
        raise TaskDropped("it is too late")
    most_lost = KINDS[task.kind].most_lost
    if most_lost is not None and task.lost > most_lost:
        raise TaskDropped(f"{task.lost} workers were lost while they did it")


def succeed(task: Task, *, due_at: datetime | None, now: datetime) -> None:
    """Delete and count a task that is done, or make it due again.

    Does nothing if the claim was lost.
    """
    if due_at is None:
        _delete(task, "done", now)
    else:
        _claimed(task).update(claim=None, attempts=0, lost=0, error="", due_at=due_at)


def fail(task: Task, error: str, *, now: datetime) -> None:
    """Make the task due after a pause that grows. Does nothing if the claim was lost."""
    due_at = now + pause_after(task.attempts, longest=LONGEST_PAUSE)
    if task.last_at is not None:
        # Not later: the task is dropped then, and its sealed content is kept no longer.
        due_at = min(due_at, task.last_at)
    _claimed(task).update(claim=None, error=error[:200], due_at=due_at)


def drop(task: Task, *, now: datetime) -> None:
    """Delete and count a task that cannot be done. Does nothing if the claim was lost."""
    _delete(task, "dropped", now)


def retry(kind: str, now: datetime) -> int:
    """Make the failed tasks of a kind due now; return how many there are."""
    return Task.objects.filter(kind=kind, claim=None).exclude(error="").update(due_at=now)


def _claimed(task: Task) -> QuerySet[Task]:
    return Task.objects.filter(pk=task.pk, claim=task.claim)


@transaction.atomic
def _delete(task: Task, count: str, now: datetime) -> None:
    """Delete a task and add it to this count of the kind's `Tally`."""
    deleted, _ = _claimed(task).delete()
    if deleted:
        Tally.objects.get_or_create(kind=task.kind)
        Tally.objects.filter(kind=task.kind).update(**{count: F(count) + 1, f"{count}_at": now})


def pause_after(failures: int, *, longest: timedelta) -> timedelta:
    """Return the pause after so many failures, at least one: five seconds, then twice as long."""
    # Without a bound the number of seconds would overflow.
    return min(FIRST_PAUSE * (1 << min(failures - 1, 20)), longest)

"""The tables of the worker: what is due, and when a worker was last seen."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Task(models.Model):
    """Something that a worker has to do. It is deleted when it is done.

    To claim a task, a worker sets `claim` and moves `due_at` to the end of its lease. If the worker
    is killed, the task is due again then. So `due_at` alone says which tasks are due.
    """

    kind = models.CharField(max_length=32)
    """The name of a `Kind`."""
    subject = models.CharField(max_length=200)
    """The object of the task, such as the primary key of a job. Each is queued once for a kind."""
    due_at = models.DateTimeField()
    claim = models.UUIDField(null=True)
    """The worker's claim, or None if no worker has claimed the task."""
    attempts = models.PositiveIntegerField(default=0)
    """How many attempts there were since the last success, with the one that is running."""
    error = models.CharField(max_length=200, blank=True)
    """Why the last attempt failed; empty if it succeeded."""
    made_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(null=True)
    """When the task is dropped instead of being done; None if never."""
    sealed = models.TextField(blank=True, default="", db_default="")
    """Content of the task that nobody may read, encrypted (`portal.work.sealing`)."""
    lost = models.PositiveIntegerField(default=0, db_default=0)
    """How many workers claimed the task and did not end the attempt."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject"], name="task_is_queued_once"),
            models.CheckConstraint(condition=~Q(kind="") & ~Q(subject=""), name="task_is_named"),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="task_due"),
            models.Index(fields=["kind", "due_at", "id"], name="task_due_of_kind"),
            models.Index(fields=["made_at"], name="task_failing", condition=~Q(error="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Tally(models.Model):
    """How many tasks of a kind were done, and how many were dropped."""

    kind = models.CharField(max_length=32, primary_key=True)
    done = models.BigIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    dropped = models.BigIntegerField(default=0)
    dropped_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind}: {self.done} done, {self.dropped} dropped"


class LastSeen(models.Model):
    """When a worker was last seen. The only row of its table; without it there was none yet."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="last_seen_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"a worker at {self.at}"

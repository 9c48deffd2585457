"""Jobs: one verb done to many keys or clients, by a worker."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.accounts.models import User
from portal.registry.choices import RevocationReason, Verb

MAX_ITEMS: Final = 10_000
"""How many keys or clients one job may have."""

_VERBS: Final = [
    (Verb.REVOKE_KEY.value, "Revoke keys"),
    (Verb.SUSPEND_CLIENT.value, "Suspend clients"),
]


class JobStatus(models.TextChoices):
    """What a job is doing. It is derived from its facts."""

    PREPARED = "prepared", "Not started"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    STOPPED = "stopped", "Stopped"


class Job(models.Model):
    """One verb for a frozen list of keys or clients, started by an admin.

    A worker does the first `position` of the ids, in order. Each of them was done now (`done`), had
    been done before (`already`) or was refused (`failed`).
    """

    verb = models.CharField(max_length=32, choices=_VERBS)
    ids = models.JSONField()
    """The primary keys, ascending."""
    number = models.PositiveIntegerField()
    """How many ids there are."""
    filters = models.CharField(max_length=2000, blank=True)
    """The query string of the list that the ids came from."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    """The admin who prepared the job, and then the one who started it."""
    reason = models.CharField(max_length=16, choices=RevocationReason.choices, blank=True)
    note = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    position = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    already = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    failures = models.JSONField(default=list)
    """Some of the refused ids, each with the reason: `[[17, "…"]]`."""
    ended_at = models.DateTimeField(null=True)
    cancelled_by: models.ForeignKey[User | None] = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    stopped = models.CharField(max_length=200, blank=True)
    """Why the worker stopped before the end; empty if it did not."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verb__in=[verb for verb, _ in _VERBS]), name="job_verb_known"
            ),
            models.CheckConstraint(
                condition=Q(started_at=None) | ~Q(verb=Verb.REVOKE_KEY) | ~Q(reason=""),
                name="job_revokes_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(position__lte=F("number"))
                & Q(position=F("done") + F("already") + F("failed")),
                name="job_counts_what_it_did",
            ),
            models.CheckConstraint(
                condition=Q(started_at__isnull=False) | Q(position=0, ended_at=None),
                name="job_starts_first",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False) | Q(cancelled_by=None, stopped=""),
                name="job_ends_if_cancelled_or_stopped",
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}"

    @property
    def status(self) -> JobStatus:
        """What the job is doing."""
        if self.started_at is None:
            return JobStatus.PREPARED
        if self.ended_at is None:
            return JobStatus.RUNNING
        if self.cancelled_by_id:
            return JobStatus.CANCELLED
        return JobStatus.STOPPED if self.stopped else JobStatus.DONE

    @property
    def left(self) -> int:
        """How many ids are still to do."""
        return self.number - self.position

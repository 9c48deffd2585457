"""Prepare, start and cancel a job; a worker carries it on (`carry_on_job`).

These are no events: the job is a row, and the ledger has one event for each key or client.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.registry.actions.carry_on_job import CARRY_ON
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import JobNotPossible
from portal.registry.models import Job
from portal.registry.models.job import MAX_ITEMS, JobStatus
from portal.registry.validation import clean_note
from portal.work.tasks import put


def prepare_job(verb: Verb, ids: Iterable[int], *, filters: str, by: User) -> Job:
    """Store the ids of a job that is not started. Raises `JobNotPossible`."""
    frozen = sorted(set(ids))
    if not 1 <= len(frozen) <= MAX_ITEMS:
        raise JobNotPossible(
            f"More than {MAX_ITEMS:,} fit these filters, the most for one job. Add a filter."
            if frozen
            else "Nothing fits these filters that this can be done to."
        )
    return Job.objects.create(
        verb=verb, ids=frozen, number=len(frozen), filters=filters[:2000], by=by
    )


@transaction.atomic
def start_job(job: Job, *, reason: RevocationReason | None = None, note: str, by: User) -> Job:
    """Let a worker carry out a prepared job, in the name of `by`. Idempotent.

    Raises `UnfitInput`.
    """
    note = clean_note(note)
    job = _locked(job)
    if job.started_at is None:
        job.started_at, job.by, job.reason, job.note = timezone.now(), by, reason or "", note
        job.save(update_fields=["started_at", "by", "reason", "note"])
        put(CARRY_ON, str(job.pk), due_at=job.started_at)
    return job


@transaction.atomic
def cancel_job(job: Job, *, by: User) -> Job:
    """End a running job after the items that are being done; what is done stays. Idempotent."""
    job = _locked(job)
    if job.status == JobStatus.RUNNING:
        job.ended_at, job.cancelled_by = timezone.now(), by
        job.save(update_fields=["ended_at", "cancelled_by"])
    return job


def _locked(job: Job) -> Job:
    return Job.objects.select_for_update(no_key=True).defer("ids").get(pk=job.pk)

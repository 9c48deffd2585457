"""Carry a job on: what `manage.py work` does with it, a few keys or clients at a time.

The items, their events and the new position are one transaction. So a killed worker loses nothing
and repeats nothing, and two workers with one job would do it one after the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import Error as DatabaseFailure
from django.db.models import Model
from django.utils import timezone

from portal.accounts.models import User
from portal.registry.actions.client import suspend_client
from portal.registry.actions.revoke_key import revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import RegistryRefusal
from portal.registry.locks import lock_fingerprints, lock_with_replaced
from portal.registry.models import Client, ClientKey, Job, recording
from portal.registry.models.job import JobStatus
from portal.registry.permissions import can_use_console
from portal.work.models import Task
from portal.work.tasks import Kind

logger = logging.getLogger(__name__)

BATCH: Final = 50
"""How many items one transaction does. It holds their locks, and writes their events at its end."""

MAX_FAILURES: Final = 100
"""How many failed items a job names."""

NOT_ADMIN: Final = "The admin who started it is no longer an admin."
_GONE: Final = "It no longer exists."
_BROKEN: Final = "The portal could not do it; the log has the cause."


def carry_on_job(task: Task, now: datetime) -> datetime | None:
    """Do the next items of the job that the task names; return when to go on."""
    return now if _do_batch(int(task.subject)) else None


CARRY_ON: Final = Kind("job", "Jobs", carry_on_job)


@recording()
def _do_batch(pk: int) -> bool:
    """Do the next items of a job; return whether there are more."""
    job = Job.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if job is None or job.status != JobStatus.RUNNING:
        return False
    # Locked, so that the right cannot be withdrawn before these items are done.
    by = User.objects.select_for_update(no_key=True).get(pk=job.by_id)
    if by.is_active and can_use_console(by):
        _do(job, job.ids[job.position : job.position + BATCH], by)
    else:
        job.stopped = NOT_ADMIN
    if job.stopped or not job.left:
        job.ended_at = timezone.now()
    job.save(
        update_fields=["position", "done", "already", "failed", "failures", "ended_at", "stopped"]
    )
    return job.ended_at is None


@dataclass(frozen=True, slots=True)
class _Act:
    """How a verb is done to one item, and whether it has been done before."""

    model: type[Model]
    is_done: Callable[[Any], bool]
    do: Callable[[Any, Job, User], object]


_ACTS: Final = {
    Verb.REVOKE_KEY: _Act(
        ClientKey,
        lambda key: key.revoked_at is not None,
        lambda key, job, by: revoke_key(
            key, reason=RevocationReason(job.reason), note=job.note, by=by
        ),
    ),
    Verb.SUSPEND_CLIENT: _Act(
        Client,
        # An archived client has no published key, and may have been deleted.
        lambda client: client.is_suspended or client.is_archived,
        lambda client, job, by: suspend_client(client, note=job.note, by=by),
    ),
}


def _do(job: Job, ids: list[int], by: User) -> None:
    """Do these items, and count how each ended."""
    act = _ACTS[Verb(job.verb)]
    rows = act.model._default_manager.select_for_update(no_key=True)  # noqa: SLF001 - Django's name
    # Locked in one order, so that no two transactions wait for each other. A key that is confirmed
    # or blocked is locked with its copies in other clients, after their fingerprint.
    if act.model is ClientKey:
        keys = ClientKey.objects.filter(pk__in=ids)
        lock_fingerprints(set(keys.values_list("spki_sha256", flat=True)))
        lock_with_replaced(*ids)
    found = {row.pk: row for row in rows.filter(pk__in=ids).order_by("pk")}
    for pk in ids:
        row = found.get(pk)
        if row is not None and act.is_done(row):
            job.already += 1
        elif error := _GONE if row is None else _attempt(act, row, job, by):
            job.failed += 1
            job.failures = [*job.failures, [pk, error]][:MAX_FAILURES]
        else:
            job.done += 1
        job.position += 1


def _attempt(act: _Act, row: Model, job: Job, by: User) -> str:
    """Do one item; return why it failed, or an empty text."""
    try:
        act.do(row, job, by)
    except RegistryRefusal as refusal:
        return str(refusal)
    except DatabaseFailure:
        # The whole batch is rolled back, and tried again later.
        raise
    except Exception:
        # One item that the portal cannot handle must not keep the others from being done.
        logger.exception("%s could not do %s to %d", job, job.verb, row.pk)
        return _BROKEN
    return ""

"""Act on everything that fits a filter: prepare a job, start it, watch it and cancel it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from portal.console.decorators import AdminRequest, admin_view
from portal.console.filters import AffectedClients, ClientFilter, JobFilter, KeyFilter
from portal.console.filters.base import ListFilter
from portal.console.forms import JobForm, RevocationJobForm, SuspensionJobForm
from portal.console.humanize import counted
from portal.console.impact import Effect, effect_of_revoking, effect_of_suspending
from portal.registry.actions import cancel_job, prepare_job, start_job
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import JobNotPossible
from portal.registry.models import Client, ClientKey, Job
from portal.registry.models.job import MAX_ITEMS, JobStatus
from portal.web.forms import posted
from portal.web.render import show
from portal.work.overview import COUNTED, overviews
from portal.work.tasks import KINDS, retry
from portal.work.worker import worker_state

SHOWN_FAILURES: Final = 20
"""How many failed items the page of a job names."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """The facts about a verb that the pages need."""

    list_name: str
    """The URL name of the list whose filter the job came from."""
    filter: type[ListFilter[Any]]
    todo: dict[str, None]
    """The condition of the rows that the verb can still be done to."""
    form: type[JobForm]
    effect: Callable[[Sequence[int], datetime], Effect]
    noun: str
    act: str
    """The verb in the heading and on the button: "Revoke"."""
    done: str
    """The participle of the verb: "revoked"."""
    already: str
    """The state of a row that it need not act on."""


_KINDS: Final = {
    Verb.REVOKE_KEY: _Kind(
        "console_keys",
        KeyFilter,
        {"revoked_at": None},
        RevocationJobForm,
        effect_of_revoking,
        noun="key",
        act="Revoke",
        done="revoked",
        already="revoked",
    ),
    Verb.SUSPEND_CLIENT: _Kind(
        "console_clients",
        ClientFilter,
        {"suspended_at": None, "archived_at": None},
        SuspensionJobForm,
        effect_of_suspending,
        noun="client",
        act="Suspend",
        done="suspended",
        already="suspended or archived",
    ),
}


@admin_view("POST")
def key_job(request: AdminRequest) -> HttpResponse:
    """Prepare the revocation of all keys that match the filters of the list."""
    return _prepare(request, Verb.REVOKE_KEY)


@admin_view("POST")
def client_job(request: AdminRequest) -> HttpResponse:
    """Prepare the suspension of all clients that match the filters of the list."""
    return _prepare(request, Verb.SUSPEND_CLIENT)


def _prepare(request: AdminRequest, verb: Verb) -> HttpResponse:
    kind = _KINDS[verb]
    form = kind.filter.parse(request.POST.get("filters", "")[:2000])
    if not form.is_valid() or not form.narrows:
        messages.warning(request, f"Set a filter first, to choose which {kind.noun}s.")
        return redirect(kind.list_name)
    rows = form.matching(timezone.now()).filter(**kind.todo).order_by()
    try:
        job = prepare_job(
            verb,
            rows.values_list("pk", flat=True)[: MAX_ITEMS + 1],
            filters=form.query(),
            by=request.user,
        )
    except JobNotPossible as refusal:
        messages.warning(request, str(refusal))
        return redirect(f"{reverse(kind.list_name)}?{form.query()}")
    return redirect("console_job", job.pk)


@admin_view("GET", "HEAD")
def jobs(request: AdminRequest) -> HttpResponse:
    """List the jobs that were started."""
    now = timezone.now()
    form = JobFilter(request.GET)
    page = form.page(now)
    context = form.listing(page, now) | {
        "workers": worker_state(now),
        "overviews": overviews(),
        "counted": COUNTED,
    }
    return show(request, "console/jobs.html", context, status=422 if page is None else 200)


@admin_view("GET", "HEAD", "POST")
def job(request: AdminRequest, number: int) -> HttpResponse:
    """Show the effect of a job that is not started (GET) and start it (POST), or its progress."""
    job = _find(number)
    if job.status == JobStatus.PREPARED:
        return _preview(request, job)
    if request.method == "POST":
        return redirect("console_job", job.pk)
    context = _about(job) | {
        "now": timezone.now(),
        "failures": _failures(job),
        "unnamed": job.failed - min(len(job.failures), SHOWN_FAILURES),
    }
    return show(request, "console/job.html", context, fragment="progress")


def _preview(request: AdminRequest, job: Job) -> HttpResponse:
    kind = _KINDS[Verb(job.verb)]
    form = kind.form(posted(request), number=job.number)
    if form.is_valid():
        reason = form.cleaned_data.get("reason")
        start_job(
            job,
            reason=RevocationReason(reason) if reason else None,
            note=form.cleaned_data["note"],
            by=request.user,
        )
        return redirect("console_job", job.pk)
    now = timezone.now()
    effect = kind.effect(job.ids, now)
    clients = AffectedClients(request.GET, pks=effect.keyless)
    page = clients.page(now)
    context = clients.listing(page, now) | _about(job) | {"form": form, "effect": effect}
    status = 422 if form.is_bound or page is None else 200
    return show(request, "console/job_preview.html", context, status=status)


@admin_view("POST")
def cancellation(request: AdminRequest, number: int) -> HttpResponse:
    """Cancel a running job."""
    job = cancel_job(_find(number), by=request.user)
    if job.status == JobStatus.CANCELLED:
        messages.success(
            request, "The job is cancelled. The keys and clients that it has done stay as they are."
        )
    else:
        messages.warning(request, "There was nothing to cancel: the job is not running.")
    return redirect("console_job", job.pk)


@admin_view("POST")
def retry_work(request: AdminRequest) -> HttpResponse:
    """Let a worker try the failed tasks of a kind again at once."""
    kind = KINDS.get(request.POST.get("kind", ""))
    number = retry(kind.name, timezone.now()) if kind else 0
    messages.success(request, f"{counted(number, 'failed task')} will be tried again now.")
    return redirect("console_jobs")


def _find(number: int) -> Job:
    # The page of a running job is loaded every few seconds, and needs no ids.
    jobs = Job.objects.select_related("by", "cancelled_by").defer("ids")
    return get_object_or_404(jobs, pk=number)


def _about(job: Job) -> dict[str, object]:
    kind = _KINDS[Verb(job.verb)]
    return {
        "section": "console",
        "tab": "jobs",
        "job": job,
        "is_running": job.status == JobStatus.RUNNING,
        "kind": kind,
        "words": kind.filter.parse(job.filters).words(),
        "back_to": f"{reverse(kind.list_name)}?{job.filters}",
        "workers": worker_state(timezone.now()),
    }


def _failures(job: Job) -> list[tuple[ClientKey | Client | None, str]]:
    """Return some of the failed items, each with the reason. An item may no longer exist."""
    named = job.failures[:SHOWN_FAILURES]
    rows: Any = ClientKey.objects.select_related("client")
    if job.verb == Verb.SUSPEND_CLIENT:
        rows = Client.objects
    found = rows.in_bulk([pk for pk, _ in named])
    return [(found.get(pk), why) for pk, why in named]

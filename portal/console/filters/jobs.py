"""Lists of jobs, and of the clients that a job affects. They have pages and no filters."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from portal.console.filters.base import ListFilter
from portal.registry.models import Client, Job


class JobFilter(ListFilter[Job]):
    """All jobs that were started."""

    tab = "jobs"
    noun = "job"

    def candidates(self, now: datetime) -> QuerySet[Job]:  # noqa: ARG002 - the base's signature
        """Return the jobs."""
        return Job.objects.filter(started_at__isnull=False).defer("ids")

    def with_related(self, rows: QuerySet[Job]) -> QuerySet[Job]:
        """Return them with the admins who started them."""
        return rows.select_related("by")


class AffectedClients(ListFilter[Client]):
    """The clients with these primary keys."""

    tab = "jobs"
    noun = "client"

    def __init__(self, *args: Any, pks: Collection[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pks = pks

    def candidates(self, now: datetime) -> QuerySet[Client]:  # noqa: ARG002 - the same
        """Return the clients."""
        return Client.objects.filter(pk__in=self._pks)

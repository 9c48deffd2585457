"""Liveness and readiness of the portal, for load balancers and monitors."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from functools import cache

from django.db import Error as DatabaseFailure
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from portal import bulkhead
from portal.publishing.public_endpoint import NO_STORE, Document, Probe
from portal.registry.serving import serving
from portal.work.worker import State, worker_state

logger = logging.getLogger(__name__)


@Probe
def healthz() -> Document:
    """Report that the process is up; a restart would not repair a database, so none is asked."""
    return Document(b'{"status": "ok"}', NO_STORE)


@Probe
def readyz() -> Document:
    """Report whether requests can be served; otherwise answer 503 with what is missing."""
    try:
        with bulkhead.lookups:
            applied = MigrationRecorder(connection).applied_migrations()
            ready = _newest_migrations() <= applied.keys()
            slowest = serving() if ready else None
            workers = worker_state(timezone.now()) if ready else None
    except DatabaseFailure as failure:
        # The cause goes to the operator's log; the response names only what is missing.
        logger.warning("Not ready: %s", failure)
        return _not_ready("database", "The database does not answer.")
    except bulkhead.BulkheadFull:
        return _not_ready("threads", "All threads for queries wait for the database.")
    if workers is None:
        return _not_ready("migrations", "Some migrations are not applied: run manage.py migrate.")
    body: dict[str, object] = {"status": "ready", "work": _ages(workers)}
    if slowest:
        # The lowest ledger number that a process serves, and the age of the oldest report.
        body["serving"] = asdict(slowest)
    return Document(json.dumps(body).encode("ascii"), NO_STORE)


def _ages(state: State) -> dict[str, int | None]:
    """Return the ages in seconds of what `State` says, None for what there is not."""
    dates = {
        "seen_seconds": state.seen_at,
        "due_seconds": state.due_since,
        "failing_seconds": state.failing_since,
    }
    return {
        name: max(0, round((state.now - date).total_seconds())) if date else None
        for name, date in dates.items()
    }


def _not_ready(missing: str, description: str) -> Document:
    body = {"status": "not ready", "missing": missing, "description": description}
    headers = {"Retry-After": "5"}
    return Document(json.dumps(body).encode("ascii"), NO_STORE, status=503, headers=headers)


@cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of each application, read from the code once per process."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())

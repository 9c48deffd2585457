"""GET /readyz: the portal can do its work, or what is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.registry.actions.carry_on_job import CARRY_ON
from portal.registry.serving import ThisProcess
from portal.work.models import LastSeen
from portal.work.tasks import put

pytestmark = pytest.mark.django_db


def test_ready() -> None:
    response = Browser().get("/readyz")
    work = dict.fromkeys(("seen_seconds", "due_seconds", "failing_seconds"))
    assert (response.status_code, response.json()) == (200, {"status": "ready", "work": work})


@pytest.mark.sqlite
def test_ready_says_since_when_no_worker_runs_and_a_task_is_due() -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    LastSeen.objects.create(at=hour_ago - timedelta(hours=1))
    put(CARRY_ON, "1", due_at=hour_ago)
    work = Browser().get("/readyz").json()["work"]
    assert work["seen_seconds"] - work["due_seconds"] == 3600 <= work["due_seconds"]


@pytest.mark.postgresql
def test_ready_names_the_slowest_process() -> None:
    for number in (7, 5, 6):
        ThisProcess().report(number, cached=0, unfit=number)
    serving = Browser().get("/readyz").json()["serving"]
    assert serving == {"processes": 3, "number": 5, "seconds": 0, "unfit": 7}


def test_missing_migration_is_said() -> None:
    [newest] = MigrationLoader(connection).graph.leaf_nodes("accounts")
    MigrationRecorder(connection).record_unapplied(*newest)
    response = Browser().get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "missing": "migrations",
        "description": "Some migrations are not applied: run manage.py migrate.",
    }
    assert response["Retry-After"] == "5"
    assert response["Cache-Control"] == "no-store"


def test_old_version_beside_a_new_one_stays_ready() -> None:
    """The database is migrated first, and then one portal after the other is replaced."""
    MigrationRecorder(connection).record_applied("registry", "9999_of_a_newer_version")
    assert Browser().get("/readyz").status_code == 200


def test_it_asks_little_of_the_database(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    Browser().get("/readyz")
    # Whether there are migrations, which, what the processes serve, and what workers do.
    with django_assert_max_num_queries(4):
        Browser().get("/readyz")

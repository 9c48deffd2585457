"""Each bench still runs: with next to nothing to do, so that its figures say nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.interop.served import ROOT
from tests.migrated import new_database

BENCHES = sorted(path.name for path in (ROOT / "bench").glob("*.py"))


@pytest.fixture(scope="module")
def migrated() -> Iterator[str]:
    """The name of a database to copy: to migrate one for each bench takes most of its time."""
    with new_database("migrated"):
        yield "migrated"


@pytest.fixture
def environment(migrated: str) -> Iterator[dict[str, str]]:
    """An environment with databases that no other test has: one for filling, one for serving."""
    for name in ("bench", "test_bench"):
        _sql(f"CREATE DATABASE {name} TEMPLATE {migrated}")
    yield _environment("bench")
    for name in ("bench", "test_bench"):
        _sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _sql(statement: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement.encode())


def _environment(database: str) -> dict[str, str]:
    url = os.environ["DATABASE_URL"].replace("/postgres", f"/{database}", 1)
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}


@pytest.mark.parametrize("name", BENCHES)
def test_bench_runs(name: str, environment: dict[str, str]) -> None:
    told = subprocess.run(
        [sys.executable, Path("bench", name), "--smoke"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout

"""Each bench still runs: with next to nothing to do, so that its figures say nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collected import static_root
from tests.interop.served import ROOT
from tests.migrated import new_database

BENCHES = sorted(path.name for path in (ROOT / "bench").glob("*.py"))
# mypy checks all of them. The others take most of the time, with more data and more servers.
FEW = {"assertion.py", "ledger.py", "registrations.py"}


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """An environment with a database that no other test has."""
    with new_database("bench") as url:
        yield {
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "STATIC_ROOT": str(static_root()),
        }


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=[] if each in FEW else pytest.mark.exhaustive) for each in BENCHES],
)
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

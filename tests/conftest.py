"""Fixtures of all suites."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.migrated import prepared

# With the default of 700, the garbage collector takes a tenth of the processor time of the tests.
gc.set_threshold(100_000, 20, 20)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking through all modules and tests again and again."""
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """The migrated database that Django copies to create the test database."""
    with prepared():
        yield

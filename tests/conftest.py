"""Fixtures of all suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.migrated import prepared


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """The migrated database that Django copies to create the test database."""
    with prepared():
        yield

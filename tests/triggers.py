"""Empty the tables that triggers protect, which only the clean-up between tests may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import TransactionTestCase


@contextmanager
def triggers_off() -> Iterator[None]:
    """Allow changing and deleting every row inside the block, on either database."""
    off, on = _switches()
    with connection.cursor() as cursor:
        for statement in off:
            cursor.execute(statement)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for statement in on:
                cursor.execute(statement)


def _switches() -> tuple[list[str], list[str]]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
            )
            tables = [f"ALTER TABLE {table} {{}} TRIGGER USER" for (table,) in cursor.fetchall()]
            # PostgreSQL does not alter a table whose rows have pending constraint checks.
            off = ["SET CONSTRAINTS ALL IMMEDIATE", *(t.format("DISABLE") for t in tables)]
            return off, [t.format("ENABLE") for t in tables]
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        rows = cursor.fetchall()
        return [f"DROP TRIGGER {name}" for name, _ in rows], [sql for _, sql in rows]


@pytest.fixture(autouse=True, scope="session")
def flush_past_the_triggers() -> Iterator[None]:
    """Let the clean-up after tests with real transactions empty every table."""
    tear_down = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # no stub

    def without_triggers(self: TransactionTestCase) -> None:
        with triggers_off():
            tear_down(self)

    # For the whole session, as the fixtures of a test end before its database is flushed.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", without_triggers)
        yield

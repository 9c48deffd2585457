"""Empty the tables that triggers protect, which only the clean-up between tests may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from django.db import connection, transaction
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


KEPT: Final = {"auth_permission", "django_content_type", "django_migrations"}
"""Rows that follow from the models, and that Django makes again after it has emptied the tables."""


def empty_tables() -> None:
    """Delete the rows of all tests on PostgreSQL.

    Django truncates, which makes a new file for each table and index: 0.2 s of processor time.
    """
    tables = sorted({*connection.introspection.django_table_names()} - KEPT)
    deletes = [f'DELETE FROM "{table}"' for table in tables]  # noqa: S608 - our own names
    # A replica's session fires no trigger, also none of a foreign key.
    role = "SET LOCAL session_replication_role"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("; ".join([f"{role} = replica", *deletes]))


@pytest.fixture(autouse=True, scope="session")
def flush_past_the_triggers() -> Iterator[None]:
    """Let the clean-up after tests with real transactions empty every table."""
    tear_down = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # no stub

    def without_triggers(self: TransactionTestCase) -> None:
        if connection.vendor == "postgresql":
            empty_tables()
            return
        with triggers_off():
            tear_down(self)

    # For the whole session, as the fixtures of a test end before its database is flushed.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", without_triggers)
        yield

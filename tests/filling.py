"""Fill tables with many rows, in a fraction of the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint AS its
WHERE contype = 'u' AND connamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conindid = its.conindid)
"""
_INDEXES = """
SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


@contextmanager
def bulk(*tables: str) -> Iterator[None]:
    """Drop the indexes of these tables, or of all, and build them when the rows are there.

    Primary keys stay. It is one transaction, in which no trigger and no foreign key examines rows.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        again = []
        cursor.execute(_CONSTRAINTS)
        for table, name, definition in cursor.fetchall():
            if not tables or table in tables:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
                again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        cursor.execute(_INDEXES)
        for table, name, definition in cursor.fetchall():
            if not tables or table in tables:
                cursor.execute(f"DROP INDEX {name}")
                again.append(definition)
        yield
        for statement in again:
            cursor.execute(statement)

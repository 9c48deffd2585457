"""SQL without the ORM, for what is asked most: Django compiles conditions, PostgreSQL prepares.

Composing a query takes Django ten times as long as running it. So a statement is composed once, and
its conditions come from querysets: each rule stays written once. Key sets, and tokens in front of
Django, use it (`publishing.key_set`, `registry.issuing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseFailure
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model, QuerySet

Row = tuple[Any, ...]

_NOW: Final = datetime(1, 1, 1, tzinfo=UTC)
_WAS_PREPARED: Final = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)
"""The errors of PostgreSQL when a prepared statement is gone, or its tables have changed since."""

_ONLY_IF_ASKED: Final = 2**31

_known_direct: WeakKeyDictionary[psycopg.Connection[Any], bool] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a queryset in SQL, with named parameters: those here, and `now`."""

    sql: str
    parameters: Mapping[str, Any]


def condition(rows_at: Callable[[datetime], QuerySet[Any]]) -> Condition:
    """Return the condition of the queryset that `rows_at` returns for a time.

    The condition names columns with their table, so the statement must name the table as it is. The
    parameter `now` is the time.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    query = rows_at(_NOW).query
    compiler = query.get_compiler(connection=connection)
    compiler.setup_query()
    sql, given = compiler.compile(query.where)
    now = connection.ops.adapt_datetimefield_value(_NOW)
    name = query.get_meta().db_table
    names = ["now" if value == now else f"{name}_{number}" for number, value in enumerate(given)]
    return Condition(
        sql % tuple(f"%({each})s" for each in names),
        {each: value for each, value in zip(names, given, strict=True) if each != "now"},
    )


class Columns:
    """Columns of a model in a statement, and their values as the model has them."""

    def __init__(self, model: type[Model], names: tuple[str, ...]) -> None:
        """Take the model and the names of its fields."""
        fields: list[Field[Any, Any]] = [model._meta.get_field(each) for each in names]  # type: ignore[misc]  # noqa: SLF001 - Django's name
        self._columns = [each.get_col(model._meta.db_table) for each in fields]  # noqa: SLF001
        self._by_vendor: dict[str, list[tuple[int, Any]]] = {}
        self.sql: Final = ", ".join(
            f'"{model._meta.db_table}"."{each.column}"'  # noqa: SLF001
            for each in fields
        )

    def values(self, row: Row, connection: BaseDatabaseWrapper) -> list[Any]:
        """Return the values of a row that the database returned."""
        values = list(row)
        for number, convert in self._converters(connection):
            values[number] = convert(values[number], self._columns[number], connection)
        return values

    def _converters(self, connection: BaseDatabaseWrapper) -> list[tuple[int, Any]]:
        known = self._by_vendor.get(connection.vendor)
        if known is None:
            known = self._by_vendor[connection.vendor] = [
                (number, convert)
                for number, column in enumerate(self._columns)
                for convert in (
                    *connection.ops.get_db_converters(column),
                    *column.output_field.get_db_converters(connection),
                )
            ]
        return known


def fetch(sql: str, parameters: Mapping[str, Any], *, using: str = DEFAULT_DB_ALIAS) -> list[Row]:
    """Return the rows of a statement that only reads. Raises a database error of Django.

    It does not check a kept connection first, which would be one more round trip. If the primary
    has lost the connection, the statement is run once more on a new one.
    """
    connection = connections[using]
    was_kept = connection.connection is not None and not connection.in_atomic_block
    try:
        return _fetch(connection, sql, parameters)
    except DatabaseFailure as failure:
        if not was_kept or using != DEFAULT_DB_ALIAS or not _is_lost(connection, failure):
            raise
    connection.close()
    return _fetch(connection, sql, parameters)


def _fetch(connection: BaseDatabaseWrapper, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
    with prepared_cursor(connection) as cursor:
        cursor.execute(sql, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows


def _is_lost(connection: BaseDatabaseWrapper, failure: DatabaseFailure) -> bool:
    server = connection.connection
    return server is None or server.closed or isinstance(failure.__cause__, _WAS_PREPARED)


class _PreparedCursor(psycopg.Cursor[Row]):
    """A cursor that prepares each statement, once for each connection."""

    def execute(self, query: Any, params: Any = None, **_options: Any) -> _PreparedCursor:
        return super().execute(query, params, prepare=True)


def is_direct(server: psycopg.Connection[Any]) -> bool:
    """Return whether no pooler is in between, which gives its clients other process ids.

    In transaction mode a pooler may send the next statement to another session, which has neither
    prepared statements nor settings of this one.
    """
    [pid] = server.execute("SELECT pg_backend_pid()").fetchone() or [None]
    return bool(pid == server.info.backend_pid)


def prepared_cursor(connection: BaseDatabaseWrapper) -> Any:
    """Return a cursor of Django that prepares statements, if the database has sessions to do so.

    SQLite keeps its statements by itself.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    server = connection.connection
    if server not in _known_direct:
        with connection.wrap_database_errors:
            _known_direct[server] = is_direct(server)
        if _known_direct[server]:
            server.prepare_threshold = _ONLY_IF_ASKED
    make: Any = (
        connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    )
    return make(_PreparedCursor(server))

"""Rows that fixtures need in hundreds of tests: made once by the verbs, then copied.

The verbs take a hundred statements to make a client with its team, one after the other. The rows
that they leave are put back by a single statement.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model

from portal.registry.models import Ledger

_INSERT = """
INSERT INTO "{table}" ({names}) VALUES {values}
ON CONFLICT ("{key}") DO UPDATE SET {changes}
"""


@dataclass(frozen=True)
class Rows:
    """The rows of a table by their primary key."""

    names: list[str]
    key: str
    by_key: dict[Any, tuple[Any, ...]]


@dataclass(frozen=True)
class Snapshot:
    """What a step has added to the tables."""

    root: str
    """The root of the ledger before it, which tells whether the same events led here."""
    sql: str
    made: bytes
    """What `build` made, as the database has it: by name, as pickle writes it."""


class Snapshots:
    """The snapshots of a session, by the steps of a test that led there."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], Snapshot] = {}

    def begin(self) -> Steps:
        """Return the steps of a test, none yet."""
        return Steps(self._kept)


class Steps:
    """What the fixtures of one test have made, in their order."""

    def __init__(self, kept: dict[tuple[str, ...], Snapshot]) -> None:
        self._kept = kept
        self._path: tuple[str, ...] = ()

    def make(self, step: str, build: Callable[[], dict[str, Model]]) -> dict[str, Any]:
        """Return what `build` makes, by its names and as the database has it.

        It is copied when the same steps led here before, with the same events in the ledger. SQLite
        gives a primary key again after a rollback, so there `build` runs each time.
        """
        self._path = *self._path, step
        if connection.vendor != "postgresql":
            return build()
        root = _ledger_root()
        snapshot = self._kept.get(self._path)
        if snapshot is None or snapshot.root != root:
            before = _read()
            made = build()
            if snapshot is None:
                self._kept[self._path] = Snapshot(
                    root,
                    _difference(before, _read()),
                    pickle.dumps({name: _read_again(each) for name, each in made.items()}),
                )
            else:
                self._path = *self._path, "and something else"
            return made
        with connection.cursor() as cursor:
            cursor.execute(snapshot.sql)
        again: dict[str, Any] = pickle.loads(snapshot.made)  # noqa: S301 - our own
        return again


def _read_again(made: Model) -> Model:
    """Return it with what it refers to, as an instance has that comes from a verb."""
    return type(made)._default_manager.select_related().get(pk=made.pk)


def _ledger_root() -> str:
    return Ledger.head().root


def _models() -> list[type[Model]]:
    labels = ("accounts", "account", "registry")
    return [each for label in labels for each in apps.get_app_config(label).get_models()]


def _read() -> dict[str, Rows]:
    """Return the rows of each table."""
    found = {}
    with connection.cursor() as cursor:
        for model in _models():
            table = model._meta.db_table
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own name
            names = [column.name for column in cursor.description]
            key = names.index(str(model._meta.pk.column))
            found[table] = Rows(names, names[key], {row[key]: row for row in cursor})
    return found


def _difference(before: dict[str, Rows], after: dict[str, Rows]) -> str:
    """Return the SQL that leads from one state to the other; no step takes a row away."""
    statements = []
    with connection.cursor() as cursor:
        for table, rows in after.items():
            earlier = before[table].by_key
            new = [row for key, row in rows.by_key.items() if row != earlier.get(key)]
            if new:
                sql = _INSERT.format(
                    table=table,
                    key=rows.key,
                    names=", ".join(f'"{each}"' for each in rows.names),
                    values=", ".join(f"({', '.join(['%s'] * len(row))})" for row in new),
                    changes=", ".join(f'"{each}" = EXCLUDED."{each}"' for each in rows.names),
                )
                statements.append(cursor.mogrify(sql, [value for row in new for value in row]))
    return "; ".join(statements)

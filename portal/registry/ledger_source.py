"""How the follower reads the ledger: on a connection of its own, with a time limit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from portal.core.ledger import Tree
from portal.registry.choices import Verb
from portal.registry.follower import LIMIT, Follower, NewEvent, Refused, Snapshot, Unreachable
from portal.registry.models.appending import CHANNEL

OLDER_CHANNEL: Final = "registry_changes"
"""The triggers of migration 0006 notify here, also when an older portal writes (ADR 0020)."""

PATIENCE_S: Final = 0.4
"""How long an answer may take. A poll and a new connection are over before `BOUND_S` is."""

_CONNECT_S: Final = 5
_CHANGE_NO_KEY_SET: Final = frozenset(
    {
        *(Verb.CREATE_CLIENT, Verb.CHANGE_CLIENT, Verb.CHANGE_RIGHTS),
        *(Verb.ADD_MEMBER, Verb.CHANGE_MEMBER, Verb.REMOVE_MEMBER, Verb.APPOINT_OWNER),
        *(Verb.ASK_MEMBER, Verb.WITHDRAW_MEMBER),
        *(Verb.ACCEPT_MEMBERSHIP, Verb.DECLINE_MEMBERSHIP),
        *(Verb.REFUSE_KEY, Verb.FIND_WEAKNESS, Verb.MAKE_CALENDAR, Verb.REVOKE_CALENDAR),
        *(Verb.ADD_WEBHOOK, Verb.CHANGE_WEBHOOK, Verb.REMOVE_WEBHOOK),
        *(Verb.CHANGE_POLICY, Verb.CHOOSE_SUCCESSOR),
    }
)
"""A verb of a later version is not here, so it counts as a change."""

# One statement, so that all of it is of one moment. It needs no table of keys or clients, so
# a migration that locks those does not stop it.
_SNAPSHOT: Final = f"""
WITH numbered AS (
    SELECT id, number, leaf, verb, client_id, key_id FROM registry_event
    WHERE number > {{after}} ORDER BY number LIMIT {LIMIT}
), unnumbered AS (
    SELECT id, number, leaf, verb, client_id, key_id FROM registry_event
    WHERE number IS NULL ORDER BY id DESC LIMIT {LIMIT}
), event AS (SELECT * FROM numbered UNION ALL SELECT * FROM unnumbered)
SELECT {{identity}}, coalesce(ledger.size, 0), coalesce(CAST(ledger.frontier AS text), '[]'),
    event.id, event.number, event.leaf, event.verb, event.client_id, event.key_id
FROM (SELECT 1 AS id) AS one
LEFT JOIN registry_ledger AS ledger ON ledger.id = one.id
LEFT JOIN event ON one.id = 1
ORDER BY event.number"""  # noqa: S608 - only numbers of ours are put in
_CLIENT_IDS: Final = "SELECT id, client_id FROM registry_client WHERE id IN ({})"
_REQUIRED: Final = "SELECT id FROM registry_clientkey WHERE confirmation_required AND id IN ({})"
_NONE_YET: Final = 2**62

# pg_restore makes triggers last. While this one is missing, tables may be half restored.
_IDENTITY: Final = """(
    SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE string_agg(oid::text, '') END
    FROM pg_trigger WHERE tgrelid = 'registry_event'::regclass
        AND tgname = 'event_is_append_only' AND tgenabled IN ('O', 'A'))"""

Rows = Sequence[tuple[Any, ...]]


def _read_snapshot(execute: Callable[[str], Rows], after: int | None, identity: str) -> Snapshot:
    """Return what `Session.poll` does, by a function that runs one statement."""
    rows = execute(_SNAPSHOT.format(after=_NONE_YET if after is None else after, identity=identity))
    found, size, frontier = rows[0][:3]
    # A key that was live without its confirmation is published as before.
    keys = {key for *_, verb, _, key in rows if verb == Verb.CONFIRM_KEY}
    required = {each for (each,) in execute(_REQUIRED.format(_listed(keys)))} if keys else set()
    changes = {
        pk: client
        for *_, pk, _, _, verb, client, key in rows
        if verb not in _CHANGE_NO_KEY_SET and (verb != Verb.CONFIRM_KEY or key in required)
    }
    clients = set(changes.values()) - {None}
    named = execute(_CLIENT_IDS.format(_listed(clients))) if clients else ()
    client_ids = {pk: client_id for pk, client_id in named}  # noqa: C416 - mypy knows no pair here
    return Snapshot(
        str(found or ""),
        Tree(size, [bytes.fromhex(each) for each in json.loads(frontier)]),
        [
            NewEvent(pk, number, bytes.fromhex(leaf or ""), client_ids.get(changes.get(pk)))
            for *_, pk, number, leaf, _, _, _ in rows
            if pk is not None
        ],
    )


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


@contextmanager
def _failures() -> Iterator[None]:
    """Tell a connection that is lost from a server that says no."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as lost:
        raise Unreachable(str(lost)) from None
    except psycopg.Error as failure:
        raise Refused(str(failure)) from None


class PostgresSession:
    """A connection to PostgreSQL that listens for what `recording` notifies."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = bounded(connection)
        self._notified: set[str] = set()
        # A pooler passes no notification on: then each poll takes place in its turn.
        connection.execute(f"LISTEN {CHANNEL}; LISTEN {OLDER_CHANNEL}")

    def poll(self, after: int | None) -> Snapshot:
        """As `Session`."""
        with _failures():
            snapshot = _read_snapshot(self._execute, after, _IDENTITY)
        if snapshot.identity == "replica":
            raise Refused("it is a replica, and not the primary")
        if not snapshot.identity:
            raise Refused("the trigger event_is_append_only is missing, as before a migration")
        return snapshot

    def _execute(self, statement: str) -> Rows:
        """Run one statement, which the server gives up when nobody waits for it any more."""
        limit = f"SET LOCAL statement_timeout = {PATIENCE_S * 1000:.0f}"
        cursor = self._connection.execute(f"{limit}; {statement}".encode())
        cursor.nextset()
        return cursor.fetchall()

    def wait(self, seconds: float) -> Iterable[str]:
        """As `Session`."""
        with _failures():
            for each in self._connection.notifies(timeout=seconds, stop_after=1):
                self._notified.update(each.payload.split())
        return self.received()

    def received(self) -> Iterable[str]:
        """As `Session`."""
        with suppress(psycopg.Error):
            for each in self._connection.notifies(timeout=0):
                self._notified.update(each.payload.split())
        with suppress(psycopg.Error):
            while last := self._connection.pgconn.notifies():
                self._notified.update(last.extra.decode().split())
        notified, self._notified = self._notified, set()
        return notified

    def close(self) -> None:
        """As `Session`."""
        self._connection.close()


class Postgres:
    """The database of the settings, when it is PostgreSQL."""

    def connect(self, late: Callable[[], object]) -> PostgresSession:
        """As `Source`."""
        conninfo = conninfo_of_primary("portal: follower", connect_timeout=_CONNECT_S)
        timer = Timer(PATIENCE_S, late)
        timer.start()
        try:
            connected = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
            try:
                return PostgresSession(connected)
            except BaseException:
                connected.close()
                raise
        except psycopg.errors.ConnectionTimeout as failure:
            raise Unreachable(str(failure)) from None
        except psycopg.Error as failure:
            # Too many connections, a wrong password: nothing of that means that nobody writes.
            there = PGconn.ping(conninfo.encode()) == Ping.OK
            raise (Refused if there else Unreachable)(str(failure).strip()) from None
        finally:
            timer.cancel()
            timer.join()


class SqliteSession:
    """A file of SQLite, opened for reading only. A failure is always `Refused`: it is not far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = 0
        self._connection: sqlite3.Connection | None = None

    def poll(self, after: int | None) -> Snapshot:
        """As `Session`."""
        try:
            # A connection stays with its file, also when another one takes its place.
            file = self._path.stat().st_ino
            if self._connection is None or file != self._file:
                self.close()
                self._file = file
                uri = f"{self._path.as_uri()}?mode=ro"
                self._connection = sqlite3.connect(
                    uri, uri=True, timeout=0, check_same_thread=False
                )
            cursor = self._connection.cursor()
            return _read_snapshot(lambda sql: cursor.execute(sql).fetchall(), after, f"'{file}'")
        except (OSError, sqlite3.Error) as failure:
            raise Refused(str(failure)) from None

    def wait(self, seconds: float) -> Iterable[str]:  # noqa: ARG002 - as `Session`
        """Return at once: the file is polled before each answer."""
        return ()

    def received(self) -> Iterable[str]:
        """Return nothing: SQLite notifies nobody."""
        return ()

    def close(self) -> None:
        """As `Session`."""
        if self._connection:
            self._connection.close()
            self._connection = None


class Sqlite:
    """The database of the settings, when it is a file of SQLite."""

    def connect(self, _late: Callable[[], object]) -> SqliteSession:
        """As `Source`."""
        return SqliteSession(Path(str(connection.settings_dict["NAME"])).absolute())


def conninfo_of_primary(application_name: str, **more: Any) -> str:
    """Return the connection string for a connection of our own to the primary, without Django's."""
    parameters = connections[DEFAULT_DB_ALIAS].get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold", "server_side_binding"):
        parameters.pop(name, None)
    return make_conninfo(**parameters | {"application_name": application_name} | more)


def bounded(
    connection: psycopg.Connection[Any], patience_s: float = PATIENCE_S
) -> psycopg.Connection[Any]:
    """Return the connection; a statement fails now if its answer takes longer than `patience_s`.

    psycopg itself waits without an end, also for a server that is stopped.
    """
    wait = partial(type(connection).wait, connection, timeout=patience_s)
    setattr(connection, "wait", wait)  # noqa: B010 - mypy lets nobody assign a method
    return connection


follower: Final = Follower(
    Postgres() if connection.vendor == "postgresql" else Sqlite(),
    stale_s=settings.JWKS_STALE_IF_ERROR,
)
"""The follower of this process. It begins with the first request."""

"""A connection to PostgreSQL that waits no longer than it is told to, whatever the server does.

Every way that psycopg has to send a statement waits for its answer without an end. A server that is
stopped or cut off without a word has to be noticed within a second, so this speaks to libpq itself.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Iterator

from django.db import connections
from psycopg import OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.pq import ConnStatus, ExecStatus, PGconn, Ping, PollingStatus

_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_CONNECTION_PARAMETERS = ("context", "cursor_factory", "prepare_threshold", "server_side_binding")


def conninfo_of(alias: str, application_name: str) -> str:
    """Return how libpq reaches one of Django's databases."""
    parameters = connections[alias].get_connection_params()
    for name in _CONNECTION_PARAMETERS:
        parameters.pop(name, None)
    return make_conninfo(**parameters | {"application_name": application_name})


class Refused(Exception):  # noqa: N818 - it reads as what it is
    """The server is there, and what we ask for is not to be had."""


class Unreachable(Exception):  # noqa: N818
    """The server does not answer, or says that it is starting or ending."""


class Wire:
    """One connection. All moments are those of `time.monotonic`, in seconds.

    What waits raises `Unreachable` when its moment has come or the connection is lost.
    """

    def __init__(
        self, conninfo: str, *, late_at: float = 0.0, late: Callable[[], object] | None = None
    ) -> None:
        self._conninfo = conninfo.encode()
        self._connection = PGconn.connect_start(self._conninfo)
        self._notified: deque[tuple[str, str]] = deque()
        self._late_at = late_at
        self._late = late

    def connect(self, until: float) -> None:
        """Get connected. `late` is called when the moment `late_at` comes before that.

        Raises `Refused` when the server is there and does not let us in.
        """
        state = PollingStatus.WRITING
        while state not in {PollingStatus.OK, PollingStatus.FAILED}:
            if self._connection.status == ConnStatus.BAD:
                break
            self._wait(until, for_writing=state == PollingStatus.WRITING)
            state = PollingStatus(self._connection.connect_poll())
        if state != PollingStatus.OK:
            # Too many connections, a wrong password: nothing of that means that nobody writes.
            there = PGconn.ping(self._conninfo) == Ping.OK
            raise (Refused if there else Unreachable)(self._error())
        # The handshake may pass through something that is not PostgreSQL: an answer counts.
        told = self.execute("SELECT pg_backend_pid()", until)
        self._late = None
        if told != str(self._connection.backend_pid):
            raise Refused("there is a pooler in between, which passes no notifications on")

    def execute(self, statement: str, until: float) -> str:
        """Return the first value that the statement gives, or an empty text.

        Raises `Refused` when the server says that it fails; the connection is good for others then.
        """
        self._connection.send_query(statement.encode())
        value, failure = "", None
        while True:
            while self._connection.is_busy():
                self._receive(until)
            result = self._connection.get_result()
            if result is None:
                break
            if result.status not in _DONE:
                failure = self._error()
            if result.status == ExecStatus.TUPLES_OK:
                value = (result.get_value(0, 0) or b"").decode()
        self._collect()
        if failure is not None:
            there = self._connection.status == ConnStatus.OK
            raise (Refused if there else Unreachable)(failure)
        return value

    def listen(self, until: float) -> Iterator[tuple[str, str]]:
        """Yield what comes in until the moment has come, which is no failure here."""
        while True:
            yield from self._take()
            if not self._is_ready(until):
                return
            self._consume()

    def close(self) -> None:
        """End the connection."""
        self._connection.finish()

    def _error(self) -> str:
        return self._connection.error_message.decode(errors="replace").strip()

    def _take(self) -> Iterator[tuple[str, str]]:
        self._collect()
        while self._notified:
            yield self._notified.popleft()

    def _receive(self, until: float) -> None:
        self._wait(until)
        self._consume()

    def _consume(self) -> None:
        try:
            self._connection.consume_input()
        except OperationalError as lost:
            raise Unreachable(str(lost)) from None

    def _collect(self) -> None:
        while told := self._connection.notifies():
            self._notified.append((told.relname.decode(), told.extra.decode()))

    def _wait(self, until: float, *, for_writing: bool = False) -> None:
        if self._late and not self._is_ready(self._late_at, for_writing=for_writing):
            self._late()
            self._late = None
        if not self._is_ready(until, for_writing=for_writing):
            raise Unreachable("The database does not answer in time.")

    def _is_ready(self, until: float, *, for_writing: bool = False) -> bool:
        poll = select.poll()
        poll.register(self._connection.socket, select.POLLOUT if for_writing else select.POLLIN)
        return bool(poll.poll(max(0.0, until - time.monotonic()) * 1000))

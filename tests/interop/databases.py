"""PostgreSQL servers that a test may stop, freeze, copy and read the statements of."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from tests import postgres
from tests.processes import children, end
from tests.shell import Shell

WRITE_DOWN = """
logging_collector = on
log_filename = 'statements'
log_file_mode = 0644
log_line_prefix = '%a| '
"""
# The beginning of a record; a detail belongs to the one before it.
RECORD = re.compile(rb"(?m)^[^|\n]*\| [^D]")
STATEMENT = re.compile(
    rb"(?ms)^\[unknown\]\| LOG:  (?:statement|execute \S+): (.*?)(?=^[^|\n]*\| [^D]|\Z)"
)


@contextmanager
def own_server(primary: Database | None = None) -> Iterator[Database]:
    """Run a server of its own, or a replica, until the block ends."""
    # A socket's path may have 107 bytes: a short folder, whatever TMPDIR says.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        database = Database(Path(folder), primary)
        try:
            yield database
        finally:
            database.close()


class Database:
    """A server of its own in a folder, or a streaming replica of the one in another."""

    def __init__(self, scratch: Path, primary: Database | None = None) -> None:
        self.scratch = scratch
        self._server, self.url = postgres.start(
            scratch, primary=primary.scratch if primary else None
        )
        self._log = scratch / "data" / "log" / "statements"
        if self._log.exists():
            # A copy of the primary's.
            os.truncate(self._log, 0)
        self._read = 0
        self._statements: list[str] = []
        self._environment = {
            **os.environ,
            "DATABASE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        self._shell = Shell(self._environment)

    def close(self) -> None:
        """End the server, and the process that `do` started."""
        self._shell.close()
        self.stop()

    def stop(self) -> None:
        end(self._server, signal.SIGQUIT)

    def start(self) -> None:
        self._server = postgres.launch(postgres.find_binaries(self.scratch), self.scratch)

    def signal(self, number: int) -> None:
        for pid in [self._server.pid, *children(self._server.pid)]:
            os.kill(pid, number)

    def sql(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """Run a statement, or several without parameters, on a connection of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def do(self, code: str, **settings: str) -> str:
        """Run Python with Django set up on this database, and return what it prints."""
        if not settings:
            return self._shell.do(code)
        with closing(Shell({**self._environment, **settings})) as shell:
            return shell.do(code)

    def write_statements_down(self) -> None:
        """Keep what every session says from now on; the server is started again."""
        with (self.scratch / "data" / "postgresql.conf").open("a") as configuration:
            configuration.write(WRITE_DOWN)
        for name, value in {"log_statement": "all", "log_min_messages": "log"}.items():
            self.sql(f"ALTER DATABASE postgres SET {name} = '{value}'")
        self.stop()
        self.start()

    def statements(self) -> list[str]:
        """Return what was asked by the portal's ORM, which does not give its name, and by `sql`.

        The parameters of a prepared statement follow it."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        # More may come of the last record: it is read again.
        end = max((found.start() for found in RECORD.finditer(new)), default=0)
        self._statements += map(bytes.decode, STATEMENT.findall(new[:end]))
        self._read += end
        return [*self._statements, *map(bytes.decode, STATEMENT.findall(new[end:]))]

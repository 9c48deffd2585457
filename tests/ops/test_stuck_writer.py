"""A process that is stuck between its events and COMMIT holds the ledger for a bounded time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.migrated import new_database
from tests.ops.production import PRODUCTION, ROOT
from tests.waiting import PATIENCE_S, wait_until

NAME = "stuck_writer"

WRITE = """
import portal.wsgi
from portal.accounts.models import User
from portal.registry.actions import create_client
create_client(name="{name}", by=User.objects.get(email="a@example.com"))
"""
# What it says is the last thing before COMMIT.
STUCK = """
import portal.wsgi
from django.db import connection
from portal.registry.models import appending
save = appending._save
def stuck(head, tree):
    save(head, tree)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        print(cursor.fetchone()[0], flush=True)
    {hang}
appending._save = stuck
"""
STOP = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
WAIT = "input()"


class Network:
    """A way to the database over TCP that can swallow packets, with all connections left open."""

    def __init__(self, folder: str) -> None:
        self._there = f"{folder}/.s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.swallows = Event()
        self._open: list[socket.socket] = []
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._there)
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.swallows.is_set():
                    target.sendall(data)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of a database with a person, and with nothing else."""
    with new_database(NAME) as own:
        run(
            "from portal.accounts.models import User; User.objects.create_user('a@example.com')",
            own,
        )
        yield own


def environment(url: str) -> dict[str, str]:
    return PRODUCTION | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": url,
    }


def run(code: str, url: str) -> None:
    """Run Python with Django set up, and wait for its end."""
    command = [sys.executable, "-c", f"import django; django.setup()\n{code}"]
    subprocess.run(command, cwd=ROOT, env=environment(url), check=True, timeout=PATIENCE_S)


@contextmanager
def stuck(url: str, hang: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Yield a process that has written its events and not committed, and the pid of its session."""
    code = STUCK.format(hang=hang) + WRITE.format(name="Stuck")
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def check_others_go_on(url: str, session: int, name: str) -> None:
    """Write an event, which waits for the stuck process until its session is ended."""
    with psycopg.connect(url, autocommit=True) as server:
        there = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        assert server.execute(there, [session]).fetchone() == (1,)
        run(WRITE.format(name=name), url)
        assert server.execute(there, [session]).fetchone() == (0,)
        names = server.execute("SELECT name FROM registry_client").fetchall()
        assert (name,) in names
        assert ("Stuck",) not in names
        counted = "SELECT count(*), max(number) FROM registry_event"
        [counts] = server.execute(counted).fetchall()
        assert counts[0] == counts[1]


def test_a_process_that_is_stopped_lets_others_go_on(database: str) -> None:
    with stuck(database, STOP) as (process, session):
        state = Path(f"/proc/{process.pid}/stat")
        wait_until(lambda: state.read_text("ascii").split()[2] == "T", "It is not stopped.")
        check_others_go_on(database, session, "After a stop")
        process.send_signal(signal.SIGCONT)
        _, said = process.communicate(timeout=PATIENCE_S)
        assert "idle-in-transaction timeout" in said
        assert process.returncode != 0


def test_a_network_that_swallows_packets_lets_others_go_on(database: str) -> None:
    [folder] = parse_qs(urlsplit(database).query)["host"]
    network = Network(folder)
    try:
        with stuck(f"postgresql://portal@127.0.0.1:{network.port}/{NAME}", WAIT) as (
            process,
            session,
        ):
            network.swallows.set()
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
            check_others_go_on(database, session, "After lost packets")
            assert process.poll() is None
    finally:
        network.close()

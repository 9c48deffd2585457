"""The first requests after a start: `python tests/postgres.py python bench/cold.py`.

No key set is in memory yet, and each client's set is requested by several verifiers at a time. wrk
sends these requests over many connections to one fresh process, and then to nginx with
deploy/nginx.conf before two fresh processes, which asks for each set once. It prints the requests
per second, how long they took, how many failed, the processor time of the portal for each set, the
transactions of PostgreSQL for each set, and the most connections to it. On a busy machine only the
processor time and the counts are reliable.

With `--rate`, wrk sends so many requests a second, as long as a connection is free for each, in
place of as many as it can.

It needs wrk and nginx (Debian: `apt-get install wrk nginx-light`).
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import django
import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402
from jwks import make_clients, once, processor_s  # noqa: E402 - Django first

from tests.interop.nginx import HOST, fleet  # noqa: E402
from tests.interop.served import database_url, own_database, serve  # noqa: E402

SETTINGS: dict[str, Any] = {"ALLOW_HTTP_KEY_SETS": "true"}
GET = 'function(path) return wrk.format("GET", path) end'


class Load(NamedTuple):
    """The requests: several verifiers in a row ask for each path, over this many connections.

    `rate` requests a second; 0 for as many as possible.
    """

    paths: list[str]
    verifiers: int
    connections: int
    rate: float


class Watch:
    """Counts the transactions of the database and the most connections to it, its own left out."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._counts = self._count()
        self._most = 0
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> tuple[int, int]:
        """Return the transactions since the start, but for the last ones, and the connections."""
        self._ended.set()
        self._thread.join()
        return self._count() - self._counts, self._most

    def _count(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
            )
            (found,) = cursor.fetchone()
        return int(found)

    def _look(self) -> None:
        with psycopg.connect(database_url(), autocommit=True) as own:
            while not self._ended.wait(0.2):
                # Background processes have no name of a user.
                found = own.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND usename IS NOT NULL"
                ).fetchone()
                self._most = max(self._most, found[0] - 2 if found else 0)


def ask(name: str, url: str, load: Load, scratch: Path, portals: Sequence[int]) -> None:
    """Request everything once, and print what happened."""
    before = sum(map(processor_s, portals))
    command = ("wrk", f"-c{load.connections}", "-H", f"Host: {HOST}", url)
    watch = Watch()
    told, failed = once(GET, load.paths, command, scratch, times=load.verifiers, rate=load.rate)
    cost = (sum(map(processor_s, portals)) - before) / len(load.paths) * 1e6
    transactions, connections = watch.stop()
    rate, p50, p99, longest = (
        (re.search(pattern, told) or ["", "0"])[1]
        for pattern in (
            r"Requests/sec:\s*(\d+)",
            r"\n +50%\s+(\S+)",
            r"\n +99%\s+(\S+)",
            r"Latency +\S+ +\S+ +(\S+)",
        )
    )
    statuses = Counter(re.findall(r"^(\d{3}) ", failed, re.MULTILINE))
    print(
        f"{name:12} {rate:>6} requests/s, p50 {p50}, p99 {p99}, longest {longest}, "
        f"{statuses.total()} failed {dict(statuses)}, {cost:,.0f} µs of processor and "
        f"{transactions / len(load.paths):.2f} transactions for each set, "
        f"at most {connections} connections to PostgreSQL, load {os.getloadavg()[0]:.0f}",
        flush=True,
    )


def main() -> None:
    """Create the clients and request their sets, without and with nginx."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--verifiers", type=int, default=4)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second")
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    clients, connections, verifiers = options.clients, options.connections, options.verifiers
    if options.smoke:
        clients, connections, verifiers = 4, 2, 2
    with own_database(keep=options.smoke), tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        scratch.chmod(0o755)
        load = Load(make_clients(clients), verifiers, connections, options.rate)
        print(f"{clients:,} clients, {verifiers} verifiers of each, {connections} connections")
        with serve(scratch, workers=1, **SETTINGS) as portal:
            ask("one process", portal.url, load, scratch, [portal.process.pid])
        with fleet(scratch, **SETTINGS) as front:
            portals = [each.pid for each in front.portals]
            ask("nginx", f"http://127.0.0.1:{front.plain}", load, scratch, portals)


if __name__ == "__main__":
    main()

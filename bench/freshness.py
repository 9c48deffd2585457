"""How soon a change shows: `python tests/postgres.py python bench/freshness.py`.

It revokes keys continuously while it sends requests to every worker without a pause, each worker on
its own connections. It prints, for 2 and for 4 workers, how long after the acknowledgement the last
request was sent whose response still contained the key: p50, p99 and the maximum; 0 if there was
none.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from portal.accounts.models import User  # noqa: E402 - Django first
from portal.registry.actions import create_client, revoke_key  # noqa: E402
from portal.registry.choices import RevocationReason  # noqa: E402
from portal.registry.follower import BOUND_S  # noqa: E402
from tests.interop.served import Served, own_database, serve  # noqa: E402
from tests.keys import new_private_key, public_pem  # noqa: E402
from tests.registering import register_pem  # noqa: E402

REVOCATIONS = 200
READERS_OF_A_WORKER = 3
"""Connections per worker: enough that a worker without any is very unlikely."""


class Reader(threading.Thread):
    """Sends requests on one connection; records the last one whose response contained the key."""

    def __init__(self, host: str, path: str, kid: bytes, stop: threading.Event) -> None:
        super().__init__()
        self.host, self.path, self.kid, self.stop = host, path, kid, stop
        self.last = 0.0

    def run(self) -> None:
        wire = HTTPConnection(self.host, timeout=10)
        while not self.stop.is_set():
            asked = time.monotonic()
            wire.request("GET", self.path)
            if self.kid in wire.getresponse().read():
                self.last = asked
            # Let the other threads run between two requests: all share one interpreter.
            time.sleep(0.0005)
        wire.close()


def lateness(served: Served, workers: int, person: User) -> float:
    """Return how many milliseconds after its revocation a key was last served."""
    client = create_client(name="Freshness", by=person)
    pem = public_pem(new_private_key())
    key = register_pem(client, material=pem, alg="EdDSA", label="Short", by=person)
    served.wait_until(key, shown=True)
    url = served.jwks_url(client).removeprefix("http://")
    host, _, path = url.partition("/")
    stop = threading.Event()
    readers = [
        Reader(host, f"/{path}", key.kid.encode(), stop)
        for _ in range(workers * READERS_OF_A_WORKER)
    ]
    for reader in readers:
        reader.start()
    time.sleep(0.05)
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=person)
    acknowledged = time.monotonic()
    time.sleep(0.1)
    stop.set()
    for reader in readers:
        reader.join()
    served.wait_until(key, shown=False)
    return max(0.0, max(reader.last for reader in readers) - acknowledged) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    smoke = parser.parse_args().smoke
    revocations, most = (1, 2) if smoke else (REVOCATIONS, 4)
    with own_database(keep=smoke), tempfile.TemporaryDirectory() as folder:
        person = User.objects.create_user("bench@example.com", is_staff=True)
        for workers in range(2, most + 1, 2):
            with serve(Path(folder), workers=workers) as served:
                late = sorted(lateness(served, workers, person) for _ in range(revocations))
            print(
                f"{workers} workers, {revocations} revocations: p50 {late[len(late) // 2]:.1f} ms, "
                f"p99 {late[int(len(late) * 0.99)]:.1f} ms, longest {late[-1]:.1f} ms "
                f"(bound {BOUND_S:.0f} s)"
            )


if __name__ == "__main__":
    main()

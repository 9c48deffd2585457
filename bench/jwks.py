"""How fast the JWKS is served: `python tests/postgres.py python bench/jwks.py`.

Registers keys for some clients, serves the portal with two workers and reads random sets for a few
seconds on connections that stay open, as a CDN or gateway would. Prints requests a second and how
long they took. Asker, portal and database share the machine, so the figures are a lower bound.
"""

from __future__ import annotations

import os
import random
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
from portal.registry.actions import create_client, register_key  # noqa: E402
from tests.interop.served import Served, own_database, serve  # noqa: E402
from tests.keys import new_private_key, public_pem  # noqa: E402

CLIENTS = 100
ALGORITHMS = ("EdDSA", "ES256", "ES256")
SECONDS = 5.0


def make_clients() -> list[str]:
    """Return the client_ids of clients with a few live keys each."""
    person = User.objects.create_user("bench@example.com", is_staff=True)
    client_ids = []
    for number in range(CLIENTS):
        client = create_client(name=f"Client {number}", by=person)
        for alg in ALGORITHMS:
            material = public_pem(new_private_key(alg))
            register_key(client, material=material, alg=alg, label=alg, by=person)
        client_ids.append(client.client_id)
    return client_ids


def read(served: Served, client_ids: list[str], until: float, times: list[float]) -> None:
    """Read random sets on one connection and note how many milliseconds each took."""
    wire = HTTPConnection(served.url.removeprefix("http://"))
    while (start := time.perf_counter()) < until:
        wire.request("GET", f"/clients/{random.choice(client_ids)}/jwks.json")
        response = wire.getresponse()
        response.read()
        assert response.status == 200
        times.append((time.perf_counter() - start) * 1000)
    wire.close()


def measure(served: Served, client_ids: list[str], readers: int) -> None:
    """Print the figures for this many readers at once."""
    times: list[float] = []
    until = time.perf_counter() + SECONDS
    threads = [
        threading.Thread(target=read, args=(served, client_ids, until, times))
        for _ in range(readers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    parts = {name: times[int(len(times) * share)] for name, share in (("p50", 0.5), ("p99", 0.99))}
    took = ", ".join(f"{name} {value:.1f} ms" for name, value in parts.items())
    print(
        f"{readers:2} readers: {len(times) / SECONDS:5.0f} requests/s, {took}, max {times[-1]:.0f}"
    )


def main() -> None:
    """Make, serve and measure."""
    with own_database(), tempfile.TemporaryDirectory() as scratch:
        client_ids = make_clients()
        with serve(Path(scratch)) as served:
            for readers in (1, 4, 16):
                measure(served, client_ids, readers)


if __name__ == "__main__":
    main()

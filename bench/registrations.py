"""Registered keys per second: `python tests/postgres.py --durable python bench/registrations.py`.

Each writer is a process that registers keys for its own clients as fast as it can. With `--durable`
PostgreSQL writes through to disk at each COMMIT, as in production.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection, connections  # noqa: E402 - Django first

from portal.accounts.models import User  # noqa: E402
from portal.registry.actions import create_client  # noqa: E402
from portal.registry.models import Event  # noqa: E402
from tests.interop.served import own_database  # noqa: E402
from tests.keys import new_private_key, public_pem  # noqa: E402
from tests.registering import register_pem  # noqa: E402

KEYS_OF_A_CLIENT = 10
WRITERS = (1, 8, 32)


def write(person: int, number: int, ready: Barrier) -> None:
    """Register this many keys when all writers are ready."""
    by = User.objects.get(pk=person)
    clients = [create_client(name="Bench", by=by) for _ in range(-(-number // KEYS_OF_A_CLIENT))]
    pems = [public_pem(new_private_key()) for _ in range(number)]
    ready.wait()
    for at, pem in enumerate(pems):
        client = clients[at // KEYS_OF_A_CLIENT]
        register_pem(client, material=pem, alg="EdDSA", label="x", by=by)
    ready.wait()


def measure(writers: int, number: int, person: int) -> float:
    """Return how many keys per second this many writers register together."""
    ready = multiprocessing.Barrier(writers + 1)
    connections.close_all()
    each = max(1, number // writers)
    processes = [
        multiprocessing.Process(target=write, args=(person, each, ready)) for _ in range(writers)
    ]
    for process in processes:
        process.start()
    ready.wait()
    began = time.perf_counter()
    ready.wait()
    took = time.perf_counter() - began
    for process in processes:
        process.join()
    return writers * each / took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=2000)
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    numbers: tuple[int, ...] = WRITERS
    if options.smoke:
        options.keys, numbers = 2, (1, 2)
    with own_database(keep=options.smoke):
        admin = User.objects.create_user("bench@example.com", is_staff=True)
        with connection.cursor() as cursor:
            cursor.execute("SHOW fsync")
            print(f"fsync {cursor.fetchone()[0]}")
        for writers in numbers:
            rate = measure(writers, options.keys, admin.pk)
            print(f"{writers:2} writers: {rate:7,.0f} registrations per second")
        print(f"{Event.objects.count():,} events")


if __name__ == "__main__":
    main()

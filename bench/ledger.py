"""Time for a large ledger: `python tests/postgres.py --durable python bench/ledger.py`.

It numbers events without a number, as `migrate` does after an upgrade, and verifies them.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.apps import apps  # noqa: E402 - Django first
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from portal.accounts.models import User  # noqa: E402
from portal.registry.actions import create_client, grant_admin  # noqa: E402
from portal.registry.models import PORTAL  # noqa: E402
from tests.interop.served import own_database  # noqa: E402

CLIENTS = 1000
# Half of the events concern clients and have private texts; half concern refused keys, without.
EVENTS = """
INSERT INTO registry_event (at, actor_id, actor_portal, verb, client_id, detail)
SELECT now(), %(person)s, false,
    CASE n %% 2 WHEN 0 THEN 'suspend_client' ELSE 'refuse_key' END,
    %(first)s + n %% %(clients)s,
    CASE n %% 2 WHEN 0 THEN jsonb_build_object('note', 'Asked by its bank, ticket ' || n)
        ELSE jsonb_build_object('reason', 'rsa_too_short', 'spki_sha256', repeat('ab', 32)) END
FROM generate_series(1, %(events)s) n
"""


@contextmanager
def timed(what: str, events: int) -> Iterator[None]:
    """Print how long the block took, and how much memory this process has had so far."""
    began = time.perf_counter()
    yield
    took = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {took:,.0f} s, {events / took:,.0f} events a second, {memory:,.0f} MB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    events, clients = (2000, 10) if options.smoke else (options.events, CLIENTS)
    with own_database(keep=options.smoke):
        person = grant_admin(User.objects.create_user("bench@example.com"), by=PORTAL)
        made = [create_client(name="Bench", by=person) for _ in range(clients)]
        numbers = {"person": person.pk, "first": made[0].pk, "events": events, "clients": clients}
        with connection.cursor() as cursor:
            cursor.execute(EVENTS, numbers)
            # The events leave each client suspended, but its row is active: add resumptions.
            cursor.execute(
                "INSERT INTO registry_event (at, actor_id, actor_portal, verb, client_id, detail) "
                "SELECT now(), %s, false, 'resume_client', id, '{}' FROM registry_client",
                [person.pk],
            )
            cursor.execute("ANALYZE registry_event")
        with timed("numbered", events):
            import_module("portal.registry.migrations.0021_events_numbered").number_events(
                apps, None
            )
        print()
        with timed("verified", events):
            call_command("verify_ledger")


if __name__ == "__main__":
    main()

"""How fast key sets are during an export: `python tests/postgres.py python bench/export.py`.

One worker serves, and one connection requests a key set continuously: first alone, then while curl
downloads all events as CSV and as JSON Lines. It prints the response times and the exported events
per second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402 - Django first
from django.test import Client as Browser  # noqa: E402

from portal.accounts.models import User  # noqa: E402
from portal.registry.actions import create_client  # noqa: E402
from portal.registry.models import ClientKey  # noqa: E402
from tests.interop.served import Served, own_database, serve  # noqa: E402
from tests.keys import new_private_key, public_pem  # noqa: E402
from tests.registering import register_pem  # noqa: E402

FILL = """
INSERT INTO registry_event (at, actor_id, verb, client_id, key_id, detail)
SELECT now(), %s, 'register_key', %s, %s, '{"label": "x", "alg": "EdDSA"}'
FROM generate_series(1, %s)
"""


def make_events(admin: User, count: int) -> ClientKey:
    """Create this many events of a key, and return the key."""
    client = create_client(name="Bench", by=admin)
    material = public_pem(new_private_key())
    key = register_pem(client, material=material, alg="EdDSA", label="x", by=admin)
    with connection.cursor() as cursor:
        cursor.execute(FILL, [admin.pk, client.pk, key.pk, count])
        cursor.execute("ANALYZE")
    return key


def ask(
    served: Served, key: ClientKey, seconds: float, beside: subprocess.Popen[bytes] | None
) -> str:
    """Request the key set for this time, or until the process beside it ends; return the times."""
    url = urlsplit(served.jwks_url(key.client))
    wire = HTTPConnection(url.netloc, timeout=30)
    took = []
    until = time.monotonic() + seconds
    while time.monotonic() < until if beside is None else beside.poll() is None:
        began = time.perf_counter()
        wire.request("GET", url.path)
        answer = wire.getresponse()
        assert key.kid.encode() in answer.read()
        took.append(1000 * (time.perf_counter() - began))
        time.sleep(0.001)
    took.sort()
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    summary = [f"{name} {took[int(len(took) * share)]:6.2f}" for name, share in shares.items()]
    return f"{', '.join(summary)} ms of {len(took):,}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    if options.smoke:
        options.events, options.seconds = 1000, 0.1
    with own_database(keep=options.smoke), tempfile.TemporaryDirectory() as folder:
        admin = User.objects.create_user("bench@example.com", is_staff=True)
        key = make_events(admin, options.events)
        browser = Browser()
        browser.force_login(admin)
        cookie = f"sessionid={browser.cookies['sessionid'].value}"
        with serve(Path(folder), workers=1) as served:
            print(f"{'alone':15} {ask(served, key, options.seconds, None)}")
            for kind in ("csv", "jsonl"):
                url = f"{served.url}/console/events/export?format={kind}"
                began = time.perf_counter()
                with subprocess.Popen(
                    ["curl", "-sf", "-o", os.devnull, "-b", cookie, url]
                ) as export:
                    summary = ask(served, key, 0, export)
                took = time.perf_counter() - began
                assert export.returncode == 0, "The export broke off."
                print(f"{f'beside {kind}':15} {summary}; {options.events / took:,.0f} events/s")


if __name__ == "__main__":
    main()

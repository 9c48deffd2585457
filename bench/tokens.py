"""How fast tokens are issued: `python tests/postgres.py --durable python bench/tokens.py`.

Three servers issue tokens for `client_credentials` to clients that sign in with the same key and
algorithm, in alternating rounds: the portal; the same portal without the middleware that decides
such requests in front of Django, as before; and panva's oidc-provider on Node. Each runs in one
process on the first core; wrk and PostgreSQL have the second. Each assertion is used once.

It prints the medians of requests per second, of processor time per token in the server and in
PostgreSQL, and of the ratios to oidc-provider in the same round. On a busy machine only the
processor time is reliable. The portal consumes each jti and stores each token, in a PostgreSQL that
writes through to disk; oidc-provider keeps both in memory, the last 1,000 of them.

It needs wrk (Debian: `apt-get install wrk`).
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlencode

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402
from jwks import FIRST_CORE, SECOND_CORE, once, processor_s  # noqa: E402 - Django first

from portal.accounts.models import User  # noqa: E402
from portal.registry.actions import confirm_key, create_client  # noqa: E402
from portal.registry.models import ClientKey  # noqa: E402
from tests.assertions import claims_of, form_of, sign  # noqa: E402
from tests.interop.oidc_provider import OidcProvider  # noqa: E402
from tests.interop.served import own_database, serve  # noqa: E402
from tests.keys import PrivateKey, new_private_key, public_pem  # noqa: E402
from tests.processes import family  # noqa: E402
from tests.registering import register_pem  # noqa: E402

ALGORITHMS = ("PS256", "ES256", "EdDSA")
CONNECTIONS = (1, 16, 64, 256)
POST = """function(body)
    return wrk.format("POST", nil, {["Content-Type"] = "application/x-www-form-urlencoded"}, body)
end"""


class End(NamedTuple):
    """A server: the URL of its token endpoint, its issuer, and its process."""

    url: str
    issuer: str
    pid: int


class Figures(NamedTuple):
    """The result of one round: times in microseconds, and those of a request as wrk prints them."""

    rate: float
    server: float
    postgres: float
    p50: str
    p99: str


def register(alg: str) -> tuple[ClientKey, PrivateKey]:
    """Return a confirmed key of a new client, and its private key."""
    person = User.objects.create_user(f"{alg}@example.com", is_staff=True)
    client = create_client(name=alg, by=person)
    private = new_private_key(alg)
    key = register_pem(client, material=public_pem(private), alg=alg, label=alg, by=person)
    return confirm_key(key, by=person), private


def body(key: ClientKey, private: PrivateKey, issuer: str) -> str:
    """Return the form of a token request with a fresh assertion."""
    claims = claims_of(key.client.client_id, issuer, exp=int(time.time()) + 240)
    return urlencode(form_of(sign(private, key.alg, claims, kid=key.kid)))


def postgres_s() -> float:
    """Return for how many seconds PostgreSQL has run, with processes that have ended (proc(5))."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    parent = int(_stat(pid)[1])
    own = sum(sum(map(int, _stat(each)[11:13])) for each in family(parent))
    return (own + sum(map(int, _stat(parent)[13:15]))) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended, and counts as its parent's
        return ["0"] * 20


def ask(end: End, bodies: list[str], connections: int, scratch: Path) -> Figures:
    """Send each body once, and return what wrk and the kernel say."""
    before = processor_s(end.pid), postgres_s()
    command = (*SECOND_CORE, "wrk", f"-c{connections}", end.url)
    told, refused = once(POST, bodies, command, scratch)
    assert not refused, refused[:500]
    server = (processor_s(end.pid) - before[0]) / len(bodies) * 1e6
    postgres = (postgres_s() - before[1]) / len(bodies) * 1e6
    rate, p50, p99 = (
        (re.search(pattern, told) or ["", "0"])[1]
        for pattern in (r"Requests/sec:\s*([\d.]+)", r"\n +50%\s+(\S+)", r"\n +99%\s+(\S+)")
    )
    return Figures(float(rate), server, postgres, p50, p99)


def compare(
    name: str,
    ends: dict[str, End],
    make: Callable[[str], str],
    scratch: Path,
    *,
    rounds: int,
    requests: int,
    connections: int,
) -> None:
    """Print the medians of each server for one algorithm."""
    seen: dict[str, list[Figures]] = {each: [] for each in ends}
    for _ in range(rounds):
        for each, end in ends.items():
            bodies = [make(end.issuer) for _ in range(requests)]
            seen[each].append(ask(end, bodies, connections, scratch))
    for each, figures in seen.items():
        pairs = list(zip(seen["oidc-provider"], figures, strict=True))
        cheaper = median(theirs.server / its.server for theirs, its in pairs)
        faster = median(its.rate / theirs.rate for theirs, its in pairs)
        rate, server, postgres = (median(values) for values in list(zip(*figures, strict=True))[:3])
        print(
            f"{name:6} {connections:4} {each:15} {rate:7,.0f}/s {server:7,.0f} µs"
            f" {postgres:7,.0f} µs in PostgreSQL, {cheaper:5.2f} by processor, {faster:5.2f} by"
            f" time, p50 {figures[-1].p50}, p99 {figures[-1].p99}",
            flush=True,
        )


def main() -> None:
    """Compare the servers for each algorithm, and the portal with more connections."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    rounds, requests = (1, 4) if options.smoke else (options.rounds, options.requests)
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        print(f"PostgreSQL with fsync {cursor.fetchone()[0]}; load {os.getloadavg()[0]:.0f}")
    with (
        own_database(keep=options.smoke),
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as stack,
    ):
        scratch = Path(folder)
        ends = {}
        for name, application in {"portal": "application", "portal, before": "django"}.items():
            served = stack.enter_context(
                serve(
                    scratch,
                    workers=1,
                    prefix=FIRST_CORE,
                    application=f"portal.wsgi:{application}",
                )
            )
            ends[name] = End(f"{served.url}/api/oauth2/token", served.url, served.process.pid)
        for alg in ALGORITHMS:
            key, private = register(alg)
            metadata = {"client_id": key.client.client_id, "jwks": {"keys": [key.jwk]}}
            peer = OidcProvider(metadata, prefix=FIRST_CORE)
            ends["oidc-provider"] = End(peer.token_endpoint, peer.issuer, peer.pid)
            make = partial(body, key, private)
            for connections in CONNECTIONS if alg == "PS256" else (16,):
                chosen = {
                    name: end
                    for name, end in ends.items()
                    if connections <= 16 or name != "portal, before"
                }
                compare(
                    alg,
                    chosen,
                    make,
                    scratch,
                    rounds=rounds,
                    requests=requests,
                    connections=min(connections, requests // 4),
                )
            peer.close()


if __name__ == "__main__":
    main()

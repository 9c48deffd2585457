"""How fast clients are served: `python tests/postgres.py --durable python bench/tokens.py`.

Servers answer the same requests in alternating rounds, each in one process on the first core; wrk
and PostgreSQL, which writes through to disk, have the second. Each assertion is used once. What to
measure is a word on the command line:

`tokens` (the default): tokens for `client_credentials`, to clients that sign in with the same key
and algorithm, from the portal; from the same portal without the fast authentication (ADR 0024), as
before; and from panva's oidc-provider on Node, which keeps assertions and tokens in memory.

`endpoints`: code and refresh grants, introspection and revocation, from the portal and as before.

`paced`: p50 and p99 of tokens at half the load of 16 connections, with 1 to 256 connections. On a
busy machine these say nothing.

`workers`: tokens per second from one worker on the first core, and from two on both cores. It needs
cores of their own for wrk and PostgreSQL to say something.

`redeemed`: tokens with an empty table of redeemed assertions, with `--rows` of them, and while
`prune` deletes these, for at most `--seconds`.

It prints the medians of requests per second, of processor time per request in the server and in
PostgreSQL, and of the ratios to the server compared with in the same round. On a busy machine only
the processor time is reliable.

It needs wrk (Debian: `apt-get install wrk`).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, takewhile
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from jwks import FIRST_CORE, SECOND_CORE, once, processor_s  # noqa: E402 - Django first

from portal.accounts.models import User  # noqa: E402
from portal.oauth.grants import new_token  # noqa: E402
from portal.registry.actions import confirm_key, create_client  # noqa: E402
from portal.registry.models import (  # noqa: E402
    AccessToken,
    AuthorizationCode,
    ClientKey,
    RedeemedAssertion,
    RefreshToken,
)
from tests.assertions import claims_of, encode, form_of, sign  # noqa: E402
from tests.filling import bulk  # noqa: E402
from tests.interop.oidc_provider import OidcProvider  # noqa: E402
from tests.interop.served import ROOT, database_url, own_database, serve  # noqa: E402
from tests.keys import PrivateKey, new_private_key, public_pem  # noqa: E402
from tests.processes import family  # noqa: E402
from tests.registering import register_pem  # noqa: E402

ALGORITHMS = ("PS256", "ES256", "EdDSA")
CONNECTIONS = (1, 16, 64, 256)
TASKS = ("tokens", "endpoints", "paced", "workers", "redeemed")
PORTAL, BEFORE, PEER = "portal", "portal, before", "oidc-provider"
VERIFIER = "v" * 43
CALLBACK = "https://app.example.com/callback"
FILL = """
INSERT INTO registry_redeemedassertion
    (client_id, key_id, jti_sha256, reference, kid_sent, at, expires_at)
SELECT 1000000 + mod(n, 1000), 1000000 + mod(n, 1000), encode(sha256(n::text::bytea), 'hex'),
    substr(md5(n::text), 1, 16), true, now() - interval '99 days', now() - interval '99 days'
FROM generate_series(1, %s) n"""
"""Assertions of a thousand clients in turn, old enough to be deleted, and counted (ADR 0029)."""

COUNTED = """
INSERT INTO registry_usecursor (id, counted, seen, pending)
SELECT 1, max(id), max(id), '[]' FROM registry_redeemedassertion
ON CONFLICT (id) DO UPDATE SET counted = excluded.counted, seen = excluded.seen"""

Make = Callable[[str, int], list[str]]
"""Makes so many bodies for a server, given its issuer."""

POST = """function(body)
    return wrk.format("POST", nil, {["Content-Type"] = "application/x-www-form-urlencoded"}, body)
end"""


class End(NamedTuple):
    """A server: the URL of its token endpoint, its issuer, and its process."""

    url: str
    issuer: str
    pid: int

    def at(self, path: str) -> End:
        """Return another endpoint of a portal."""
        return self._replace(url=f"{self.issuer}/api/oauth2/{path}")


class Figures(NamedTuple):
    """The result of one round: times in microseconds, and those of a request as wrk prints them."""

    rate: float
    server: float
    postgres: float
    p50: str
    p99: str


def register(alg: str) -> tuple[ClientKey, PrivateKey]:
    """Return a confirmed key of a new client, and its private key."""
    person = User.objects.create_user(f"{new_token()}@example.com", is_staff=True)
    client = create_client(name=alg, redirect_uris=[CALLBACK], by=person)
    private = new_private_key(alg)
    key = register_pem(client, material=public_pem(private), alg=alg, label=alg, by=person)
    return confirm_key(key, by=person), private


def body(key: ClientKey, private: PrivateKey, issuer: str, **more: str) -> str:
    """Return the form of a request with a fresh assertion, by default for client_credentials."""
    claims = claims_of(key.client.client_id, issuer, exp=int(time.time()) + 240)
    return urlencode(form_of(sign(private, key.alg, claims, kid=key.kid)) | more)


def credentials(key: ClientKey, private: PrivateKey) -> Make:
    """Return what makes requests for tokens of client_credentials."""
    return lambda issuer, count: [body(key, private, issuer) for _ in range(count)]


def endpoints(key: ClientKey, private: PrivateKey) -> dict[str, tuple[str, Make]]:
    """Return the path of each other request, and what makes such requests."""
    tokens = {"application": key.client, "key": key, "user": key.registered_by, "scope": "read"}
    later = timezone.now() + timedelta(hours=1)

    def access(count: int) -> tuple[list[str], list[AccessToken]]:
        values = [new_token() for _ in range(count)]
        rows = [
            AccessToken(token_checksum=sha256(each), expires=later, **tokens) for each in values
        ]
        return values, AccessToken.objects.bulk_create(rows)

    def code(issuer: str, count: int) -> list[str]:
        values = [new_token() for _ in range(count)]
        challenge = encode(hashlib.sha256(VERIFIER.encode()).digest())
        given = {name: tokens[name] for name in ("application", "user", "scope")}
        given |= {"code_challenge": challenge, "code_challenge_method": "S256", "expires": later}
        AuthorizationCode.objects.bulk_create(
            AuthorizationCode(code=each, redirect_uri=CALLBACK, **given) for each in values
        )
        more = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
        more |= {"code_verifier": VERIFIER}
        return [body(key, private, issuer, code=each, **more) for each in values]

    def refresh(issuer: str, count: int) -> list[str]:
        values = [new_token() for _ in range(count)]
        given = {name: tokens[name] for name in ("application", "key", "user")}
        RefreshToken.objects.bulk_create(
            RefreshToken(
                token_checksum=sha256(each), access_token=row, token_family=uuid4(), **given
            )
            for each, row in zip(values, access(count)[1], strict=True)
        )
        more = {"grant_type": "refresh_token"}
        return [body(key, private, issuer, refresh_token=each, **more) for each in values]

    def token(issuer: str, count: int) -> list[str]:
        values, _ = access(count)
        return [body(key, private, issuer, grant_type="", token=each) for each in values]

    return {
        "code": ("token", code),
        "refresh": ("token", refresh),
        "introspect": ("introspect", token),
        "revoke": ("revoke", token),
    }


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


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


def ask(end: End, bodies: list[str], connections: int, scratch: Path, rate: float = 0.0) -> Figures:
    """Send each body once, and return what wrk and the kernel say."""
    before = processor_s(end.pid), postgres_s()
    command = (*SECOND_CORE, "wrk", f"-c{connections}", end.url)
    told, refused = once(POST, bodies, command, scratch, rate=rate)
    assert not refused, refused[:500]
    server = (processor_s(end.pid) - before[0]) / len(bodies) * 1e6
    postgres = (postgres_s() - before[1]) / len(bodies) * 1e6
    found, p50, p99 = (
        (re.search(pattern, told) or ["", "0"])[1]
        for pattern in (r"Requests/sec:\s*([\d.]+)", r"\n +50%\s+(\S+)", r"\n +99%\s+(\S+)")
    )
    return Figures(float(found), server, postgres, p50, p99)


@dataclass(frozen=True)
class Bench:
    """Where to measure, and how much. `rows` and `seconds`: see `redeemed`."""

    scratch: Path
    rounds: int
    requests: int
    rows: int
    seconds: int

    def compare(
        self,
        name: str,
        ends: dict[str, End],
        make: Make,
        connections: int,
        *,
        to: str,
        rounds: Iterable[object] = (),
    ) -> dict[str, float]:
        """Print the medians of each server, and return their requests per second."""
        connections = min(connections, self.requests // 4)
        seen: dict[str, list[Figures]] = {each: [] for each in ends}
        for _ in rounds or range(self.rounds):
            for each, end in ends.items():
                bodies = make(end.issuer, self.requests)
                seen[each].append(ask(end, bodies, connections, self.scratch))
        rates = {}
        for each, figures in seen.items():
            pairs = list(zip(seen[to], figures, strict=True))
            cheaper = median(theirs.server / its.server for theirs, its in pairs)
            faster = median(its.rate / theirs.rate for theirs, its in pairs)
            rate, server, postgres = (
                median(values) for values in list(zip(*figures, strict=True))[:3]
            )
            rates[each] = rate
            print(
                f"{name:10} {connections:4} {each:15} {rate:7,.0f}/s {server:7,.0f} µs"
                f" {postgres:7,.0f} µs in PostgreSQL, {cheaper:5.2f} by processor, {faster:5.2f}"
                f" by time, p50 {figures[-1].p50}, p99 {figures[-1].p99}",
                flush=True,
            )
        return rates

    def serve(
        self, stack: ExitStack, application: str = "portal.wsgi:application", **more: Any
    ) -> End:
        """Start a portal on the first core, or on those given.

        The application `portal.wsgi:django` has no fast authentication (ADR 0024).
        """
        options: dict[str, Any] = {"workers": 1, "prefix": FIRST_CORE} | more
        served = stack.enter_context(serve(self.scratch, application=application, **options))
        return End(served.url, served.url, served.process.pid).at("token")


def tokens(bench: Bench, stack: ExitStack) -> None:
    """Compare the servers for each algorithm, and with more connections."""
    ends = {PORTAL: bench.serve(stack), BEFORE: bench.serve(stack, "portal.wsgi:django")}
    for alg in ALGORITHMS:
        key, private = register(alg)
        metadata = {"client_id": key.client.client_id, "jwks": {"keys": [key.jwk]}}
        peer = OidcProvider(metadata, prefix=FIRST_CORE)
        ends[PEER] = End(peer.token_endpoint, peer.issuer, peer.pid)
        for connections in CONNECTIONS if alg == "PS256" else (16,):
            chosen = {
                name: end for name, end in ends.items() if connections <= 16 or name != BEFORE
            }
            bench.compare(alg, chosen, credentials(key, private), connections, to=PEER)
        peer.close()


def others(bench: Bench, stack: ExitStack) -> None:
    """Compare the portal with itself before, for requests of other kinds."""
    ends = {PORTAL: bench.serve(stack), BEFORE: bench.serve(stack, "portal.wsgi:django")}
    for name, (path, make) in endpoints(*register("ES256")).items():
        chosen = {each: end.at(path) for each, end in ends.items()}
        bench.compare(name, chosen, make, 16, to=BEFORE)


def paced(bench: Bench, stack: ExitStack) -> None:
    """Print p50 and p99 at half the load, for each number of connections."""
    end = bench.serve(stack)
    make = credentials(*register("PS256"))
    rate = bench.compare("PS256", {PORTAL: end}, make, 16, to=PORTAL)[PORTAL] / 2
    for connections in CONNECTIONS:
        bodies = make(end.issuer, bench.requests)
        found = ask(end, bodies, min(connections, bench.requests // 4), bench.scratch, rate)
        print(
            f"half of the load, {connections:4} connections: {found.rate:7,.0f}/s of {rate:,.0f},"
            f" p50 {found.p50}, p99 {found.p99}",
            flush=True,
        )


def workers(bench: Bench, stack: ExitStack) -> None:
    """Compare one worker with two."""
    one, two = bench.serve(stack), bench.serve(stack, workers=2, prefix=())
    make = credentials(*register("PS256"))
    bench.compare("PS256", {"one worker": one, "two workers": two}, make, 64, to="one worker")


def redeemed(bench: Bench, stack: ExitStack) -> None:
    """Compare tokens with an empty table, with a full one, and beside `prune`."""
    end = bench.serve(stack)
    make = credentials(*register("PS256"))
    bench.compare("empty", {PORTAL: end}, make, 16, to=PORTAL)
    with connection.cursor() as cursor:
        with bulk("registry_redeemedassertion"):
            cursor.execute(FILL, [bench.rows])
        # Autovacuum would do it during the measurement.
        cursor.execute("VACUUM ANALYZE registry_redeemedassertion")
        cursor.execute("CHECKPOINT")
    bench.compare("full", {PORTAL: end}, make, 16, to=PORTAL)
    with connection.cursor() as cursor:
        cursor.execute(COUNTED)
    environment = {**os.environ, "DATABASE_URL": database_url()}
    command = [sys.executable, str(ROOT / "manage.py"), "prune"]
    before, began = RedeemedAssertion.objects.count(), time.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as pruning:
        until = began + bench.seconds
        rounds = takewhile(lambda _: pruning.poll() is None and time.monotonic() < until, count())
        bench.compare("prune", {PORTAL: end}, make, 16, to=PORTAL, rounds=rounds)
        pruning.terminate()
    rate = (before - RedeemedAssertion.objects.count()) / (time.monotonic() - began)
    print(f"{rate:,.0f} more rows deleted than added each second", flush=True)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    measures = dict(zip(TASKS, (tokens, others, paced, workers, redeemed), strict=True))
    parser.add_argument("what", nargs="*", default=["tokens"], metavar="|".join(TASKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--rows", type=int, default=5_000_000, help="redeemed assertions")
    parser.add_argument("--seconds", type=int, default=60, help="how long beside prune")
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    amounts = (options.rounds, options.requests, options.rows, options.seconds)
    if options.smoke:
        amounts = (1, 4, 1000, 1)
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        print(f"PostgreSQL with fsync {cursor.fetchone()[0]}; load {os.getloadavg()[0]:.0f}")
    with own_database(keep=options.smoke), tempfile.TemporaryDirectory() as folder:
        for each in TASKS if options.smoke else options.what:
            with ExitStack() as stack:
                measures[each](Bench(Path(folder), *amounts), stack)


if __name__ == "__main__":
    main()

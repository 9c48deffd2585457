"""How fast tokens are issued.

    taskset -c 1 python tests/postgres.py --durable python bench/tokens.py

The portal and panva's oidc-provider issue tokens for `client_credentials` to clients that sign in
with the same key and algorithm, in alternating rounds. Each runs in one process on the first core;
the load generator and PostgreSQL share the second, through `taskset`. It prints the median of
requests per second, their ratio, and how one request to the portal spends its time, measured in
this process.

The portal durably consumes each jti, in a PostgreSQL that writes through to disk, and stores each
token; oidc-provider keeps both in memory, the last 1,000 of them.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402 - Django first
from django.test import RequestFactory  # noqa: E402
from django.utils import timezone  # noqa: E402

from portal.accounts.models import User  # noqa: E402
from portal.core.assertion import parse_unverified, verify  # noqa: E402
from portal.oauth.token_views import token  # noqa: E402
from portal.registry.actions import authenticate_client, create_client  # noqa: E402
from portal.registry.expectations import expectation_of  # noqa: E402
from portal.registry.models import ClientKey  # noqa: E402
from tests.assertions import claims_of, form_of, sign  # noqa: E402
from tests.interop.oidc_provider import OidcProvider  # noqa: E402
from tests.interop.served import own_database, serve  # noqa: E402
from tests.keys import PrivateKey, new_private_key, public_pem  # noqa: E402
from tests.registering import register_pem  # noqa: E402

ROUNDS, REQUESTS, CONNECTIONS, CALLS = 5, 1600, 8, 400
FIRST_CORE, SECOND_CORE = ("taskset", "-c", "0"), {1}
ALGORITHMS = ("PS256", "ES256", "EdDSA")
FORM = "application/x-www-form-urlencoded"


def register(alg: str) -> tuple[ClientKey, PrivateKey]:
    """Return a key of a new client, and its private key."""
    person = User.objects.create_user(f"{alg}@example.com", is_staff=True)
    client = create_client(name=alg, by=person)
    private = new_private_key(alg)
    key = register_pem(client, material=public_pem(private), alg=alg, label=alg, by=person)
    return key, private


def form(key: ClientKey, private: PrivateKey, issuer: str) -> dict[str, str]:
    """Return the parameters of a token request with a fresh assertion."""
    claims = claims_of(key.client.client_id, issuer, exp=int(time.time()) + 240)
    return form_of(sign(private, key.alg, claims, kid=key.kid))


def wire(url: str, parameters: dict[str, str]) -> bytes:
    """Return the bytes of a token request."""
    parts, body = urlsplit(url), urlencode(parameters)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: {FORM}\r\n\r\n"
    )
    return (head + body).encode("ascii")


def ask(url: str, requests: list[bytes], refused: list[bytes]) -> None:
    """Send the requests in sequence on one connection."""
    host, port = urlsplit(url).netloc.split(":")
    with socket.create_connection((host, int(port))) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            link.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += link.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            while len(body) < length:
                body += link.recv(65536)
            if not head.startswith(b"HTTP/1.1 200"):
                refused.append(body)


def requests_a_second(url: str, requests: list[bytes]) -> float:
    """Send all requests over several connections concurrently."""
    refused: list[bytes] = []
    shares = [requests[start::CONNECTIONS] for start in range(CONNECTIONS)]
    threads = [threading.Thread(target=ask, args=(url, share, refused)) for share in shares]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    assert not refused, refused[0]
    return len(requests) / took


def compare(
    alg: str, key: ClientKey, private: PrivateKey, portal: str, *, rounds: int, number: int
) -> None:
    """Print the requests per second of both servers for one algorithm."""
    metadata = {"client_id": key.client.client_id, "jwks": {"keys": [key.jwk]}}
    peer = OidcProvider(metadata, prefix=FIRST_CORE)
    ends = {f"{portal}/api/oauth2/token": portal, peer.token_endpoint: peer.issuer}
    rates: dict[str, list[float]] = {url: [] for url in ends}
    for _ in range(rounds):
        for url, issuer in ends.items():
            requests = [wire(url, form(key, private, issuer)) for _ in range(number)]
            rates[url].append(requests_a_second(url, requests))
    ours, theirs = (median(each) for each in rates.values())
    print(f"{alg:8} {ours:8.0f} {theirs:15.0f} {ours / theirs:8.2f}")
    peer.close()


def stages(key: ClientKey, private: PrivateKey, calls: int) -> None:
    """Print how one request spends its time, measured in alternating calls."""
    factory = RequestFactory()
    issuer = "http://testserver"
    forms = [form(key, private, issuer) for _ in range(2 * calls)]
    given = [{name: [value] for name, value in each.items()} for each in forms[:calls]]
    asked = [
        factory.post("/api/oauth2/token", urlencode(each), content_type=FORM)
        for each in forms[calls:]
    ]
    expectation = expectation_of(key.client, [key], timezone.now())
    times = [
        (
            microseconds(
                lambda each: verify(parse_unverified(each["client_assertion"]), expectation), fresh
            ),
            microseconds(authenticate_client, parameters),
            microseconds(token, request),
        )
        for fresh, parameters, request in zip(forms[:calls], given, asked, strict=True)
    ]
    verifying, authenticating, whole = (median(each) for each in zip(*times, strict=True))
    print(
        f"{key.alg:8} {whole:8.0f} {verifying:10.0f} {authenticating - verifying:24.0f}"
        f" {whole - authenticating:18.0f}"
    )


def microseconds(call: Callable[[Any], object], argument: Any) -> float:
    """Return the duration of one call."""
    start = time.perf_counter_ns()
    call(argument)
    return (time.perf_counter_ns() - start) / 1000


def main() -> None:
    """Compare both servers, then measure the parts of one request."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    smoke = parser.parse_args().smoke
    rounds, requests, calls = (1, CONNECTIONS, 1) if smoke else (ROUNDS, REQUESTS, CALLS)
    if os.sched_getaffinity(0) != SECOND_CORE and not smoke:
        # This process could move only itself, not the PostgreSQL that was started before.
        sys.exit("Please start PostgreSQL and this on the second core: taskset -c 1 python …")
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        print(f"PostgreSQL with fsync {cursor.fetchone()[0]}, {CONNECTIONS} connections")
    with own_database(keep=smoke), tempfile.TemporaryDirectory() as scratch:
        keys = {alg: register(alg) for alg in ALGORITHMS}
        with serve(Path(scratch), workers=1, prefix=FIRST_CORE) as served:
            print(f"{'req/s':8} {'portal':>8} {'oidc-provider':>15} {'ratio':>8}")
            for alg, pair in keys.items():
                compare(alg, *pair, served.url, rounds=rounds, number=requests)
        print(
            f"\n{'µs':8} {'whole':>8} {'verifying':>10} {'look-up and redemption':>24}"
            f" {'toolkit, storing':>18}"
        )
        for pair in keys.values():
            stages(*pair, calls)


if __name__ == "__main__":
    main()

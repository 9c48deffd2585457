"""What counting costs: `python tests/postgres.py --durable python bench/counting.py`.

Two portals answer the same requests in alternating rounds, each in one process on the first core:
the portal, and the same without the lines that count on its fast paths. wrk and PostgreSQL have the
second core. It prints the medians of processor time per request in the server, and of the ratio of
both in the same round, with the middle half of the ratios. On a busy machine the ratios vary by
more than counting costs. So it also calls the middleware for key sets in one thread, in many short
rounds, and the functions that count a token.

It needs wrk (Debian: `apt-get install wrk`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from math import inf
from pathlib import Path
from statistics import median, quantiles

from jwks import FIRST_CORE, ask, make_clients
from jwks import End as Sets
from tokens import End, body, register
from tokens import ask as ask_for_tokens

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from portal.metrics import BATCH_SIZE, BATCH_WAIT, REQUESTS
from portal.publishing import cached_jwks
from portal.publishing.jwks_cache import JwksCache, path_of, prepare
from portal.publishing.public_endpoint import Document
from tests.db.publishing.test_cached_jwks import Counted
from tests.interop.served import own_database, serve
from tests.interop.uncounted import uncounted

APPLICATIONS = {
    "counted": "portal.wsgi:application",
    "uncounted": "tests.interop.uncounted:application",
}


def compare(name: str, cost: Callable[[str], float], rounds: int) -> None:
    """Print what a request costs each portal; `cost` returns it in µs. Round 0 warms up."""
    seen: dict[str, list[float]] = {each: [] for each in APPLICATIONS}
    for number in range(rounds + 1):
        order = list(APPLICATIONS)
        for each in reversed(order) if number % 2 else order:
            took = cost(each)
            if number:
                seen[each].append(took)
    pairs = [a / b for a, b in zip(*seen.values(), strict=True)]
    low, middle, high = quantiles(pairs, n=4) if len(pairs) > 1 else pairs * 3
    counted, uncounted = (median(each) for each in seen.values())
    print(
        f"{name:20} {counted:7.2f} µs, uncounted {uncounted:7.2f} µs, ratio {middle:.3f}"
        f" ({low:.3f} to {high:.3f})",
        flush=True,
    )


def alone(name: str, count: Callable[[], object], steps: int) -> None:
    """Print the processor time of counting one request, with the call and the loop around it."""

    def run() -> float:
        began = time.thread_time()
        for _ in range(steps):
            count()
        return time.thread_time() - began

    print(f"counting a {name} alone: {min(run() for _ in range(5)) / steps * 1e6:.3f} µs")


def in_one_thread(rounds: int) -> None:
    """Print what the middleware for key sets costs, counted, uncounted, and with an id."""
    follower, path = Counted(), path_of("a", extended=False)
    cache = JwksCache(10_000, follower)
    document = Document(b"x" * 564, "public, max-age=60")
    cache.put("a", cache.version("a"), prepare(document, inf), extended=False)
    request = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "wsgi.url_scheme": "http"}
    counted, bare = (
        module.cached_jwks(lambda *_: [], cache, follower)
        for module in (cached_jwks, uncounted(cached_jwks.__name__, 3))
    )
    ways = {
        "uncounted": (bare, request),
        "counted": (counted, request),
        "with an id": (
            counted,
            request | {"HTTP_X_REQUEST_ID": "4bf92f3577b34da6a3ce929d0e0e4736"},
        ),
    }
    seen: dict[str, list[float]] = {each: [] for each in ways}
    for _ in range(rounds):
        for name, (application, environ) in ways.items():
            began = time.thread_time()
            for _ in range(2000):
                application(environ, lambda *_: None)
            seen[name].append((time.thread_time() - began) / 2000 * 1e6)
    for name, took in seen.items():
        print(f"a set in one thread, {name}: {median(took):.3f} µs, at best {min(took):.3f} µs")


def main() -> None:
    """Compare key sets from memory, and tokens."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    rounds, requests = (1, 4) if options.smoke else (options.rounds, options.requests)
    with (
        own_database(keep=options.smoke),
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as stack,
    ):
        scratch = Path(folder)
        [path] = make_clients(1)
        key, private = register("ES256")
        ends = {}
        for name, application in APPLICATIONS.items():
            (scratch / name).mkdir()
            served = serve(scratch / name, workers=1, prefix=FIRST_CORE, application=application)
            ends[name] = stack.enter_context(served)

        def a_set(name: str) -> float:
            portal = ends[name]
            return ask(Sets(portal.url, [path], portal.process.pid), scratch)[1]

        def a_token(name: str) -> float:
            portal = ends[name]
            end = End(portal.url, portal.url, portal.process.pid).at("token")
            bodies = [body(key, private, end.issuer) for _ in range(requests)]
            return ask_for_tokens(end, bodies, min(16, requests // 4), scratch).server

        compare("a set from memory", a_set, rounds)
        compare("a token", a_token, rounds)
    size, wait, seconds = (
        BATCH_SIZE.labels("bench"),
        BATCH_WAIT.labels("bench"),
        REQUESTS.labels("bench", "ok"),
    )

    def count_token() -> None:
        """Count a token that is alone in its batch, which is the most expensive."""
        size.observe(1)
        wait.observe(0.0)
        seconds.observe(0.002)

    alone("token", count_token, 50_000)
    in_one_thread(10 * rounds)


if __name__ == "__main__":
    main()

"""What counting costs: `python tests/postgres.py --durable python bench/counting.py`.

Two portals answer the same requests in alternating rounds, each in one process on the first core:
the portal, and the same without the lines that count on its fast paths. wrk and PostgreSQL have the
second core. It prints the medians of processor time per request in the server, and of the ratio of
both in the same round, with the middle half of the ratios. The time that counting takes alone, in
one thread, follows: on a busy machine the ratios vary by more than that.

It needs wrk (Debian: `apt-get install wrk`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from jwks import FIRST_CORE, ask, make_clients
from jwks import End as Sets
from tokens import End, body, register
from tokens import ask as ask_for_tokens

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from portal.metrics import BATCH_SIZE, BATCH_WAIT, HITS, REQUESTS
from tests.interop.served import own_database, serve

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

    alone("set from memory", HITS.add, 200_000)
    alone("token", count_token, 50_000)


if __name__ == "__main__":
    main()

"""A flood of client_ids that nobody has fills no memory, and known sets are served beside it.

The figures: pytest tests/ops/test_hostile_flood.py -o log_cli=true -o log_cli_level=INFO
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.ops.hostile import Target, at_once
from tests.waiting import PATIENCE_S

logger = logging.getLogger(__name__)

CONNECTIONS = 8
WARM_UP = 4000
"""How many requests a process needs until it has what it keeps: threads, connections, caches."""
GROWTH_KIB = 4 * 1024
"""In the cache each of them would take most of a KiB."""


def flood(port: int, seconds: float) -> Counter[int]:
    """Ask for sets that are not there, on one connection; return how it was answered."""
    until = time.monotonic() + seconds
    found: Counter[int] = Counter()
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as wire:
        while time.monotonic() < until:
            wire.request("GET", f"/clients/{secrets.token_hex(16)}/jwks.json")
            response = wire.getresponse()
            response.read()
            found[response.status] += 1
    return found


def resident_kib(target: Target) -> int:
    """Return how much memory both workers hold (proc(5): VmRSS)."""
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in target.serving.workers()]
    lines = [line for status in statuses for line in status.splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def test_flood_of_unknown_clients_fills_no_memory_and_keeps_known_ones_served(
    target: Target,
) -> None:
    def flooding(seconds: float) -> tuple[Counter[int], list[float]]:
        until = time.monotonic() + seconds
        begun = at_once([lambda: flood(target.port, seconds)] * CONNECTIONS)
        times = []
        while time.monotonic() < until:
            times.append(target.check_known())
        return sum((each.result() for each in begun), Counter[int]()), times

    warmed_up = 0
    while warmed_up < WARM_UP:  # what every thread holds once it has worked
        warmed_up += flooding(2)[0].total()
    before = resident_kib(target)
    answered, times = flooding(4)
    grown = resident_kib(target) - before
    logger.info(
        "%d unknown client_ids: the workers grew by %d KiB; known sets took up to %.1f ms",
        *(answered.total(), grown, max(times) * 1000),
    )
    assert set(answered) == {404}
    assert answered.total() > 500
    assert grown < GROWTH_KIB

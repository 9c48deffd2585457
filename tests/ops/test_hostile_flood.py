"""A flood of client_ids that nobody has fills no memory, and known sets are served beside it.

The figures: pytest tests/ops/test_hostile_flood.py -o log_cli=true -o log_cli_level=INFO
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.ops.hostile import Target, at_once
from tests.waiting import PATIENCE_S

logger = logging.getLogger(__name__)

CONNECTIONS = 8
REQUESTS = 4000
"""How many a round has: in the cache, each would take most of a KiB."""
GROWTH_KIB = 2048
ROUNDS = 16
"""More than a process needs until it has what it keeps: threads, their memory, connections."""


def flood(port: int, requests: int) -> Counter[int]:
    """Ask for sets that are not there, on one connection; return how it was answered."""
    found: Counter[int] = Counter()
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as wire:
        for _ in range(requests):
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


def grown_kib(target: Target) -> int:
    """Return by how much the workers grow in one round, while known sets are asked for."""
    before = resident_kib(target)
    begun = at_once([lambda: flood(target.port, REQUESTS // CONNECTIONS)] * CONNECTIONS)
    times = [target.check_known()]
    while not all(each.done() for each in begun):
        times.append(target.check_known())
    grown = resident_kib(target) - before
    logger.info("the workers grew by %d KiB; known sets took %.1f ms", grown, max(times) * 1000)
    assert sum((each.result() for each in begun), Counter[int]()) == {404: REQUESTS}
    return grown


def test_flood_of_unknown_clients_fills_no_memory_and_keeps_known_ones_served(
    target: Target,
) -> None:
    # A leak grows in every round. A thread that works for the first time grows in one.
    assert any(grown_kib(target) < GROWTH_KIB for _ in range(ROUNDS))

"""A revocation that was acknowledged shows within the bound in every answer, from either worker.

The figures: pytest tests/interop/test_race.py -o log_cli=true -o log_cli_level=INFO
"""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from portal.accounts.models import User
from portal.registry.actions import revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.follower import BOUND_S
from portal.registry.models import Client
from tests.interop.conftest import Register
from tests.interop.served import Served
from tests.waiting import PATIENCE_S

logger = logging.getLogger(__name__)

READERS = 8
KEYS = 6


@dataclass(frozen=True)
class Answer:
    """What one request saw; times are of one clock, in seconds."""

    asked_at: float
    answered_at: float
    kids: frozenset[str]


class Reader(threading.Thread):
    """Reads the set again and again, on a new connection each time."""

    def __init__(self, url: str, stop: threading.Event) -> None:
        super().__init__()
        self.url, self.stop = url, stop
        self.answers: list[Answer] = []

    def run(self) -> None:
        while not self.stop.is_set():
            asked_at = time.monotonic()
            with urllib.request.urlopen(self.url, timeout=PATIENCE_S) as response:  # noqa: S310 - our own
                keys = json.load(response)["keys"]
            kids = frozenset(key["kid"] for key in keys)
            self.answers.append(Answer(asked_at, time.monotonic(), kids))


def processor_time(pid: int) -> int:
    """Return how many clock ticks a process has worked (proc(5): fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_no_answer_that_is_asked_after_the_bound_holds_the_key(
    *,
    client: Client,
    person: User,
    register: Register,
    served: Served,
) -> None:
    kids = [register(client, "EdDSA").kid for _ in range(KEYS)]
    before = {pid: processor_time(pid) for pid in served.workers()}
    stop = threading.Event()
    readers = [Reader(served.jwks_url(client), stop) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    acknowledged = {}
    try:
        for kid in kids:
            time.sleep(0.25)
            key = client.keys.get(kid=kid)
            revoke_key(key, reason=RevocationReason.COMPROMISED, by=person)
            acknowledged[kid] = time.monotonic()
        time.sleep(BOUND_S + 0.25)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    answers = [answer for reader in readers for answer in reader.answers]
    later = [
        (answer, kid)
        for answer in answers
        for kid, at in acknowledged.items()
        if answer.asked_at > at + BOUND_S
    ]
    late = [
        answer.asked_at - at
        for answer in answers
        for kid, at in acknowledged.items()
        if kid in answer.kids and answer.asked_at > at
    ]
    worked = [processor_time(pid) - ticks for pid, ticks in before.items()]
    logger.info(
        "%d answers; %d of them asked after a revocation held the key, the last %.1f ms after it; "
        "slowest %.0f ms; ticks of the workers %s",
        len(answers),
        len(late),
        max(late, default=0.0) * 1000,
        max(answer.answered_at - answer.asked_at for answer in answers) * 1000,
        worked,
    )
    assert [kid for answer, kid in later if kid in answer.kids] == []
    # Otherwise the above would hold of an empty list, of one worker, or of keys never seen.
    assert len(later) > KEYS * READERS
    assert len(worked) == 2
    assert all(worked)
    assert all(any(kid in answer.kids for answer in answers) for kid in kids)

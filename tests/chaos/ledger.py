"""What was promised to whom and when, and whether an answer keeps it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from math import inf


@dataclass(slots=True)
class Key:
    """A key as the one who writes about it knows it. Moments are of the monotonic clock.

    `registered` and `ended` are when that was acknowledged; `ending` is when it was first asked
    for, after which the key may be gone at any time. `end` says how: revoked or retired.
    """

    kid: str
    registered: float = inf
    ending: float = inf
    ended: float = inf
    end: str = ""
    planned: bool = False
    """Whether its retirement in some days was acknowledged; it stays published until then."""

    @property
    def is_open(self) -> bool:
        """Whether it is registered, and nobody has asked to end it."""
        return self.registered < inf and self.ending == inf


@dataclass(slots=True)
class Account:
    """A client, of which one thread at a time writes, and its keys by kid."""

    client_id: str
    name: str
    keys: dict[str, Key] = field(default_factory=dict)
    changed: float = 0.0
    """When somebody last stopped writing about it; infinite while somebody writes."""


class Ledger:
    """Counts what happened, and holds each published set against what was acknowledged before."""

    def __init__(self, bound_s: float) -> None:
        self.bound_s = bound_s
        self.violations: list[str] = []
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.took: dict[str, list[float]] = {}
        self.answers: Counter[str] = Counter()
        self.late: list[float] = []
        self._lock = threading.Lock()

    @property
    def total(self) -> int:
        """How many operations were acknowledged or answered."""
        return sum(self.done.values())

    def note(self, operation: str, outcome: str, seconds: float) -> None:
        """Count an operation; an empty outcome means that it was done."""
        with self._lock:
            if outcome:
                self.failed[f"{operation}: {outcome}"] += 1
            else:
                self.done[operation] += 1
                self.took.setdefault(operation, []).append(seconds)

    def violated(self, sentence: str) -> None:
        """Write down a promise that was not kept."""
        with self._lock:
            self.violations.append(sentence)

    def answered(self, outcome: str) -> None:
        """Count an answer to a request for a key set: its status, or why there was none."""
        with self._lock:
            self.answers[outcome] += 1

    def compare(self, account: Account, kids: set[str], asked_at: float) -> None:
        """Look whether a set that was asked for at this moment is one that it may be."""
        for key in list(account.keys.values()):
            if key.kid in kids and asked_at > key.ended:
                late = asked_at - key.ended
                with self._lock:
                    self.late.append(late)
                if late > self.bound_s:
                    self.violated(f"{key.kid} was served {late:.3f} s after it was {key.end}")
            elif (
                key.kid not in kids
                and asked_at > key.registered + self.bound_s
                # Had anybody asked to end it before this answer, it would be allowed to be gone.
                and key.ending == inf
            ):
                self.violated(f"{key.kid} was registered, and is missing")

"""One assertion before the checks, and what a check is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.expectation import CandidateKey, Expectation, KeyState
from portal.core.assertion.peeking import UnverifiedAssertion
from portal.core.reasons import Reason

NAMES_OF: Final = {name: algorithm.headers for name, algorithm in ALGORITHMS.items()}
"""The `alg` headers that a key may be used with, by the algorithm it is registered for."""


class Case:
    """An unverified assertion, what is expected of it, and the key it is to be verified with.

    `key` is the registered key that `kid` names; without a `kid` it is the client's only live key,
    or the only live one that `alg` fits (RFC 7515 §4.1.4: kid is a hint, and optional).
    """

    __slots__ = ("claims", "expectation", "header", "key", "now", "unverified")

    def __init__(self, unverified: UnverifiedAssertion, expectation: Expectation) -> None:
        self.unverified: Final = unverified
        self.expectation: Final = expectation
        self.header: Final = unverified.header
        self.claims: Final = unverified.claims
        self.now: Final = expectation.now
        self.key: Final = self._named() if "kid" in self.header else self._only()

    def _named(self) -> CandidateKey | None:
        kid = self.header["kid"]
        for key in self.expectation.keys:
            if key.kid == kid:
                return key
        return None

    def _only(self) -> CandidateKey | None:
        live = self.live_keys()
        if len(live) > 1:
            live = [key for key in live if self.header.get("alg") in NAMES_OF[key.alg]]
        return live[0] if len(live) == 1 else None

    def live_keys(self) -> list[CandidateKey]:
        """Return the client's keys that are accepted now."""
        return [key for key in self.expectation.keys if key.state is KeyState.LIVE]


Judge = Callable[[Case], Reason | None]
"""Return why the assertion fails a check, or None. Cheap: it makes no text."""

Tell = Callable[[Case, Reason | None], tuple[str, str]]
"""Return what was seen and what was expected, for a check that failed (with its reason) or held."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold of an assertion.

    `needs` names the checks without which this one says nothing: if one of them does not hold, it
    is skipped.
    """

    name: str
    title: str
    judge: Judge
    tell: Tell
    needs: tuple[str, ...] = ()

"""The input of the checks, and the definition of a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.expectation import CandidateKey, Expectation
from portal.core.assertion.unverified import UnverifiedAssertion
from portal.core.reasons import Reason
from portal.core.signatures import verifier_of

NAMES_OF: Final = {name: algorithm.headers for name, algorithm in ALGORITHMS.items()}
"""The `alg` headers that a key may be used with, by the algorithm it is registered for."""


_KINDS: Final = {
    name: (algorithm.kty, algorithm.curve)
    for algorithm in ALGORITHMS.values()
    for name in algorithm.headers
    if name != "EdDSA"  # it names two curves (RFC 8037 §3.1), so it fits a key or not: no sibling
}


class AssertionContext:
    """An unverified assertion, the expectation, and the key to verify it with.

    RFC 7515 §4.1.4: `kid` is an optional hint. `meant` holds the candidate keys: the one that `kid`
    names, or without a `kid` every live key that `alg` fits (if none fits, those of the same type
    and curve, or else all). `key` is the candidate that made the signature, or the first candidate
    if none did.
    """

    __slots__ = ("_signed", "claims", "expectation", "header", "key", "meant", "now", "unverified")

    def __init__(self, unverified: UnverifiedAssertion, expectation: Expectation) -> None:
        self.unverified: Final = unverified
        self.expectation: Final = expectation
        self.header: Final = unverified.header
        self.claims: Final = unverified.claims
        self.now: Final = expectation.now
        self._signed: Final[dict[str, bool]] = {}
        self.meant: Final = self._named() if "kid" in self.header else self._unnamed()
        self.key: Final = self._choose()

    def _named(self) -> list[CandidateKey]:
        return [key for key in self.expectation.keys if key.kid == self.header["kid"]]

    def _unnamed(self) -> list[CandidateKey]:
        live = self.live_keys()
        fitting = [key for key in live if self.fits(key)]
        return fitting or [key for key in live if self.is_sibling_of(key)] or live

    def _choose(self) -> CandidateKey | None:
        first = next(iter(self.meant), None)
        if len(self.meant) < 2 or first is None or not self.fits(first):
            return first
        return next(filter(self.is_signed_by, self.meant), first)

    def live_keys(self) -> list[CandidateKey]:
        """Return the client's keys that are accepted now."""
        return [key for key in self.expectation.keys if key.is_live]

    def fits(self, key: CandidateKey) -> bool:
        """Return whether `alg` is what the key is registered for."""
        return self.header.get("alg") in NAMES_OF[key.alg]

    def is_sibling_of(self, key: CandidateKey) -> bool:
        """Return whether `alg` is another algorithm of the same type and curve."""
        algorithm = ALGORITHMS[key.alg]
        kind = _KINDS.get(str(self.header.get("alg")))
        return not self.fits(key) and kind == (algorithm.kty, algorithm.curve)

    def is_signed_by(self, key: CandidateKey) -> bool:
        """Return whether the key verifies the signature (RFC 7515 §5.2), computed once per key."""
        if key.kid not in self._signed:
            verifier = verifier_of(key.pem, key.alg)
            unverified = self.unverified
            self._signed[key.kid] = verifier(unverified.signature, unverified.signing_input)
        return self._signed[key.kid]


CheckFunction = Callable[[AssertionContext], Reason | None]
"""Return why the assertion fails a check, or None. Cheap: it builds no text."""

DescribeFunction = Callable[[AssertionContext, Reason | None], tuple[str, str]]
"""Return the value found and the value expected; the reason is None if the check passed."""


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that an assertion must meet.

    `needs` names the checks that this one depends on: if one of them fails, this one is skipped.
    """

    name: str
    title: str
    run: CheckFunction
    describe: DescribeFunction
    needs: tuple[str, ...] = ()

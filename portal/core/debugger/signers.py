"""Finds the registered key that made a signature. Only for the debugger: it tries every key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.checks.signature import der_numbers
from portal.core.assertion.context import AssertionContext
from portal.core.assertion.expectation import CandidateKey
from portal.core.formats.spki import COORDINATE_BYTES
from portal.core.signatures import verifier_of

_RSA: Final = tuple(name for name, each in ALGORITHMS.items() if each.kty == "RSA")


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that verifies a signature, and the algorithm.

    `is_der` means that the signature is ECDSA in DER, `other_salt` that the PSS salt has another
    length than the hash.
    """

    key: CandidateKey
    alg: str
    is_der: bool = False
    other_salt: bool = False

    @property
    def exact(self) -> bool:
        """Whether the signature is correct for the algorithm of this key."""
        return self.alg == self.key.alg and not self.is_der and not self.other_salt


def find_signer(context: AssertionContext) -> Signer | None:
    """Return the key that signed, or None. `context.key` is tried first."""
    keys = sorted(context.expectation.keys, key=lambda key: key is not context.key)
    signing_input = context.unverified.signing_input
    for key in keys:
        for signer, signature in _ways(key, context.unverified.signature):
            verifier = verifier_of(key.pem, signer.alg, any_salt=signer.other_salt)
            if verifier(signature, signing_input):
                return signer
    return None


def _ways(key: CandidateKey, signature: bytes) -> Iterator[tuple[Signer, bytes]]:
    """Yield the ways in which this key may have made the signature, the correct one first."""
    yield Signer(key, key.alg), signature
    algorithm = ALGORITHMS[key.alg]
    if algorithm.kty == "RSA":
        yield from ((Signer(key, alg), signature) for alg in _RSA if alg != key.alg)
        if key.alg.startswith("PS"):
            yield Signer(key, key.alg, other_salt=True), signature
    numbers = der_numbers(signature) if algorithm.kty == "EC" else None
    if numbers:
        size = COORDINATE_BYTES[algorithm.curve]
        if all(0 <= number < 1 << 8 * size for number in numbers):
            raw = b"".join(number.to_bytes(size, "big") for number in numbers)
            yield Signer(key, key.alg, is_der=True), raw

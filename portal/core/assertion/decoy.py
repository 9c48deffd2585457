"""Keys of nobody: so that a refusal takes as long as an acceptance, whoever is asked about.

When no key is found for an assertion, the endpoint verifies with one of these, and forgets
the answer. How long it took then says little about whether the client, or the kid, exists.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.unverified import UnverifiedAssertion
from portal.core.formats.spki import rsa_key
from portal.core.private.to_public import ec_half, seed_half
from portal.core.public_key import Container, PublicKey
from portal.core.reasons import Reason
from portal.core.signatures import verifier_of

SPENT: Final = frozenset({Reason.SIGNATURE_INVALID, Reason.SIGNATURE_DER, Reason.JTI_REUSED})
"""The reasons of refusals for which a signature was verified already."""

_SEED: Final = b"A key of nobody: its answer is thrown away."
_OTHER: Final = "ES256"
_RSA_SIZES: Final = (256, 384, 512)
"""The usual lengths of RSA signatures, in bytes."""


def spend(unverified: UnverifiedAssertion) -> None:
    """Spend what one verification of this assertion takes, and tell nothing."""
    alg = _ALG_OF.get(unverified.unverified_alg or "", _OTHER)
    size = len(unverified.signature)
    decoy = _decoy(alg, size if size in _RSA_SIZES else _RSA_SIZES[0])
    verifier_of(decoy, alg)(unverified.signature, unverified.signing_input)


_ALG_OF: Final = {name: alg for alg, each in reversed(ALGORITHMS.items()) for name in each.headers}


@cache
def _decoy(alg: str, size: int) -> str:
    """Return the PEM of a key for this algorithm, the same one in every process.

    An RSA key has so many bytes: a signature of another length would be refused without any work.
    """
    algorithm = ALGORITHMS[alg]
    # The private halves can be worked out, which does no harm: nothing rests on these keys.
    stream = hashlib.shake_256(_SEED).digest(size)
    key: PublicKey | None
    match algorithm.kty:
        case "RSA":
            n = int.from_bytes(stream, "big") | 1 << 8 * size - 1 | 1
            key = rsa_key(n, 65537, Container.SPKI)
        case "EC":
            key = ec_half(algorithm.curve, int.from_bytes(stream[:31], "big"))
        case _:
            key = seed_half(algorithm.curve, stream[: 57 if algorithm.curve == "Ed448" else 32])
    if key is None:
        raise LookupError(f"no decoy for {alg}")
    return key.pem

"""Proof that a public key belongs to a private one: nobody can block a key by making up a file.

The public half is never taken from what a file says about it. It is derived from the private value
(EC, Ed25519, Ed448, ML-DSA), or the private value is shown to fit the modulus (RSA). Numbers are
bounded first, so that the proofs in a whole input together stay well below a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import gmpy2  # type: ignore[import-untyped]  # it has no stubs
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core.keys import Container, PublicKey
from portal.core.spki import CURVES, parse_spki, rsa_key

MAX_RSA_BITS: Final = 8192
MAX_EXPONENT: Final = 2**32

_LARGEST_GCD: Final = 2048
"""How much p - 1 and q - 1 may have in common; one pair of random primes in 1,700 has more."""

_PrivateKey = (
    ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)

_SEEDS: Final[dict[str, Callable[[bytes], _PrivateKey]]] = {
    "Ed25519": ed25519.Ed25519PrivateKey.from_private_bytes,
    "Ed448": ed448.Ed448PrivateKey.from_private_bytes,
    "ML-DSA-44": mldsa.MLDSA44PrivateKey.from_seed_bytes,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.from_seed_bytes,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey.from_seed_bytes,
}


def rsa_half(n: int, e: int, d: int, *factors: int) -> PublicKey | None:
    """Return the public key of this modulus if `d` or one of the `factors` fits it, else None.

    Its exponent is 65537 whatever `e` is: who has the factors has every key of this modulus, and
    65537 is the one exponent that could be registered.
    """
    if n < 1 or n.bit_length() > MAX_RSA_BITS:
        return None
    if any(1 < each < n and n % each == 0 for each in (*factors, _factor(n, e, d))):
        return rsa_key(n, 65537, Container.SPKI)
    return None


def _factor(n: int, e: int, d: int) -> int:
    """Return a prime of n = p·q that e and d give away, or 0.

    RFC 8017 §3.2: e·d - 1 is a multiple k of λ(n), or of φ(n) = λ(n)·gcd(p - 1, q - 1), which is
    n + 1 - (p + q) and so close to n that k is known from the quotient. That takes no power, which
    would be a hundred times dearer, and a number that is made up gives no prime.
    """
    if not (n % 2 and 3 <= e < MAX_EXPONENT and 1 < d < n):
        return 0
    product = gmpy2.mpz(e) * d - 1
    for gcd in (1, *range(2, _LARGEST_GCD + 1, 2)):  # p - 1 and q - 1 are even
        multiple = product * gcd
        phi, rest = gmpy2.f_divmod(multiple, multiple // n + 1)
        if rest:
            continue
        total = n + 1 - phi
        difference = total * total - 4 * n  # squared
        if difference >= 0 and gmpy2.is_square(difference):
            return int(total + gmpy2.isqrt(difference)) // 2
    return 0


def ec_half(curve: str, scalar: int) -> PublicKey | None:
    """Return the public key of a private scalar on one of `CURVES`, or None if out of range."""
    try:
        key = ec.derive_private_key(scalar, CURVES[curve])
    except ValueError:
        return None
    return _public_half(key)


def seed_half(name: str, seed: bytes) -> PublicKey | None:
    """Return the public key of an Ed25519, Ed448 or ML-DSA seed, or None if its length is wrong."""
    try:
        key = _SEEDS[name](seed)
    except ValueError:
        return None
    return _public_half(key)


def _public_half(key: _PrivateKey) -> PublicKey:
    public = key.public_key()
    return parse_spki(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

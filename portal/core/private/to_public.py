"""Proves that a public key belongs to a private key, so that no forged file can block a key.

The public key is never copied from the file. It is derived from the private value (EC, Ed25519,
Ed448, ML-DSA), or the private value is shown to fit the modulus (RSA). Numbers are bounded first,
and no proof computes a power: sixteen proofs take a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core.formats.spki import CURVES, parse_spki, rsa_key
from portal.core.public_key import Container, PublicKey

MAX_RSA_BITS: Final = 8192
MAX_EXPONENT: Final = 2**32

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

    Its exponent is 65537 whatever `e` is: the factors reveal every key of this modulus, and 65537
    is the only exponent that can be registered.
    """
    if n < 1 or n.bit_length() > MAX_RSA_BITS:
        return None
    if any(1 < each < n and n % each == 0 for each in (*factors, _factor(n, e, d))):
        return rsa_key(n, 65537, Container.SPKI)
    return None


def _factor(n: int, e: int, d: int) -> int:
    """Return a prime factor of a modulus from its two exponents, or any number if they do not fit.

    e·d - 1 = k·φ / g, where φ = (p - 1)·(q - 1) differs from n only in the lower half of its bits,
    and g is small (1, or gcd(p - 1, q - 1) if d is as in RFC 8017 §3.2). So k / g is the fraction
    with a small denominator that is nearest to (e·d - 1) / n. φ gives p + q, hence p and q. That
    takes a few multiplications; testing whether d inverts e would take a tenth of a second.
    """
    if not (1 < e < MAX_EXPONENT and 1 < d < n):
        return 0
    product = e * d - 1
    ratio = Fraction((product << 256) // n, 1 << 256).limit_denominator(2**64)
    if not ratio:
        return 0
    phi = product * ratio.denominator // ratio.numerator
    total = n - phi + 1
    square = total * total - 4 * n  # (p + q)² - 4·p·q = (p - q)²
    return (total + isqrt(square)) // 2 if square >= 0 else 0


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

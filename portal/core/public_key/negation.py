"""The two public keys that belong to one private value of an elliptic curve.

Anyone who knows d also knows -d, and can sign for -Q (EC) or -A (Ed25519, Ed448): the same point
with the sign of one coordinate changed. A leaked key has leaked with both signs.
"""

from __future__ import annotations

from typing import Final

from portal.core.formats.spki import ec_key, raw_key
from portal.core.public_key import PublicKey

_PRIMES: Final = {  # SP 800-186 §3.2.1
    "P-256": 2**256 - 2**224 + 2**192 + 2**96 - 1,
    "P-384": 2**384 - 2**128 - 2**96 + 2**32 - 1,
    "P-521": 2**521 - 1,
}


def negative(key: PublicKey) -> PublicKey | None:
    """Return the key with the other sign, or None for RSA and ML-DSA, which have no sign."""
    raw = key.raw
    if key.kty == "OKP":  # RFC 8032 §5.1.2, §5.2.2: the last bit is the sign of x
        return raw_key(key.curve, raw[:-1] + bytes((raw[-1] ^ 0x80,)), key.container)
    if key.kty != "EC":
        return None
    size = len(raw) // 2
    y = int.from_bytes(raw[1 + size :], "big")
    other = (_PRIMES[key.curve] - y) % _PRIMES[key.curve]
    return ec_key(key.curve, raw[: 1 + size] + other.to_bytes(size, "big"), key.container)


def fingerprints(key: PublicKey) -> tuple[str, ...]:
    """Return SHA-256 of the key's SubjectPublicKeyInfo, and that of the key with the other sign."""
    other = negative(key)
    return (key.spki_sha256, other.spki_sha256) if other else (key.spki_sha256,)

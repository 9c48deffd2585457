"""Verifies signatures with `cryptography`, and caches key objects.

RFC 7518 §3.3 to §3.5 (RS, ES, PS), RFC 8037 §3.1 (EdDSA), RFC 9964 (ML-DSA, FIPS 204 with an empty
context).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from portal.core.algorithms import ALGORITHMS
from portal.core.formats.spki import COORDINATE_BYTES

Verifier = Callable[[bytes, bytes], bool]
"""(signature, signing input) -> whether the signature is valid."""

CACHED_KEYS: Final = 4096
"""How many keys are cached: a few kilobytes each; loading one takes as long as using it."""

_HASHES: Final[dict[str, HashAlgorithm]] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_CLASSES: Final[dict[str, type]] = {
    "RSA": rsa.RSAPublicKey,
    "EC": ec.EllipticCurvePublicKey,
    "Ed25519": ed25519.Ed25519PublicKey,
    "Ed448": ed448.Ed448PublicKey,
    "ML-DSA-44": mldsa.MLDSA44PublicKey,
    "ML-DSA-65": mldsa.MLDSA65PublicKey,
    "ML-DSA-87": mldsa.MLDSA87PublicKey,
}

_SIGNATURE_BYTES: Final = {
    "Ed25519": 64, "Ed448": 114, "ML-DSA-44": 2420, "ML-DSA-65": 3309, "ML-DSA-87": 4627,
}  # fmt: skip


@lru_cache(maxsize=CACHED_KEYS)
def verifier_of(pem: str, alg: str) -> Verifier:
    """Return a function that verifies signatures of a public key (PEM) by one of `ALGORITHMS`.

    The function never raises, whatever the signature is. Raise `KeyError` for an algorithm that is
    not in the table and `TypeError` for a key of another kind: the registry stores neither.
    """
    algorithm = ALGORITHMS[alg]
    key: Any = load_pem_public_key(pem.encode("ascii"))
    kind = _CLASSES[algorithm.kty if algorithm.kty in _CLASSES else algorithm.curve]
    if not issubclass(type(key), kind):
        raise TypeError(f"this is no key for {alg}")
    match algorithm.kty:
        case "RSA":
            return _rsa(key, padding_of(alg), _HASHES[alg[2:]])
        case "EC":
            return _ecdsa(key, algorithm.curve, _HASHES[alg[2:]])
        case _:
            return _plain(key)


def padding_of(alg: str) -> AsymmetricPadding:
    """Return the padding of an RSA algorithm."""
    if alg.startswith("RS"):
        return PKCS1v15()
    # RFC 7518 §3.5: the salt is as long as the hash, and MGF1 uses the same hash.
    digest = _HASHES[alg[2:]]
    return PSS(MGF1(digest), digest.digest_size)


def _rsa(key: rsa.RSAPublicKey, padding: AsymmetricPadding, digest: HashAlgorithm) -> Verifier:
    size = (key.key_size + 7) // 8

    def verifies(signature: bytes, signing_input: bytes) -> bool:
        # RFC 8017 §8.1.2 step 1. For PSS, OpenSSL accepts one without its leading zero byte too.
        if len(signature) != size:
            return False
        try:
            key.verify(signature, signing_input, padding, digest)
        except InvalidSignature:
            return False
        return True

    return verifies


def _ecdsa(key: ec.EllipticCurvePublicKey, curve: str, digest: HashAlgorithm) -> Verifier:
    size = COORDINATE_BYTES[curve]
    algorithm = ec.ECDSA(digest)
    if key.curve.key_size != int(curve[2:]):
        raise TypeError(f"this is no key on {curve}")

    def verifies(signature: bytes, signing_input: bytes) -> bool:
        if len(signature) != 2 * size:  # RFC 7518 §3.4: both numbers in full length
            return False
        r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
        try:
            key.verify(encode_dss_signature(r, s), signing_input, algorithm)
        except InvalidSignature:
            return False
        return True

    return verifies


def _plain(key: ed25519.Ed25519PublicKey) -> Verifier:
    def verifies(signature: bytes, signing_input: bytes) -> bool:
        try:
            key.verify(signature, signing_input)
        except InvalidSignature:
            return False
        return True

    return verifies


def signature_bytes(pem: str, alg: str) -> int:
    """Return the length of a signature in bytes (RFC 7518 §3, RFC 8032 §5, FIPS 204 table 2)."""
    algorithm = ALGORITHMS[alg]
    if algorithm.kty == "RSA":
        key: Any = load_pem_public_key(pem.encode("ascii"))
        return (int(key.key_size) + 7) // 8
    if algorithm.kty == "EC":
        return 2 * COORDINATE_BYTES[algorithm.curve]
    return _SIGNATURE_BYTES[algorithm.curve]

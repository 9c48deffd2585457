"""Private keys in Windows formats: blobs of CryptoAPI and of its successor CNG.

Layouts: PRIVATEKEYBLOB in "RSA/Schannel Key BLOBs", BCRYPT_RSAKEY_BLOB and BCRYPT_ECCKEY_BLOB in
bcrypt.h. A .pvk file is a header and a PRIVATEKEYBLOB, a .snk file only a PRIVATEKEYBLOB.
"""

from __future__ import annotations

from typing import Final

from portal.core.formats.spki import COORDINATE_BYTES
from portal.core.private.to_public import ec_half, rsa_half
from portal.core.public_key import PublicKey

_PVK: Final = bytes.fromhex("1ef1b5b0")
_PVK_HEADER: Final = 24
_CAPI: Final = b"\7\2\0\0"  # PRIVATEKEYBLOB, version 2
_CAPI_MAGICS: Final = (b"RSA2", b"DSS2", b"DSS4")
_CNG_RSA: Final = (b"RSA2", b"RSA3")
_CNG_EC: Final = {
    b"ECS2": "P-256",
    b"ECS4": "P-384",
    b"ECS6": "P-521",
    b"ECK2": "P-256",
    b"ECK4": "P-384",
    b"ECK6": "P-521",
    b"ECDV": "",  # any curve; the blob does not name it
    b"ECKV": "",
}
_CNG_DSA: Final = (b"DSPV", b"DPV2")
_CURVES: Final = {size: curve for curve, size in COORDINATE_BYTES.items()}
_MAX_BITS: Final = 16384


def looks_private(head: bytes) -> bool:
    """Tell from the first bytes whether the data begins like such a private key."""
    magic, size = head[:4], _little(head[4:8])
    if magic == _CAPI:
        return head[8:12] in _CAPI_MAGICS
    if magic in _CNG_RSA:
        return 256 <= size <= _MAX_BITS
    # The magic words are letters, so a text may begin with one, but not with this size after it.
    return magic == _PVK or (magic in (*_CNG_EC, *_CNG_DSA) and 16 <= size <= _MAX_BITS // 8)


def public_half(blob: bytes) -> PublicKey | None:
    """Return the public key of the private key in the blob, or None if it is not proven."""
    if blob.startswith(_PVK):
        blob = blob[_PVK_HEADER + _little(blob[16:20]) :]  # after the salt
    if blob.startswith(_CAPI):
        return _capi_half(blob[8:])
    if blob[:4] in _CNG_RSA:
        return _cng_rsa_half(blob)
    if blob[:4] in _CNG_EC:
        size = _little(blob[4:8])
        curve = _CNG_EC[blob[:4]] or _CURVES.get(size, "")
        scalar = blob[8 + 2 * size : 8 + 3 * size]  # after x and y
        return ec_half(curve, int.from_bytes(scalar, "big")) if curve else None
    return None


def _capi_half(key: bytes) -> PublicKey | None:
    """Read an RSAPUBKEY, the modulus, both primes, three more numbers and the private exponent."""
    size = _little(key[4:8]) // 8
    at = 12
    numbers = []
    for width in (size, size // 2, size // 2, size // 2, size // 2, size // 2, size):
        numbers.append(_little(key[at : at + width]))
        at += width
    n, p, q, *_, d = numbers
    return rsa_half(n, _little(key[8:12]), d, p, q) if key.startswith(b"RSA") else None


def _cng_rsa_half(blob: bytes) -> PublicKey | None:
    """Read a header of six numbers, then the exponent, the modulus and both primes."""
    at = 24
    numbers = []
    for place in (8, 12, 16, 20):
        width = _little(blob[place : place + 4])
        numbers.append(int.from_bytes(blob[at : at + width], "big"))
        at += width
    e, n, p, q = numbers
    return rsa_half(n, e, 0, p, q)


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")

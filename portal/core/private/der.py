"""Private keys in DER, whatever their label: detection, and their public keys.

PKCS#1 (RFC 8017 §A.1.2), PKCS#8 and its successor (RFC 5208, RFC 5958), SEC 1 (RFC 5915), encrypted
PKCS#8 and PKCS#12 (RFC 7292). This reader is lenient on purpose: it takes BER and truncated files.
That is safe, because it accepts no key and every public key is proven.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from portal.core.formats import der
from portal.core.formats.spki import AKP_OIDS, COORDINATE_BYTES, CURVE_OIDS, EC_OID, OKP_OIDS
from portal.core.private.to_public import ec_half, rsa_half, seed_half
from portal.core.public_key import PublicKey

_ENCRYPTIONS: Final = (
    bytes.fromhex("2a864886f70d0105"),  # 1.2.840.113549.1.5 PKCS#5
    bytes.fromhex("2a864886f70d010c01"),  # 1.2.840.113549.1.12.1 PKCS#12
)
_FIELDS: Final = bytes.fromhex("2a8648ce3d01")  # 1.2.840.10045.1, in the definition of a curve
_PKCS7: Final = bytes.fromhex("2a864886f70d0107")  # 1.2.840.113549.1.7, what a PKCS#12 file holds

_SEED: Final = 0x80  # RFC 9881 §6: the seed of an ML-DSA key is [0]
_CURVE: Final = 0xA0  # RFC 5915 §3: the curve of an EC key is [0]

_CURVES: Final = {oid: curve for curve, oid in CURVE_OIDS.items()}
_CURVE_BY_SIZE: Final = {size: curve for curve, size in COORDINATE_BYTES.items()}
_SEEDS: Final = {oid: name for name, oid in (OKP_OIDS | AKP_OIDS).items()}
_NAMED: Final = _SEEDS.keys() | {EC_OID}

_LAYERS: Final = 4
"""How many wrappings are removed: a private key in a PKCS#8 that is labelled as a public key has
two, and only an attacker uses more."""

_MAX_PARTS: Final = 6
"""The first six numbers of PKCS#1 determine a key pair; no other format needs more parts."""

_Part = tuple[int, bytes]
"""A tag and the content, which may be truncated."""


def looks_private(head: bytes) -> bool:
    """Tell from the first 96 bytes whether the data begins like a private key, in constant time."""
    parts = _inside(head)
    return _is_private(parts) or _is_keystore(parts)


def is_keystore(head: bytes) -> bool:
    """Tell from the first 96 bytes whether the data begins like a PKCS#12 file."""
    return _is_keystore(_inside(head))


def public_half(data: bytes) -> PublicKey | None:
    """Return the public key of the private key in the data, or None if it is not proven."""
    parts = _inside(data)
    for _ in range(_LAYERS):
        match parts:
            case [(der.SEQUENCE, _), (der.BIT_STRING, bits), *_]:  # labelled as a public key
                parts = _inside(bits[1:])
            case [(der.INTEGER, _), (der.SEQUENCE, algorithm), (der.OCTET_STRING, key), *_]:
                if _oid(algorithm) in _NAMED:
                    return _pkcs8_half(algorithm, key)
                parts = _inside(key)
            case _:
                return _half(parts)
    return None


def _parts(data: bytes) -> Iterator[_Part]:
    at = 0
    while at + 2 <= len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length == 0x80:  # BER: ends at an end mark, which this reader ignores
            length = len(data)
        elif length > 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        yield tag, data[at : at + length]
        at += length


def _inside(data: bytes) -> list[_Part]:
    """Return the first parts of the SEQUENCE at the beginning of the data."""
    tag, content = next(_parts(data), (0, b""))
    return list(islice(_parts(content), _MAX_PARTS)) if tag == der.SEQUENCE else []


def _is_keystore(parts: list[_Part]) -> bool:
    match parts:
        case [(der.INTEGER, b"\x03"), (der.SEQUENCE, content), *_]:
            return _oid(content).startswith(_PKCS7)
    return False


def _is_private(parts: list[_Part]) -> bool:
    match parts:
        case [(der.INTEGER, b"\x00" | b"\x01"), (der.INTEGER, modulus), *_]:
            return len(modulus) > 32  # PKCS#1, or DSA
        case [(der.INTEGER, b"\x01"), (der.OCTET_STRING, _), *_]:
            return True  # SEC 1
        case [(der.INTEGER, b"\x00" | b"\x01"), (der.SEQUENCE, content), *_]:
            oid = _oid(content)  # PKCS#8, unless it is the definition of a curve
            return bool(oid) and not oid.startswith(_FIELDS)
        case [(der.SEQUENCE, content), *_] if _oid(content).startswith(_ENCRYPTIONS):
            return True  # encrypted PKCS#8
        case [(der.SEQUENCE, _), (der.BIT_STRING, bits), *_]:
            return _is_private(_inside(bits[1:]))  # labelled as a public key
    return False


def _oid(content: bytes) -> bytes:
    tag, value = next(_parts(content), (0, b""))
    return value if tag == der.OID else b""


def _half(parts: list[_Part]) -> PublicKey | None:
    match parts:
        case [(der.INTEGER, _), (der.INTEGER, _), *_]:
            numbers = [int.from_bytes(content, "big") for _, content in parts[1:6]]
            return rsa_half(*numbers) if len(numbers) >= 3 else None
        case [(der.INTEGER, _), (der.OCTET_STRING, scalar), (tag, curve), *_] if tag == _CURVE:
            return _ec(_CURVES.get(_oid(curve)), scalar)
        case [(der.INTEGER, _), (der.OCTET_STRING, scalar), *_]:
            return _ec(_CURVE_BY_SIZE.get(len(scalar)), scalar)
    return None


def _pkcs8_half(algorithm: bytes, key: bytes) -> PublicKey | None:
    """Return the public key of a PKCS#8 key whose algorithm is in `_NAMED`, or None."""
    oid = _oid(algorithm)
    if oid in _SEEDS:
        return seed_half(_SEEDS[oid], _seed(key))
    curve = next((_CURVES.get(content) for _, content in islice(_parts(algorithm), 1, 2)), None)
    scalar = next((content for tag, content in _inside(key) if tag == der.OCTET_STRING), b"")
    return _ec(curve, scalar)


def _ec(curve: str | None, scalar: bytes) -> PublicKey | None:
    if curve is None or len(scalar) != COORDINATE_BYTES[curve]:  # RFC 5915 §3: its full length
        return None
    return ec_half(curve, int.from_bytes(scalar, "big"))


def _seed(key: bytes) -> bytes:
    """RFC 8410 §7: an OCTET STRING. RFC 9881 §6: a seed, or a SEQUENCE that begins with one."""
    tag, content = next(_parts(key), (0, b""))
    if tag == der.SEQUENCE:
        tag, content = next(_parts(content), (0, b""))
    return content if tag in {_SEED, der.OCTET_STRING} else b""

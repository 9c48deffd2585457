"""Keys in DER, recognized by their structure and not by a label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from portal.core.formats import der
from portal.core.formats.csr import is_request, parse_request
from portal.core.formats.spki import COORDINATE_BYTES, bad_der, ec_key, parse_pkcs1, parse_spki
from portal.core.formats.x509 import parse_certificate
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.not_a_key import refuse_der

Parser = Callable[[bytes], PublicKey]

_CURVE_BY_POINT: Final = {1 + 2 * size: curve for curve, size in COORDINATE_BYTES.items()}


def parser_of(encoded: bytes) -> Parser | None:
    """Return the parser for this DER, or None if its structure is not supported."""
    try:
        tags = [child.tag for child in der.read(encoded).children()]
    except der.NotDer:
        return None
    match tags:
        case [der.SEQUENCE, der.BIT_STRING]:
            return parse_spki
        case [der.INTEGER, der.INTEGER]:
            return parse_pkcs1
        case [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]:
            return parse_request if is_request(encoded) else parse_certificate
    return None


def parse_der(encoded: bytes) -> PublicKey:
    """Return the key of a DER file of any supported kind; raise `Refused`."""
    parse = parser_of(encoded)
    if parse:
        return parse(encoded)
    raise bad_der(encoded) if der.missing(encoded) else refuse_der(encoded)


def is_point(data: bytes) -> bool:
    """Tell whether this may be an uncompressed point of a curve (SEC 1 §2.3.3).

    No private key has one of these lengths. PKCS#11 returns the point in an OCTET STRING.
    """
    return data[:1] == b"\x04" and len(_without_header(data)) in _CURVE_BY_POINT


def parse_point(data: bytes) -> PublicKey:
    """Return the key of a bare point, whose length determines the curve; raise `Refused`."""
    point = _without_header(data)
    return ec_key(_CURVE_BY_POINT[len(point)], point, Container.POINT)


def _without_header(data: bytes) -> bytes:
    """Return the point in an OCTET STRING (PKCS#11, CKA_EC_POINT), or the data without one."""
    try:
        return der.read(data).contents(der.OCTET_STRING)
    except der.NotDer:
        return data

"""The public key of a certificate signing request (PKCS#10, RFC 2986 §4).

Its signature is checked, because a request is signed with its own key. That does not prove
possession: a request is not secret, so anyone may have a copy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from portal.core.formats import der
from portal.core.formats.spki import parse_spki
from portal.core.public_key import Container, PublicKey
from portal.core.reasons import Reason, Refused

_ATTRIBUTES: Final = 0xA0
_SIGNED: Final = (
    "The request is signed by its own key. This does not confirm the key, because anyone can "
    "copy the request."
)
_UNCHECKED: Final = (
    "The signature of the request was not checked: the portal does not support its algorithm."
)


def is_request(encoded: bytes) -> bool:
    """Tell by the structure whether this is a signing request, not a certificate."""
    try:
        fields = der.read(encoded).children(3, 3)[0].children(3, 4)
    except der.NotDer:
        return False
    return [each.tag for each in fields[:3]] == [der.INTEGER, der.SEQUENCE, der.SEQUENCE]


def parse_request(encoded: bytes) -> PublicKey:
    """Return the key of a DER signing request, with a note on its signature; raise `Refused`."""
    try:
        spki = _read(encoded)
    except der.NotDer:
        raise _damaged("is not well-formed") from None
    key = parse_spki(spki, Container.REQUEST)
    if key.kty == "RSA" and (key.bits > 8192 or key.e != 65537):
        return key  # `KeyPolicy` refuses it; verifying with it may take long
    return replace(key, notes=(*key.notes, _note(encoded)))


def _read(encoded: bytes) -> bytes:
    signed, _algorithm, signature = der.read_checked(encoded).children(3, 3)
    version, subject, spki, *attributes = signed.children(3, 4)
    if version.integer() != 0 or any(each.tag != _ATTRIBUTES for each in attributes):
        raise der.NotDer
    subject.contents(der.SEQUENCE)
    signature.bits()
    return spki.encoded


def _note(encoded: bytes) -> str:
    try:
        is_signed = x509.load_der_x509_csr(encoded).is_signature_valid
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return _UNCHECKED
    if not is_signed:
        raise _damaged("is not signed by the key in it")
    return _SIGNED


def _damaged(what: str) -> Refused:
    return Refused(
        Reason.CERTIFICATE_REQUEST,
        found=f"This certificate signing request (CSR) {what}.",
        needed="It may be damaged. Copy the whole file again.",
    )

"""The public key of an X.509 certificate (RFC 5280 §4.1). Nothing else in it is trusted."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from portal.core.algorithms import PUBLIC_HALF
from portal.core.dates import date_text
from portal.core.formats import der
from portal.core.formats.spki import parse_spki
from portal.core.public_key import Container, PublicKey
from portal.core.reasons import Reason, Refused

_VERSION: Final = 0xA0
_V2_V3: Final = (1, 2)
_DATE: Final = re.compile(r"[0-9]{14}Z")


def parse_certificate(encoded: bytes) -> PublicKey:
    """Return the key of a DER certificate, with its validity as a note; raise `Refused`."""
    try:
        spki, note = _read(encoded)
    except (der.NotDer, ValueError):  # ValueError: an invalid date
        raise Refused(
            Reason.BAD_CERTIFICATE,
            found="The block does not contain a well-formed X.509 certificate.",
            needed="Copy the whole certificate again, or enter only its public key.",
            command=PUBLIC_HALF,
        ) from None
    return parse_spki(spki, Container.CERTIFICATE, (note,))


def _read(encoded: bytes) -> tuple[bytes, str]:
    signed, algorithm, signature = der.read_checked(encoded).children(3, 3)
    fields = signed.children(6)
    if fields[0].tag == _VERSION:
        # X.690 §11.5: version 1 is the default, so DER never encodes it.
        if der.read(fields[0].content).integer() not in _V2_V3:
            raise der.NotDer
        fields = signed.children(7)[1:]
    serial, signed_with, issuer, validity, subject, spki = fields[:6]
    serial.integer()
    signature.bits()
    issuer.contents(der.SEQUENCE)
    subject.contents(der.SEQUENCE)
    if algorithm.encoded != signed_with.encoded:  # RFC 5280 §4.1.1.2
        raise der.NotDer
    start, end = map(_date, validity.children(2, 2))
    note = f"The certificate is valid from {start} to {end}. Only its public key is used."
    return spki.encoded, note


def _date(element: der.Element) -> str:
    text = element.content.decode("ascii")
    if element.tag == der.UTC_TIME:
        # RFC 5280 §4.1.2.5.1: 50 to 99 mean 1950 to 1999.
        text = ("19" if text >= "50" else "20") + text
    elif element.tag != der.GENERALIZED_TIME:
        raise der.NotDer
    if not _DATE.fullmatch(text):
        raise der.NotDer
    return date_text(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC))

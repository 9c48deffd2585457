"""PEM: text between a BEGIN and an END line (RFC 7468)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from portal.core.formats import der
from portal.core.formats.csr import parse_request
from portal.core.formats.der_key import Parser, parse_der, parser_of
from portal.core.formats.several import usable
from portal.core.formats.spki import parse_pkcs1, parse_spki
from portal.core.formats.x509 import parse_certificate
from portal.core.public_key import PublicKey
from portal.core.public_key.not_a_key import is_parameters, is_something_else, refuse_label
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url

BEGIN: Final = "-----BEGIN "
END: Final = "-----END "
_DASHES: Final = "-----"
_MAX_BLOCKS: Final = 16
_HEADER: Final = re.compile(r"\s*[A-Za-z][A-Za-z0-9-]{0,60}:")
_TRUSTED: Final = "TRUSTED CERTIFICATE"
_PARSERS: Final[dict[str, Parser]] = {
    "PUBLIC KEY": parse_spki,
    "RSA PUBLIC KEY": parse_pkcs1,
    "CERTIFICATE": parse_certificate,
    "X509 CERTIFICATE": parse_certificate,
    _TRUSTED: parse_certificate,
    "CERTIFICATE REQUEST": parse_request,
    "NEW CERTIFICATE REQUEST": parse_request,
}


def parse_armoured(text: str) -> list[PublicKey]:
    """Return the keys of the PEM blocks in a text with a BEGIN line; raise `Refused`.

    Text around the blocks is allowed (RFC 7468 §2 allows explanatory text before them; openssl,
    keytool and people write it). Inside a block white space is ignored, and base64 must be
    canonical. A block of parameters beside a key is redundant. Of several blocks, those without a
    usable key are skipped if one block has a usable key.
    """
    blocks = list(_blocks(text))
    if len(blocks) > 1:
        blocks = [each for each in blocks if not is_parameters(each[1])] or blocks
    if len(blocks) == 1:
        _place, label, body = blocks[0]
        return [_parse(label, body)]
    return usable(partial(_parse_one_of, *block) for block in blocks)


def _parse_one_of(place: int, label: str, body: str) -> list[PublicKey]:
    return [replace(_parse(label, body), hint=f"block {place}: {label.lower()}")]


def _blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the label and the body of each block."""
    rest, count = text, 0
    while True:
        before, found, rest = rest.partition(BEGIN)
        if END in before:
            raise _incomplete("BEGIN")
        if not found:
            return
        count += 1
        if count > _MAX_BLOCKS:
            raise _too_many()
        label, found, rest = rest.partition(_DASHES)
        if not found or "\n" in label:
            raise _incomplete("BEGIN")
        body, found, rest = rest.partition(END)
        if BEGIN in body:
            raise _incomplete("END")
        end_label, end, rest = rest.partition(_DASHES)
        if not found or not end:
            raise _incomplete("END")
        if end_label != label:
            raise Refused(
                Reason.LABEL_MISMATCH,
                found="The BEGIN and END lines of the block do not match.",
                needed="Copy the whole file again.",
            )
        yield count, label, body


def _parse(label: str, body: str) -> PublicKey:
    expected = _PARSERS.get(label)
    if expected is None and (is_something_else(label) or not label.isascii()):
        raise refuse_label(label)
    if _HEADER.match(body):
        raise Refused(
            Reason.BAD_BASE64,
            found="This block has header lines, such as Proc-Type or Comment (RFC 1421), which "
            "public keys do not have (RFC 7468 §2).",
            needed="Remove the lines from the BEGIN line to the empty line.",
        )
    encoded = base64url.decode("".join(body.split()))
    if encoded and label == _TRUSTED:
        encoded = _without_trust(encoded)
    if expected is None and not (encoded and parser_of(encoded)):
        raise refuse_label(label)
    if not encoded:
        raise Refused(
            Reason.BAD_BASE64,
            found="The text between the BEGIN and END lines is not base64.",
            needed="Copy the whole file again, unchanged.",
        )
    if expected:
        try:
            return expected(encoded)
        except Refused:
            # The structure is examined only after a failure, so that a good key is parsed once.
            if parser_of(encoded) in {None, expected}:
                raise
    return replace(parse_der(encoded), layers=("a block with the label of something else",))


def _without_trust(encoded: bytes) -> bytes:
    """Return the certificate without the trust settings of `openssl x509 -trustout`."""
    try:
        certificate, *_settings = der.read_all(encoded)
    except (der.NotDer, ValueError):
        return encoded
    return certificate.encoded


def _incomplete(line: str) -> Refused:
    return Refused(
        Reason.INCOMPLETE_BLOCK,
        found=f"The block is incomplete: its {line} line is missing or truncated.",
        needed="Copy the whole file, from the first to the last dash.",
    )


def _too_many() -> Refused:
    return Refused(
        Reason.SEVERAL_BLOCKS,
        found=f"This contains more than {_MAX_BLOCKS} blocks.",
        needed="Enter one public key at a time.",
    )

"""The texts and digests that a program may have signed instead of the signing input."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from portal.core.strict import base64url

_PADDED: Final = (
    "The signed text has base64 padding (=), the assertion has none. Remove the padding before you "
    "sign."
)
_BASE64: Final = (
    "The signed text is base64, the assertion is base64url. Encode the header and claims as "
    "base64url before you sign."
)
_BREAK: Final = "A line break was signed after the claims. Use printf instead of echo."
_JSON: Final = (
    "The JSON of the header and claims was signed. Sign them as base64url, with a dot between them."
)
_CLAIMS: Final = "Only the claims were signed. Sign header.claims, both in base64url."
_DOT: Final = "A dot was signed after the claims. Sign header.claims."
_UTF16: Final = "The signed text is UTF-16. Convert header.claims to ASCII bytes before you sign."
_TWICE: Final = (
    "The text was hashed twice. Sign the text, not its digest: the signing function hashes it."
)
_HEXADECIMAL: Final = (
    "The digest in hexadecimal was signed. Sign the text itself: the signing function hashes it."
)


def texts(signing_input: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield texts, each with its fault: first the signing input, without one (RFC 7515 §5.1)."""
    yield "", signing_input
    header, claims = signing_input.split(b".")
    raw = [base64url.decode_url(part) or b"" for part in (header, claims)]
    plain = [b64encode(part) for part in raw]
    seen = {signing_input}
    for what, text in (
        (_BREAK, signing_input + b"\n"),
        (_BREAK, signing_input + b"\r\n"),
        (_PADDED, b".".join(part + b"=" * (-len(part) % 4) for part in (header, claims))),
        (_BASE64, b".".join(plain)),
        (_BASE64, b".".join(part.rstrip(b"=") for part in plain)),
        (_JSON, b".".join(raw)),
        (_CLAIMS, claims),
        (_CLAIMS, raw[1]),
        (_DOT, signing_input + b"."),
        (_UTF16, signing_input.decode("ascii").encode("utf-16-le")),
    ):
        if text not in seen:
            seen.add(text)
            yield what, text


def digests(text: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield digests of a text, each with its fault: first the right one, without one."""
    digest = hashlib.new(name, text).digest()
    yield "", digest
    yield _TWICE, hashlib.new(name, digest).digest()
    yield _HEXADECIMAL, hashlib.new(name, digest.hex().encode()).digest()

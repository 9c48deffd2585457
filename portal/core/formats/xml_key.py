"""Keys in XML: RSA keys as .NET writes them, and the key information of XML signatures.

RSAKeyValue and X509Certificate of XML-DSig §4.5, ECKeyValue of XML-DSig 1.1 §4.5.2.3. No XML parser
is used, because only these elements matter; the pattern takes each character once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Final

from portal.core.formats.der_key import is_point, parse_der, parse_point
from portal.core.formats.several import usable
from portal.core.formats.spki import rsa_key
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.not_a_key import refuse_text
from portal.core.strict import base64url

_ELEMENT: Final = re.compile(
    r"<(?:[A-Za-z0-9_.-]{1,20}:)?(Modulus|Exponent|X509Certificate|PublicKey)>"
    r"([A-Za-z0-9+/=\s]*)</"
)
_MAX_ELEMENTS: Final = 32


def looks_like_xml(text: str) -> bool:
    """Tell whether the text contains XML with a key."""
    return "</" in text and _ELEMENT.search(text) is not None


def parse_xml(text: str) -> list[PublicKey]:
    """Return the keys in XML; raise `Refused`."""
    return usable(partial(_parse, name, data) for name, data in _values(text)) or _no_key(text)


def _no_key(text: str) -> list[PublicKey]:
    raise refuse_text(text)


def _values(text: str) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Yield each element with a key; the two elements of an RSA key come together."""
    numbers: dict[str, bytes] = {}
    for match in islice(_ELEMENT.finditer(text), _MAX_ELEMENTS):
        name, data = match[1], base64url.decode("".join(match[2].split())) or b""
        if name not in {"Modulus", "Exponent"}:
            yield name, (data,)
            continue
        numbers[name] = data
        if len(numbers) == 2:  # in either order
            yield "RSAKeyValue", (numbers["Modulus"], numbers["Exponent"])
            numbers.clear()


def _parse(name: str, data: tuple[bytes, ...]) -> list[PublicKey]:
    if name == "RSAKeyValue":
        # XML-DSig §4.5.2.2 forbids leading zeros, but some programs write one.
        n, e = (int.from_bytes(each, "big") for each in data)
        return [rsa_key(n, e, Container.XML)]
    parse = parse_point if name == "PublicKey" and is_point(data[0]) else parse_der
    return [replace(parse(data[0]), layers=(f"XML ({name})",))]

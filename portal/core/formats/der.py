"""A strict reader and a small writer for DER (ITU-T X.690 §10): one value, one encoding.

`cryptography` is lenient in places (a second block, dropped parameters), so this reader checks
first. It accepts only single-byte tags and definite, minimal lengths; anything else is not DER.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30

MAX_DEPTH: Final = 16
"""How deep elements may nest: a certificate has eight levels (RFC 5280)."""

_CONSTRUCTED: Final = 0x20


class NotDer(Exception):  # noqa: N818 - it says what the bytes are, as `Refused` does
    """The bytes are not the expected DER. The exception carries no content on purpose."""


@dataclass(frozen=True, slots=True)
class Element:
    """A tag-length-value triple; `encoded` is the whole triple, `content` only the value."""

    tag: int
    content: bytes
    encoded: bytes

    def children(self, least: int = 0, most: int | None = None) -> list[Element]:
        """Return the elements of a SEQUENCE, `least` to `most` of them; raise `NotDer`."""
        children = read_all(self.contents(SEQUENCE))
        if len(children) < least or (most is not None and len(children) > most):
            raise NotDer
        return children

    def contents(self, tag: int) -> bytes:
        """Return the content of an element with this tag; raise `NotDer` for another tag."""
        if self.tag != tag:
            raise NotDer
        return self.content

    def integer(self) -> int:
        """Return the value of an INTEGER in its shortest form (X.690 §8.3.2); raise `NotDer`."""
        content = self.contents(INTEGER)
        if not content:
            raise NotDer
        if len(content) > 1 and content[0] in {0x00, 0xFF} and content[0] >> 7 == content[1] >> 7:
            raise NotDer
        return int.from_bytes(content, "big", signed=True)

    def bits(self) -> bytes:
        """Return the bytes of a BIT STRING that has no unused bits; raise `NotDer`."""
        content = self.contents(BIT_STRING)
        if content[:1] != b"\x00":
            raise NotDer
        return content[1:]


def read(data: bytes) -> Element:
    """Read exactly one element that fills the data; raise `NotDer` for anything else."""
    element, end = _read_at(data, 0)
    if end != len(data):
        raise NotDer
    return element


def missing(data: bytes) -> int | None:
    """Return how many bytes a SEQUENCE lacks at its end; negative for extra bytes.

    None if the data does not begin with a SEQUENCE.
    """
    if len(data) < 2 or data[0] != SEQUENCE:
        return None
    size = data[1] & 0x7F if data[1] > 0x80 else 0
    length = int.from_bytes(data[2 : 2 + size], "big") if size else data[1]
    return 2 + size + length - len(data) if size <= 3 and data[1] != 0x80 else None


def read_all(data: bytes) -> list[Element]:
    """Read elements to the end of the data; raise `NotDer` if they do not fill it exactly."""
    elements = []
    at = 0
    while at < len(data):
        element, at = _read_at(data, at)
        elements.append(element)
    return elements


def _read_at(data: bytes, start: int) -> tuple[Element, int]:
    if start + 2 > len(data):
        raise NotDer
    tag, length, at = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:  # a tag of several bytes: no key structure has one
        raise NotDer
    if length >= 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[at : at + size], "big")
        # X.690 §10.1: definite and minimal. Three bytes are more than any accepted input needs.
        if not 1 <= size <= 3 or at + size > len(data) or length < max(0x80, 1 << 8 * (size - 1)):
            raise NotDer
        at += size
    end = at + length
    if end > len(data):
        raise NotDer
    return Element(tag, data[at:end], data[start:end]), end


def read_checked(data: bytes) -> Element:
    """Return the data as one element; raise `NotDer` unless everything inside is DER too.

    Does not read the content of strings. Accepts at most `MAX_DEPTH` nested elements.
    """
    element = read(data)
    level = [element]
    for _ in range(MAX_DEPTH):
        constructed = (each for each in level if each.tag & _CONSTRUCTED)
        level = [child for each in constructed for child in read_all(each.content)]
    if level:
        raise NotDer
    return element


def encode(tag: int, *parts: bytes) -> bytes:
    """Return the element with this tag and the concatenated parts as content."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def encode_integer(value: int) -> bytes:
    """Return a non-negative number as an INTEGER."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))

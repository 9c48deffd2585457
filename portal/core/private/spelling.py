"""Bytes written as text: in base64, in hexadecimal digits, or as a list of numbers.

The result is a guess, and lenient on purpose: the caller judges the bytes. Each pattern takes each
character once, so that the cost of a hostile text is linear in its length.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

HEAD_BYTES: Final = 96
"""How many bytes at the beginning are enough to recognize a container."""

_MAX_HEADS: Final = 1000
"""How many beginnings in a text are decoded: only a hostile text has more."""

_MAX_WORD: Final = 2500
"""8192 bits are 2,467 decimal digits, and Python converts no more than 4,300."""

_LETTER: Final = "[A-Za-z0-9+/_]"
_REST: Final = r"[0-9A-Fa-f][\s:,;]{0,3}(?:0x|\\x)?"
_PAIR: Final = f"[0-9A-Fa-f]{_REST}"
_NUMBER: Final = r"-?[0-9]{1,3}\s*,\s*"

_WORD: Final = re.compile(r"[A-Za-z0-9+/_-]{43,}")  # 32 bytes or more
_ELEMENT: Final = re.compile(r">([A-Za-z0-9+/=\s]{43,})<")
_HEX_WORD: Final = re.compile(r"(?:0x)?[0-9A-Fa-f]{64,}")
_NO_DIGITS: Final = dict.fromkeys(map(ord, " \t\r\n\v\f:,;\\x"))


@dataclass(frozen=True, slots=True)
class _Spelling:
    """`start` finds where bytes begin and `body` matches all; `width` characters hold the head."""

    start: re.Pattern[str]
    body: re.Pattern[str]
    width: int
    decode: Callable[[str], bytes]

    def bodies(self, text: str, is_wanted: Callable[[bytes], bool]) -> Iterator[bytes]:
        end = 0
        unwanted: set[str] = set()
        for _ in range(_MAX_HEADS):
            found = self.start.search(text, end)
            if not found:
                break
            at, end = found.span()
            head = self._match(text, at, at + self.width)
            if head in unwanted:  # many heads are alike only where they are to take long
                continue
            if is_wanted(self.decode(head)[:HEAD_BYTES]):
                body = self._match(text, at, len(text))
                yield self.decode(body)
                end = max(end, at + len(body))
            else:
                unwanted.add(head)

    def _match(self, text: str, at: int, end: int) -> str:
        match = self.body.match(text, at, end)
        return match[0] if match else ""


def base64(text: str) -> bytes:
    """Return the bytes of base64 or base64url, up to where the encoding ends."""
    letters = "".join(text.split()).replace("-", "+").replace("_", "/")
    if len(letters) % 4 == 1:  # a single letter encodes no byte
        letters = letters[:-1]
    return a2b_base64(letters + "==")


def hexadecimal(text: str) -> bytes:
    """Return the bytes of hexadecimal digits, also of `30:82`, `0x30, 0x82` and `\\x30\\x82`."""
    return bytes.fromhex(text.replace("0x", "").translate(_NO_DIGITS))


def _numbers(text: str) -> bytes:
    """Return the bytes of a list such as `[48, 130]`; Java writes the second of these as -126."""
    return bytes(int(number) & 0xFF for number in re.findall("-?[0-9]{1,3}", text))


_BASE64: Final = _Spelling(
    # A run of letters, or the first four letters of a DER SEQUENCE, whose lines may be short.
    start=re.compile(
        rf"{_LETTER}(?<!{_LETTER}{{2}})"
        rf"(?:(?=[A-Za-z0-9+/_-]{{23}})|(?<=M)(?:[A-H]\s*{_LETTER}\s*[Cw]|I))"
    ),
    # Up to the dashes of an END line; in base64url one dash is a letter.
    body=re.compile(r"[A-Za-z0-9+/_\s]*(?:-(?!----)[A-Za-z0-9+/_\s]*)*"),
    width=160,
    decode=base64,
)
_HEXADECIMAL: Final = _Spelling(
    start=re.compile(rf"[0-9A-Fa-f](?<![0-9A-Fa-f]{{2}})(?={_REST}(?:{_PAIR}){{23}})"),
    body=re.compile(rf"(?:{_PAIR})*"),
    width=6 * HEAD_BYTES,
    decode=hexadecimal,
)
_LIST: Final = _Spelling(
    start=re.compile(rf"[\[({{]\s*(?:{_NUMBER}){{31}}"),
    body=re.compile(r".[-0-9,\s]*", re.DOTALL),
    width=6 * HEAD_BYTES,
    decode=_numbers,
)


def bodies(text: str, is_wanted: Callable[[bytes], bool]) -> Iterator[bytes]:
    """Yield each run of bytes in the text; base64 only if `is_wanted` accepts its beginning.

    Any long word may be base64, so there are too many candidates.
    """
    yield from _BASE64.bodies(text, is_wanted)
    yield from _HEXADECIMAL.bodies(text, bool)
    yield from _LIST.bodies(text, bool)


def words(text: str) -> Iterator[bytes]:
    """Yield the values that each word of the text and each XML element may encode.

    A value has at least the length of a 32-byte private key, at most that of an 8192-bit modulus.
    """
    for match in chain(_WORD.finditer(text), _ELEMENT.finditer(text)):
        word = match[match.lastindex or 0]
        if len(word) > _MAX_WORD:
            continue
        if len(word) >= 64 and word.isdecimal():
            yield int(word).to_bytes(_MAX_WORD // 2, "big").lstrip(b"\0")
        elif _HEX_WORD.fullmatch(word):
            digits = word.removeprefix("0x")
            yield hexadecimal("0" * (len(digits) % 2) + digits)
        else:
            yield base64(word.rstrip("= \r\n\t"))

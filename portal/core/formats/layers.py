"""Removes what surrounds a key in files and mails: quotes, base64, hexadecimal, reply prefixes.

Each layer is a function that removes one such encoding from a text, or returns None if there is
none. A layer may guess, because its output is searched for private keys and then parsed as strictly
as an input of its own. Each pattern takes each character once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from portal.core.formats import der, openssh
from portal.core.formats.der_key import is_point
from portal.core.private.spelling import hexadecimal
from portal.core.strict import base64url

MAX_LAYERS: Final = 6
"""How many nested layers are removed: no real key has more."""

MAX_UNDONE_BYTES: Final = 10 * 1024
"""How much all layers together may produce: each output is searched for private keys."""

Content = str | bytes

_SEQUENCE: Final = 0x30
_LEAST_DER: Final = 40
_LEAST_TEXT: Final = 24
"""This many random bytes are never valid text."""

_CONTROL: Final = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Layer:
    """The description of a removed encoding, and the content."""

    name: str
    content: Content


def undo(text: str) -> Layer | None:
    """Return the outermost layer of a text, or None if there is no known layer."""
    for name, inside in _LAYERS:
        content = inside(text)
        if content and content != text:
            return Layer(name, content)
    return None


def decode(data: bytes) -> Layer | str | None:
    """Return the text in these bytes, as a layer if it is not UTF-8; None if it is not text."""
    if data.startswith(_UTF16) or (len(data) > 1 and 0 in data[:2]):
        return _utf16(data)
    if _CONTROL.search(data):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # The text around a block may be in Windows code page 1252; the block itself is ASCII.
        text = data.decode("cp1252", "replace")
        return Layer("text that is not UTF-8", text) if "BEGIN " in text else None


def _utf16(data: bytes) -> Layer | None:
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-16-be" if data[0] == 0 else "utf-16-le"
    try:
        return Layer("UTF-16", data.decode(encoding))
    except UnicodeDecodeError:
        return None


def is_known(data: bytes) -> bool:
    """Tell from their beginning whether these bytes are a known container of a key."""
    return (
        (data[:1] == bytes((_SEQUENCE,)) and len(data) >= _LEAST_DER and data[1] != 0)
        or openssh.looks_like_blob(data)
        or is_point(data)
        or (data.startswith(_UTF16) and len(data) >= _LEAST_TEXT)
        or (len(data) >= _LEAST_TEXT and _is_text(data))
    )


def _is_text(data: bytes) -> bool:
    if _CONTROL.search(data):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --- Invisible characters, and characters that look like the right ones ---------------------------

_SPACES: Final = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE: Final = re.compile(
    f"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff{_SPACES}]"
)
_SPACE: Final = re.compile(f"[{_SPACES}]")
_LONG_DASHES: Final = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
_DASHES: Final = re.compile(f"[-{_LONG_DASHES}]+")
_LONG_DASH: Final = re.compile(f"[{_LONG_DASHES}]")


def _invisible(text: str) -> str | None:
    if not _INVISIBLE.search(text):
        return None
    return _INVISIBLE.sub("", _SPACE.sub(" ", text))


def _dashes(text: str) -> str | None:
    if not _LONG_DASH.search(text) or "BEGIN" not in text:
        return None
    return _DASHES.sub(lambda run: "-" if run[0] == "-" else "-----", text)


# --- Prefixes of lines, and quotes around a string of a program -----------------------------------

_MARK: Final = re.compile(
    r"[ \t]*([>#|*;%][>#|*;% \t]*|[+]|//+[ \t]*|--[ \t]+)(?=-----BEGIN |[A-Za-z0-9{\"'“`])"
)
_QUOTE_BEFORE: Final = re.compile(r"^[ \t+.&]*[\"'`]", re.MULTILINE)
_QUOTE_AFTER: Final = re.compile(r"[\"'`][ \t]*[+.,;\\)&_]*[ \t]*\r?$", re.MULTILINE)
_ESCAPE: Final = re.compile(r"\\(u00[0-9A-Fa-f]{2}|x[0-9A-Fa-f]{2}|\r?\n|.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "r": "", "t": " ", "\n": "", "\r\n": ""}


def _line_marks(text: str) -> str | None:
    """Remove the mark that a mail, a comment or a diff puts before each line."""
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if "BEGIN " in line), 0)
    found = _MARK.match(lines[first]) if lines else None
    if found is None:
        return None
    mark = "".join(found[0].split())
    return "\n".join(_without(mark, line) for line in lines)


def _without(mark: str, line: str) -> str:
    """Remove a mark from a line, with or without the spaces of the mark."""
    for letter in mark:
        line = line.lstrip(" \t").removeprefix(letter)
    return line.strip()


def _strings(text: str) -> str | None:
    """Remove the quotes from a string that is split into several literals."""
    if "\n" not in text or not _QUOTE_BEFORE.search(text):
        return None
    start = max(text.find("-----BEGIN "), 0)
    start = text.rfind("\n", 0, start) + 1
    return _QUOTE_BEFORE.sub("", _QUOTE_AFTER.sub("", text[start:]))


def _escapes(text: str) -> str | None:
    """Undo the escapes of a string; a string that is escaped twice has two such layers."""
    if "\\" not in text or (text[0] in "{[" and text[1:2] != "\\"):
        return None

    def written_out(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 2:
            return chr(int(code[1:], 16))
        return _ESCAPED.get(code, code)

    return _ESCAPE.sub(written_out, text)


_AROUND: Final = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "\u2018": "\u2019"}
_PREFIX: Final = re.compile(
    r"(?:export |set |const |let |var |- |\$env:|\$)?[ \t]*"
    r"[\"']?[A-Za-z_][A-Za-z0-9_.-]{0,60}[\"']?[ \t]*(?::=|=>|[:=])[ \t]*\r?\n?[ \t]*(?!//)"
)


def _quotes(text: str) -> str | None:
    text = text.rstrip(" \t\r\n,;")
    end = _AROUND.get(text[:1])
    if end is None:
        return None
    return text[1:].removesuffix(end).strip()


def _assignment(text: str) -> str | None:
    """Remove the name before a value, as in `PUBLIC_KEY=…`, `key: …` or `const key = …`."""
    found = _PREFIX.match(text)
    rest = text[found.end() :] if found else ""
    return rest if rest[:1] in _AROUND or _may_be_encoded(rest) else None


# --- Encodings of a whole text --------------------------------------------------------------------

_PERCENT: Final = re.compile(r"%(?:0[AD]|2[05BF]|3D)", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,5}|#x[0-9A-Fa-f]{1,4}|lt|gt|quot|amp|nbsp|apos);")
_FENCE: Final = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_DATA_URI: Final = re.compile(r"data:[A-Za-z0-9/+.;=-]{0,100};base64,")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_HEXADECIMAL: Final = re.compile(r"(?:0x|\\x|[Xx]')?(?:[0-9A-Fa-f]{2}[\s:,]*(?:0x|\\x)?)+'?")
# The text on the right of the bytes stands after two spaces, and in hexdump -C after a bar.
_DUMPED: Final = re.compile(
    r"\s{0,20}[0-9A-Fa-f]{6,16}:?[ \t]{1,4}"
    r"((?:[0-9A-Fa-f]{2}){1,16}(?:  ?(?:[0-9A-Fa-f]{2}){1,16}(?!\S))*)"
)
_ROW: Final = 32
"""How many hexadecimal digits a line of a dump has."""
_DECIMAL: Final = re.compile(r"[\[({]?\s*(?:-?[0-9]{1,3}[\s,]+){31,}-?[0-9]{1,3}\s*[\])}]?")


def _percent(text: str) -> str | None:
    if not _PERCENT.search(text):
        return None
    if "BEGIN+" in text:  # as a form writes a space
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode("utf-8", "replace")


def _entities(text: str) -> str | None:
    return html.unescape(text) if _ENTITY.search(text) else None


def _fences(text: str) -> str | None:
    return _FENCE.sub("", text).strip() if "```" in text or "~~~" in text else None


def _data_uri(text: str) -> str | None:
    found = _DATA_URI.match(text)
    return text[found.end() :] if found else None


def base64(text: str) -> bytes | None:
    """Return the bytes of base64 or base64url, with or without lines and padding, if known."""
    word = "".join(text.split())
    if not _BASE64.fullmatch(word):
        return None
    # Padding is optional, but the unused bits of the last character must be zero.
    data = base64url.decode_url(word.rstrip("=").replace("+", "-").replace("/", "_"))
    return data if data and is_known(data) else None


def _hexadecimal(text: str) -> bytes | None:
    if not _HEXADECIMAL.fullmatch(text):
        return None
    data = hexadecimal(text.strip("Xx'"))
    return data if is_known(data) else None


def _hexadecimal_dump(text: str) -> bytes | None:
    """Return the bytes that xxd, hexdump -C or od print, with an address before each line."""
    lines = [_DUMPED.match(line) for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(lines[:-1]):
        return None
    rows = (match[1].replace(" ", "")[:_ROW] for match in lines if match)
    data = hexadecimal("".join(rows))
    return data if is_known(data) else None


def _decimal(text: str) -> bytes | None:
    if not _DECIMAL.fullmatch(text):
        return None
    data = bytes(int(number) & 0xFF for number in re.findall(r"-?[0-9]{1,3}", text))
    return data if is_known(data) else None


def _may_be_encoded(text: str) -> bool:
    return bool(base64(text) or _hexadecimal(text) or text[:1] in {"{", "<", "["})


# --- Objects of other languages, and a word in a text ---------------------------------------------

_NAME: Final = re.compile(r"([{,]\s*)([A-Za-z_][A-Za-z0-9_]{0,40})\s*:")
_CONCATENATION: Final = re.compile(r"'\s*\+\s*'")
_CONSTANTS: Final = {"None": "null", "undefined": "null", "True": "true", "False": "false"}
_CONSTANT: Final = re.compile(r"\b(None|undefined|True|False)\b")
_LAST_COMMA: Final = re.compile(r",(?=\s{0,99}[}\]])")


def _literal(text: str) -> str | None:
    """Convert an object of JavaScript or Python to JSON."""
    text = text.rstrip(" \t\r\n;,")
    if text[:1] not in {"{", "["} or text[-1:] not in {"}", "]"} or "\\" in text:
        return None
    plain = text
    if '"' not in text:
        plain = _CONCATENATION.sub("", text).replace("'", '"')
    plain = _NAME.sub(r'\1"\2":', _LAST_COMMA.sub("", plain))
    return _CONSTANT.sub(lambda match: _CONSTANTS[match[1]], plain)


def _word(text: str) -> bytes | None:
    """Return the bytes of the one word in the text that is base64 of a known container."""
    words = {word.strip("\"',;") for word in text.split() if len(word) >= _LEAST_DER}
    known = [data for word in words if (data := base64(word)) and _is_whole(data)]
    return known[0] if len(known) == 1 else None


def _is_whole(data: bytes) -> bool:
    return (
        der.missing(data) == 0 or openssh.looks_like_blob(data) or data.startswith(b"-----BEGIN ")
    )


_LAYERS: Final[tuple[tuple[str, Callable[[str], Content | None]], ...]] = (
    ("invisible characters", _invisible),
    ("typographic dashes", _dashes),
    ("hexadecimal digits", _hexadecimal),
    ("a hex dump", _hexadecimal_dump),
    ("a list of numbers", _decimal),
    ("base64", base64),
    ("a data URL", _data_uri),
    ("percent-encoding", _percent),
    ("HTML", _entities),
    ("a Markdown code block", _fences),
    ("strings of a program", _strings),
    ("line breaks written as \\n", _escapes),
    ("marks before each line", _line_marks),
    ("quotes", _quotes),
    ("a named value", _assignment),
    ("an object of JavaScript or Python", _literal),
    ("other words", _word),
)
"""Every layer with its name, in the order of the attempts."""

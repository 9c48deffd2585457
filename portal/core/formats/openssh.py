"""OpenSSH public key lines: `ssh-rsa AAAA… comment` (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4).

Also the same bytes between the BEGIN and END lines of RFC 4716, or alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from portal.core.algorithms import OPENSSH_PUBLIC_HALF
from portal.core.formats.spki import ec_key, raw_key, rsa_key
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.unsupported import NEW_KEY, unsupported_kind
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url

CURVES: Final = {"nistp256": "P-256", "nistp384": "P-384", "nistp521": "P-521"}
ECDSA: Final = "ecdsa-sha2-"
SSH2_BEGIN: Final = "---- BEGIN SSH2 PUBLIC KEY"
_SSH2_END: Final = "---- END SSH2 PUBLIC KEY"
_TYPE: Final = re.compile(r"(?<!\S)(?:ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)[a-z0-9@.-]{0,60}(?!\S)")
_BLOB: Final = re.compile(rb"\0\0\0[\5-\x40](?:ssh-|ecdsa-sha2-|sk-)")
_MAX_LINES: Final = 16
_MAX_PIECES: Final = 64
_MAX_FIELDS: Final = 4
"""One more than the fields of a key."""

WRAPPED: Final = "a line that was wrapped"
MISLABELLED: Final = "a line with the type of another key"
AMONG_OTHERS: Final = "a line of authorized_keys or known_hosts"


def looks_like_openssh(text: str) -> bool:
    """Tell whether the text contains an OpenSSH public key line, or the beginning of one."""
    found = _TYPE.search(text)
    return bool(found and (found.start() == 0 or text[found.end() :].lstrip().startswith("AAAA")))


def looks_like_blob(data: bytes) -> bool:
    """Tell whether the data begins like the bytes of such a line."""
    return _BLOB.match(data) is not None


def parse_openssh(text: str) -> list[PublicKey]:
    """Return the keys of the OpenSSH public key lines in a text; raise `Refused`.

    A line may be wrapped, because its bytes state their length. It may begin with options or host
    names.
    """
    lines = [each for each in text.splitlines() if each.strip() and each.lstrip()[:1] != "#"]
    entries = list(_entries(lines))
    if len(entries) > _MAX_LINES:
        raise Refused(
            Reason.SEVERAL_BLOCKS,
            found=f"This contains more than {_MAX_LINES} lines.",
            needed="Enter one public key at a time: a single line.",
        )
    if len(entries) == 1:
        return [_parse_entry(entries[0])]
    return [
        replace(_parse_entry(each), hint=f"line {place}") for place, each in enumerate(entries, 1)
    ]


def _entries(lines: list[str]) -> Iterator[list[str]]:
    """Yield the words of each line, with the words of its continuation lines."""
    entry: list[str] = []
    for line in lines:
        if entry and _TYPE.search(line):
            yield entry
            entry = []
        entry += line.split()
    yield entry


def _parse_entry(words: list[str]) -> PublicKey:
    place = next((at for at, word in enumerate(words) if _TYPE.fullmatch(word)), None)
    if place is None:
        raise _bad()
    kind, *rest = words[place:]
    if kind.startswith("sk-"):
        raise Refused(
            Reason.KEY_TYPE_UNSUPPORTED,
            found="This key is on a security key (its type starts with sk-).",
            needed="Its signature format does not work in a JWT. Create a new key.",
            command=NEW_KEY,
        )
    if "-cert-v01@" in kind:
        raise unsupported_kind("OpenSSH certificate")
    if kind == "ssh-dss":
        raise unsupported_kind("DSA")
    blob, pieces = _gathered(rest)
    key = parse_blob(blob)
    is_mislabelled = not blob[4:].startswith(kind.encode())
    layers = (
        (AMONG_OTHERS,) * (place > 0) + (WRAPPED,) * (pieces > 1) + (MISLABELLED,) * is_mislabelled
    )
    return replace(key, layers=layers)


def _gathered(words: list[str]) -> tuple[bytes, int]:
    """Return the bytes of the first words that form a complete key, and the number of words."""
    text = ""
    for count, word in enumerate(words[:_MAX_PIECES], 1):
        text += word
        blob = base64url.decode(text)
        if blob is not None and _is_whole(blob):
            return blob, count
    raise _bad()


def _is_whole(blob: bytes) -> bool:
    try:
        fields = _fields(blob)
    except Refused:
        return False
    kind, *rest = fields or [b""]
    return len(rest) >= (1 if kind.startswith(b"ssh-ed") else 2)


def parse_ssh2(text: str) -> PublicKey:
    """Return the key of a text in the format of RFC 4716; raise `Refused`."""
    _before, _begin, rest = text.partition(SSH2_BEGIN)
    body, found, _rest = rest.partition(_SSH2_END)
    if not found:
        raise _bad()
    letters, is_header = "", False
    for line in body.splitlines()[1:]:
        # §3.3: a header has a colon, and continues after a line that ends with a backslash.
        if not is_header and ":" not in line:
            letters += line.strip()
        is_header = line.endswith("\\") and (is_header or ":" in line)
    return parse_blob(base64url.decode(letters) or b"")


def parse_blob(blob: bytes) -> PublicKey:
    """Return the key of the bytes in an OpenSSH line; raise `Refused`."""
    fields = _fields(blob)
    if not fields:
        raise _bad()
    return _key(fields[0].decode("latin-1"), fields[1:])


def _key(kind: str, fields: list[bytes]) -> PublicKey:
    match kind, fields:
        case "ssh-rsa", [e, n]:
            return rsa_key(_mpint(n), _mpint(e), Container.OPENSSH)
        case "ssh-ed25519", [raw]:
            return raw_key("Ed25519", raw, Container.OPENSSH)
        case "ssh-ed448", [raw]:
            return raw_key("Ed448", raw, Container.OPENSSH)
        case "ssh-dss", _:
            raise unsupported_kind("DSA")
        case _, [name, point]:
            curve = kind.removeprefix(ECDSA)
            if curve in CURVES and name == curve.encode():
                return ec_key(CURVES[curve], point, Container.OPENSSH)
    raise _bad()


def _fields(blob: bytes) -> list[bytes]:
    fields: list[bytes] = []
    at = 0
    while at < len(blob):
        end = at + 4 + int.from_bytes(blob[at : at + 4], "big")
        if end > len(blob) or len(fields) == _MAX_FIELDS:
            raise _bad()
        fields.append(blob[at + 4 : end])
        at = end
    return fields


def _mpint(data: bytes) -> int:
    value = int.from_bytes(data, "big", signed=True)
    # RFC 4251 §5: no unnecessary leading bytes.
    if value < 1 or len(data) != value.bit_length() // 8 + 1:
        raise _bad()
    return value


def _bad() -> Refused:
    return Refused(
        Reason.BAD_OPENSSH_KEY,
        found="This looks like an OpenSSH public key, but is incomplete.",
        needed="Copy the line again, or write it again from your private key.",
        command=OPENSSH_PUBLIC_HALF,
    )

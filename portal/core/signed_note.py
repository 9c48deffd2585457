"""Signed notes (C2SP signed-note) and checkpoints of a log, which are such notes (tlog-checkpoint).

https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint, with Ed25519 signatures.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from portal.core.strict import base64url

_ED25519: Final = b"\x01"
"""The signature type of Ed25519 (signed-note, "Signature types")."""
_ID_BYTES: Final = 4
_ROOT_BYTES: Final = 32
_MAX_BYTES: Final = 65536
"""The longest note that is read: it fits many signatures, and bounds the work of parsing."""
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE: Final = re.compile(r"\u2014 (?P<name>[^\s+]+) (?P<value>[A-Za-z0-9+/]+=*)")


class NotANote(ValueError):  # noqa: N818 - it says what the text is
    """The text is not a signed note or a checkpoint; the message says why."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key that signs notes: its name, and its 32 bytes (RFC 8032 §5.1.5)."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that distinguish this key from others of its name."""
        named = self.name.encode() + b"\n" + _ED25519 + self.public
        return hashlib.sha256(named).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """The key in the format of tools for signed notes: name, id and key, joined with "+"."""
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.public)}"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Return whether this is the key's signature of the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Note:
    """A signed note: its text, and for each signature the name and id of the key and the bytes."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, note: bytes) -> Note:
        """Parse a note without verifying its signatures. Raises `NotANote`."""
        if len(note) > _MAX_BYTES:
            raise NotANote(f"It has more than {_MAX_BYTES} bytes.")
        try:
            text, divided, lines = note.decode().rpartition("\n\n")
        except UnicodeDecodeError:
            raise NotANote("It is not UTF-8.") from None
        if not divided or not text or not lines.endswith("\n"):
            raise NotANote("It is not a text, an empty line and lines of signatures.")
        if re.search(r"[\x00-\x09\x0b-\x1f]", text):
            raise NotANote("It has a control character.")
        return cls(f"{text}\n", tuple(_signature(line) for line in lines[:-1].split("\n")))

    def is_signed_by(self, keys: Iterable[NoteKey]) -> bool:
        """Return whether one of the keys signed the note.

        Signatures of other keys are ignored. A wrong signature with the name and id of one of the
        keys makes the whole note invalid (signed-note, "Signatures").
        """
        known = {(key.name, key.id): key for key in keys}
        verified = [
            known[name, key_id].verifies(self.text, signature)
            for name, key_id, signature in self.signatures
            if (name, key_id) in known
        ]
        return bool(verified) and all(verified)


def sign_note(text: str, key: NoteKey, sign: Callable[[bytes], bytes]) -> bytes:
    """Return the text as a note with one signature; `sign` signs with the private key of `key`."""
    signature = _base64(key.id + sign(text.encode()))
    return f"{text}\n\u2014 {key.name} {signature}\n".encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its origin (a name), its number of leaves, and its root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text of the note."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Parse the text of a note; lines after the third are ignored. Raises `NotANote`."""
        origin, *rest = text.removesuffix("\n").split("\n")
        if not origin or len(rest) < 2 or not all(rest):
            raise NotANote("A checkpoint has three lines or more: origin, size and root.")
        size, root = rest[0], base64url.decode(rest[1])
        if not _SIZE.fullmatch(size):
            raise NotANote(f"Its size is {size[:20]!r}, which is not a number.")
        if root is None or len(root) != _ROOT_BYTES:
            raise NotANote(f"Its root is not {_ROOT_BYTES} bytes in base64.")
        return cls(origin, int(size), root)


def _signature(line: str) -> tuple[str, bytes, bytes]:
    found = _SIGNATURE.fullmatch(line)
    value = base64url.decode(found["value"]) if found else None
    if not found or value is None or len(value) <= _ID_BYTES:
        raise NotANote(f"A line is not a signature: {line[:60]!r}.")
    return found["name"], value[:_ID_BYTES], value[_ID_BYTES:]


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")

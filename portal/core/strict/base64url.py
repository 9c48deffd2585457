"""Canonical base64: decoding and encoding again returns the same text."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from binascii import Error, a2b_base64
from typing import Final

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Padding and the letters that only plain base64 has become a letter that neither alphabet has.
_FROM_URL: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
# The allowed last letters by the length of the text modulo 4. Only with 0 may it be empty.
_LAST_LETTERS: Final = (
    frozenset({b"", *(bytes((each,)) for each in _ALPHABET)}),
    frozenset[bytes](),
    frozenset(bytes((each,)) for each in _ALPHABET[::16]),
    frozenset(bytes((each,)) for each in _ALPHABET[::4]),
)


def decode(text: str) -> bytes | None:
    """Return the bytes of padded base64 (RFC 4648 §4), or None if the text is not canonical."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except (Error, ValueError):  # ValueError: the text is not ASCII
        return None
    # RFC 4648 §3.5: the unused bits of the last character are zero; otherwise two texts could
    # encode one key.
    return data if b64encode(data).decode("ascii") == text else None


def decode_url(text: str | bytes) -> bytes | None:
    """Return the bytes of unpadded base64url (RFC 7515 §2), or None if it is not canonical."""
    try:
        letters = text.encode("ascii") if isinstance(text, str) else text
        data = a2b_base64(
            letters.translate(_FROM_URL) + b"=" * (-len(letters) % 4), strict_mode=True
        )
    except (Error, ValueError):
        return None
    # RFC 4648 §3.5, as above, without encoding a long signature again.
    return data if letters[-1:] in _LAST_LETTERS[len(letters) % 4] else None


def encode_url(data: bytes) -> str:
    """Return the data as unpadded base64url (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")

"""Base64 in its one canonical form: what is decoded, encoded again, gives the same text."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from binascii import Error, a2b_base64


def decode(text: str) -> bytes | None:
    """Return the bytes of padded base64 (RFC 4648 §4), or None when the text is not canonical."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except (Error, ValueError):  # ValueError: the text is not ASCII
        return None
    # RFC 4648 §3.5: the unused bits of the last character are zero, or two texts mean one key.
    return data if b64encode(data).decode("ascii") == text else None


def decode_url(text: str) -> bytes | None:
    """Return the bytes of unpadded base64url (RFC 7515 §2), or None when it is not canonical."""
    if "+" in text or "/" in text or "=" in text:
        return None
    padded = text + "=" * (-len(text) % 4)
    return decode(padded.replace("-", "+").replace("_", "/"))


def encode_url(data: bytes) -> str:
    """Return the data as unpadded base64url (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")

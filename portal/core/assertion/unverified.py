"""Parses an assertion without trusting it."""

from __future__ import annotations

from typing import Final, NamedTuple

from portal.core.assertion import unreadable
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url
from portal.core.strict import json as json_strict

MAX_ASSERTION_BYTES: Final = 16 * 1024
"""Enough for ML-DSA-87, whose signature alone is 6,170 characters."""

# Checked before the claims, which these header members can make unreadable (RFC 7797, RFC 7516).
_PAYLOAD_FORMS: Final = {"b64": Reason.HEADER_B64, "zip": Reason.HEADER_ZIP}


class UnverifiedAssertion(NamedTuple):
    """The parts of a JWS in compact form (RFC 7515 §3.1). Anyone may have written them."""

    header: dict[str, object]
    claims: dict[str, object]
    signing_input: bytes
    signature: bytes

    @property
    def unverified_client_id(self) -> str | None:
        """The client that the assertion claims to be from: its `sub`, else its `iss`."""
        subject = self.claims.get("sub")
        return subject if isinstance(subject, str) else _string(self.claims.get("iss"))

    @property
    def unverified_kid(self) -> str | None:
        """The `kid` of the header, or None if it is missing or not a string."""
        return _string(self.header.get("kid"))

    @property
    def unverified_alg(self) -> str | None:
        """The `alg` of the header, or None if it is missing or not a string."""
        return _string(self.header.get("alg"))


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def parse_unverified(data: bytes | str) -> UnverifiedAssertion:
    """Return the header, claims and signature in an assertion, unverified.

    Raise `Refused` with a reason in `UNREADABLE`, and no other exception, whatever the input. Reads
    at most `MAX_ASSERTION_BYTES`.
    """
    if len(data) > MAX_ASSERTION_BYTES:
        raise unreadable.too_large(MAX_ASSERTION_BYTES)
    if isinstance(data, str):
        if not data.isascii():
            raise unreadable.not_ascii()
        data = data.encode("ascii")
    parts = data.split(b".")
    if len(parts) != 3 or not parts[1]:
        raise unreadable.why_not(data)
    header = _object("header", parts[0], data)
    try:
        claims = _object("payload", parts[1], data)
    except Refused:
        for name, reason in _PAYLOAD_FORMS.items():
            if name in header:
                raise unreadable.other_form(name, reason) from None
        raise
    signature = base64url.decode_url(parts[2])
    if signature is None:
        raise unreadable.why_not(data)
    return UnverifiedAssertion(header, claims, data[: data.rindex(b".")], signature)


def _object(name: str, part: bytes, data: bytes) -> dict[str, object]:
    encoded = base64url.decode_url(part)
    if encoded is None:
        raise unreadable.why_not(data)
    try:
        value = json_strict.loads(encoded.decode("utf-8"))
    except (UnicodeDecodeError, json_strict.NotJson) as problem:
        raise unreadable.not_json(name, problem) from None
    if not isinstance(value, dict):
        raise unreadable.not_object(name)
    return value

"""The reason why an assertion cannot be read, determined only after reading failed."""

from __future__ import annotations

from typing import Final

from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url
from portal.core.strict import json as json_strict

UNREADABLE: Final = frozenset(
    {
        Reason.ASSERTION_EMPTY,
        Reason.ASSERTION_TOO_LARGE,
        Reason.ASSERTION_NOT_ASCII,
        Reason.ASSERTION_BEARER_PREFIX,
        Reason.ASSERTION_QUOTED,
        Reason.ASSERTION_JSON_FORM,
        Reason.ASSERTION_WHITE_SPACE,
        Reason.ASSERTION_PADDED,
        Reason.ASSERTION_ENCRYPTED,
        Reason.ASSERTION_PARTS,
        Reason.ASSERTION_DETACHED,
        Reason.ASSERTION_BASE64URL,
        Reason.ASSERTION_NOT_UTF8,
        Reason.ASSERTION_NOT_JSON,
        Reason.ASSERTION_TOO_NESTED,
        Reason.ASSERTION_MEMBER_TWICE,
        Reason.ASSERTION_CHARACTERS,
        Reason.HEADER_B64,
        Reason.HEADER_ZIP,
        # Of the token request (RFC 6749 §5.2 lists these two under invalid_request)
        Reason.SEVERAL_AUTH_METHODS,
        Reason.PARAMETER_REPEATED,
    }
)
"""On the wire these are 400 invalid_request; every other reason is 401 invalid_client."""

_FORM: Final = "Three parts of base64url with a dot between them: header.claims.signature."
_PARTS: Final = ("header", "payload", "signature")
_JSON_REASONS: Final[dict[type[Exception], Reason]] = {
    UnicodeDecodeError: Reason.ASSERTION_NOT_UTF8,
    json_strict.NotJson: Reason.ASSERTION_NOT_JSON,
    json_strict.TooNested: Reason.ASSERTION_TOO_NESTED,
    json_strict.MemberTwice: Reason.ASSERTION_MEMBER_TWICE,
    json_strict.BadCharacter: Reason.ASSERTION_CHARACTERS,
}


def too_large(limit: int) -> Refused:
    """Return the refusal of an input with more bytes than the limit."""
    return Refused(
        Reason.ASSERTION_TOO_LARGE,
        found=f"More than {limit // 1024} KiB.",
        needed="An assertion has 1,000 to 2,000 characters, or up to 9,000 with ML-DSA.",
    )


def not_ascii() -> Refused:
    """Return the refusal of text with characters that an assertion cannot have."""
    return Refused(
        Reason.ASSERTION_NOT_ASCII,
        found="Characters outside ASCII, such as a curly quote or a long dash.",
        needed=_FORM,
    )


def not_json(name: str, problem: Exception) -> Refused:
    """Return the refusal of a header or payload that is not acceptable JSON."""
    why = "It is not UTF-8." if isinstance(problem, UnicodeDecodeError) else str(problem)
    return Refused(
        _JSON_REASONS[type(problem)],
        found=f"The {name} is not valid JSON. {why}",
        needed="A JSON object in UTF-8, with each member once.",
    )


def not_object(name: str) -> Refused:
    """Return the refusal of a header or payload that is JSON but not an object."""
    return Refused(
        Reason.ASSERTION_NOT_JSON,
        found=f"The {name} is JSON, but not a JSON object.",
        needed="A JSON object: names and values between braces.",
    )


def other_form(name: str, reason: Reason) -> Refused:
    """Return the refusal of a payload in the form that this header member requests."""
    return Refused(
        reason,
        found=f"The header has {name}, and the payload is not base64url-encoded JSON.",
        needed="No b64 and no zip: a JWT has neither (RFC 7797 §7, RFC 7519 §5).",
    )


def why_not(data: bytes) -> Refused:
    """Return the refusal of bytes that are not three parts of base64url."""
    text = data.strip()
    parts = data.split(b".")
    if not text:
        return _refused(Reason.ASSERTION_EMPTY, "Nothing.")
    if not data.isascii():
        return not_ascii()
    if text[:1] in {b"{", b"["}:
        return _refused(
            Reason.ASSERTION_JSON_FORM, "JSON, possibly a JWS in the JSON serialization."
        )
    if text[:7].lower() == b"bearer ":
        return _refused(Reason.ASSERTION_BEARER_PREFIX, "The word Bearer before the assertion.")
    if text[:1] in {b'"', b"'"} or text[-1:] in {b'"', b"'"}:
        return _refused(Reason.ASSERTION_QUOTED, "A quotation mark around the assertion.")
    if len(data.split(None, 1)) > 1 or text != data:
        return _refused(Reason.ASSERTION_WHITE_SPACE, "A space or a line break in the assertion.")
    if len(parts) == 5:
        return _refused(Reason.ASSERTION_ENCRYPTED, "Five parts: an encrypted token (JWE).")
    if b"=" in data:
        return _refused(Reason.ASSERTION_PADDED, "An equals sign: base64 with padding.")
    if len(parts) != 3:
        return _refused(Reason.ASSERTION_PARTS, f"{len(parts)} part{'s' * (len(parts) > 1)}.")
    if not parts[1]:
        return _refused(
            Reason.ASSERTION_DETACHED, "An empty middle part: a JWS with a detached payload."
        )
    wrong = next(
        name for name, part in zip(_PARTS, parts, strict=True) if base64url.decode_url(part) is None
    )
    return _refused(Reason.ASSERTION_BASE64URL, f"The {wrong} is not base64url.")


def _refused(reason: Reason, found: str) -> Refused:
    return Refused(reason, found=found, needed=_FORM)

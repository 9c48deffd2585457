"""The client that a refused request names, so that its reference leads to people; unverified."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from portal.core.assertion.unverified import MAX_ASSERTION_BYTES
from portal.core.strict import base64url
from portal.core.strict import json as json_strict

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_KID: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # a thumbprint (RFC 7638)
_MAX_BASIC: Final = 1024
"""How many characters of an Authorization header are read."""


@dataclass(frozen=True, slots=True)
class Pointers:
    """The client IDs in a request, the most likely first, and the kid of its assertion if any.

    Each is well-formed and unverified.
    """

    client_ids: tuple[str, ...]
    kid: str = ""


def pointers_in(parameters: Mapping[str, Sequence[str]], *, authorization: str = "") -> Pointers:
    """Return what the request names: parameter client_id, sub, iss, kid, Basic user name.

    Reads as much of an assertion as possible, also with white space in it or a word before it.
    """
    header, claims = _parts_of(parameters.get("client_assertion", ()))
    found = (
        *parameters.get("client_id", ())[:2],
        claims.get("sub"),
        claims.get("iss"),
        _user_in(authorization),
    )
    ids = (each for each in found if isinstance(each, str) and _CLIENT_ID.fullmatch(each))
    kid = header.get("kid")
    named = isinstance(kid, str) and _KID.fullmatch(kid)
    return Pointers(tuple(dict.fromkeys(ids)), str(kid) if named else "")


def _parts_of(assertions: Sequence[str]) -> tuple[dict[str, object], dict[str, object]]:
    """Return header and claims of the first assertion; each is empty if it cannot be read."""
    assertion = next(iter(assertions), "")
    if len(assertion) > MAX_ASSERTION_BYTES:
        return {}, {}
    text = "".join(assertion.split()).strip("\"'")
    text = text[6:] if text[:6].lower() == "bearer" else text
    parts = text.split(".", 3)
    return _object(parts[0]), _object(parts[1]) if len(parts) > 1 else {}


def _object(part: str) -> dict[str, object]:
    data = base64url.decode_url(part.rstrip("="))
    try:
        value = json_strict.loads((data or b"").decode("utf-8"))
    except (UnicodeDecodeError, json_strict.NotJson):
        return {}
    return value if isinstance(value, dict) else {}


def _user_in(authorization: str) -> str:
    """Return the user name of HTTP Basic (RFC 7617 §2), decoded as in RFC 6749 §2.3.1."""
    scheme, _, credentials = authorization.strip()[:_MAX_BASIC].partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        user = b64decode(credentials.strip()).decode("utf-8").partition(":")[0]
    except ValueError:  # not base64, or not UTF-8
        return ""
    return unquote_plus(user)

"""The header of an assertion (RFC 7515 §4, RFC 8725 §3)."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.context import NAMES_OF, AssertionContext
from portal.core.assertion.formatting import brief, kind
from portal.core.reasons import Reason

ALGS: Final = tuple(dict.fromkeys(name for names in NAMES_OF.values() for name in names))
"""Every `alg` header that some key may be used with."""

TYPED: Final = "client-authentication+jwt"
"""The recommended typ (RFC 10070); with it, only the issuer is accepted as audience."""

_ALGS: Final = frozenset(ALGS)
_HMAC: Final = frozenset({"HS256", "HS384", "HS512"})
_TYPES: Final = frozenset({"jwt", TYPED})
_EXTENSIONS: Final = {
    "crit": Reason.HEADER_CRIT,
    "b64": Reason.HEADER_B64,
    "zip": Reason.HEADER_ZIP,
}
_EMBEDDED: Final = frozenset({"jwk", "jku", "x5u", "x5c"})


def check_alg(context: AssertionContext) -> Reason | None:
    """RFC 7515 §4.1.1: `alg` is required; RFC 8725 §3.1: only algorithms of our table."""
    alg = context.header.get("alg")
    if not isinstance(alg, str):
        return Reason.HEADER_ALG_MISSING
    if alg in _ALGS:
        return None
    if alg.lower() == "none":
        return Reason.HEADER_ALG_NONE
    return Reason.HEADER_ALG_HMAC if alg.upper() in _HMAC else Reason.HEADER_ALG_UNKNOWN


def describe_alg(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the algorithm."""
    return _member(context, "alg"), f"One of {', '.join(ALGS)}"


def media_type(typ: object) -> str | None:
    """Return a typ in its short form (RFC 7515 §4.1.9), or None if it is not a string."""
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else None


def check_typ(context: AssertionContext) -> Reason | None:
    """RFC 8725 §3.11: a JWT of another type is for something else, such as an access token."""
    typ = context.header.get("typ", "JWT")
    if typ == "JWT" or media_type(typ) in _TYPES:
        return None
    return Reason.HEADER_TYP


def describe_typ(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the type."""
    return _member(context, "typ"), f"{TYPED}, JWT, or none"


def check_extensions(context: AssertionContext) -> Reason | None:
    """RFC 7515 §4.1.11: a recipient must refuse a JWS whose `crit` names unknown extensions."""
    if _EXTENSIONS.keys().isdisjoint(context.header):
        return None
    return next(reason for name, reason in _EXTENSIONS.items() if name in context.header)


def describe_extensions(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the extensions."""
    seen = [
        f"{name}: {brief(context.header[name])}" for name in _EXTENSIONS if name in context.header
    ]
    return ", ".join(seen) or "None", "No crit, b64 or zip"


def check_embedded(context: AssertionContext) -> Reason | None:
    """RFC 8725 §3.10: a key or a key URL in the header is not trusted."""
    return None if _EMBEDDED.isdisjoint(context.header) else Reason.HEADER_EMBEDDED_KEY


def describe_embedded(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the keys in the header."""
    seen = ", ".join(sorted(_EMBEDDED & context.header.keys()))
    return seen or "None", "No jwk, jku, x5u or x5c: the portal uses only registered keys"


def _member(context: AssertionContext, name: str) -> str:
    if name not in context.header:
        return f"No {name}"
    value = context.header[name]
    return brief(value) if isinstance(value, str) else kind(value)

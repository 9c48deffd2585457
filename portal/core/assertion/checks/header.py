"""What the header of an assertion may say (RFC 7515 §4, RFC 8725 §3)."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.context import NAMES_OF, Case
from portal.core.assertion.words import brief, kind
from portal.core.reasons import Reason

ALGS: Final = tuple(dict.fromkeys(name for names in NAMES_OF.values() for name in names))
"""Every `alg` header that some key may be used with."""

TYPED: Final = "client-authentication+jwt"
"""The typ that an assertion should have (RFC 10070); with it only the issuer is an audience."""

_ALGS: Final = frozenset(ALGS)
_HMAC: Final = frozenset({"HS256", "HS384", "HS512"})
_TYPES: Final = frozenset({"jwt", TYPED})
_EXTENSIONS: Final = {
    "crit": Reason.HEADER_CRIT,
    "b64": Reason.HEADER_B64,
    "zip": Reason.HEADER_ZIP,
}
_EMBEDDED: Final = frozenset({"jwk", "jku", "x5u", "x5c"})


def judge_alg(case: Case) -> Reason | None:
    """RFC 7515 §4.1.1: `alg` is required; RFC 8725 §3.1: only algorithms that we chose."""
    alg = case.header.get("alg")
    if not isinstance(alg, str):
        return Reason.HEADER_ALG_MISSING
    if alg in _ALGS:
        return None
    if alg.lower() == "none":
        return Reason.HEADER_ALG_NONE
    return Reason.HEADER_ALG_HMAC if alg.upper() in _HMAC else Reason.HEADER_ALG_UNKNOWN


def tell_alg(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell the algorithm."""
    return _member(case, "alg"), f"One of {', '.join(ALGS)}"


def media_type(typ: object) -> str | None:
    """Return a typ in its short form (RFC 7515 §4.1.9), or None when it is not a string."""
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else None


def judge_typ(case: Case) -> Reason | None:
    """RFC 8725 §3.11: a JWT of another type is for something else, such as an access token."""
    typ = case.header.get("typ", "JWT")
    if typ == "JWT" or media_type(typ) in _TYPES:
        return None
    return Reason.HEADER_TYP


def tell_typ(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell the type."""
    return _member(case, "typ"), f"{TYPED}, JWT, or none"


def judge_extensions(case: Case) -> Reason | None:
    """RFC 7515 §4.1.11: who does not understand what `crit` names must refuse it."""
    if _EXTENSIONS.keys().isdisjoint(case.header):
        return None
    return next(reason for name, reason in _EXTENSIONS.items() if name in case.header)


def tell_extensions(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell the extensions."""
    seen = [f"{name}: {brief(case.header[name])}" for name in _EXTENSIONS if name in case.header]
    return ", ".join(seen) or "None", "No crit, b64 or zip"


def judge_embedded(case: Case) -> Reason | None:
    """RFC 8725 §3.10: a key, or its address, that a stranger sends proves nothing."""
    return None if _EMBEDDED.isdisjoint(case.header) else Reason.HEADER_EMBEDDED_KEY


def tell_embedded(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell which keys came along."""
    seen = ", ".join(sorted(_EMBEDDED & case.header.keys()))
    return seen or "None", "No jwk, jku, x5u or x5c: only registered keys are used"


def _member(case: Case, name: str) -> str:
    if name not in case.header:
        return f"No {name}"
    value = case.header[name]
    return brief(value) if isinstance(value, str) else kind(value)

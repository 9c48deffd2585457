"""When an assertion is good: `exp`, `iat`, `nbf` (RFC 7519 §4.1) and how long it lives."""

from __future__ import annotations

from typing import Any, Final

from portal.core.assertion.context import Case
from portal.core.assertion.expectation import LEEWAY_S, MAX_LIFETIME_S
from portal.core.assertion.words import kind, moment, span
from portal.core.reasons import Reason

# 1e11 seconds are in the year 5138, and in milliseconds in 1973. So no date of our days is both.
_MILLISECONDS: Final = 100_000_000_000
_MICROSECONDS: Final = 100_000_000_000_000

_Date = Any
"""A claim that `_not_date` has found to be an int or a float: what JSON calls a number."""


def _not_date(value: object) -> Reason | None:
    """RFC 7519 §2, NumericDate: a JSON number of seconds. To Python, true is a number as well."""
    if type(value) is not int and type(value) is not float:
        return Reason.DATE_NOT_NUMBER
    if 0 <= value < _MILLISECONDS:
        return None
    milliseconds = _MILLISECONDS <= value < _MICROSECONDS
    return Reason.DATE_MILLISECONDS if milliseconds else Reason.DATE_OUT_OF_RANGE


def judge_exp(case: Case) -> Reason | None:
    """RFC 7519 §4.1.4: not accepted on or after `exp`.

    There is no leeway here: the client has the whole life of the assertion for it, and a jti must
    be remembered for as long as its assertion is accepted.
    """
    if "exp" not in case.claims:
        return Reason.CLAIM_MISSING
    exp: _Date = case.claims["exp"]
    return _not_date(exp) or (Reason.EXPIRED if case.now >= exp else None)


def tell_exp(case: Case, reason: Reason | None) -> tuple[str, str]:
    """Tell until when the assertion is good."""
    expected = f"Seconds since 1970, after now: {moment(int(case.now))}"
    exp: _Date = case.claims.get("exp")
    if reason is Reason.EXPIRED:
        return f"{moment(exp)}: it expired {span(case.now - exp)} ago", expected
    return _seen(case, "exp", reason), expected


def judge_iat(case: Case) -> Reason | None:
    """RFC 7523 §3 point 6: `iat` is optional, and may be ahead by the leeway."""
    return _ahead(case, "iat", Reason.IAT_AHEAD)


def judge_nbf(case: Case) -> Reason | None:
    """RFC 7523 §3 point 5: `nbf` is optional, and may be ahead by the leeway."""
    return _ahead(case, "nbf", Reason.NBF_AHEAD)


def _ahead(case: Case, name: str, reason: Reason) -> Reason | None:
    if name not in case.claims:
        return None
    value: _Date = case.claims[name]
    return _not_date(value) or (reason if value > case.now + LEEWAY_S else None)


def tell_iat(case: Case, reason: Reason | None) -> tuple[str, str]:
    """Tell when the assertion was made."""
    return _tell_ahead(case, "iat", reason)


def tell_nbf(case: Case, reason: Reason | None) -> tuple[str, str]:
    """Tell from when on the assertion is good."""
    return _tell_ahead(case, "nbf", reason)


def _tell_ahead(case: Case, name: str, reason: Reason | None) -> tuple[str, str]:
    expected = (
        f"Seconds since 1970, at most {LEEWAY_S} seconds ahead of now: {moment(int(case.now))}"
    )
    value: _Date = case.claims.get(name)
    if reason in {Reason.IAT_AHEAD, Reason.NBF_AHEAD}:
        return f"{moment(value)}: it is {span(value - case.now)} ahead", expected
    return _seen(case, name, reason), expected


def judge_lifetime(case: Case) -> Reason | None:
    """RFC 7523 §3 point 4: an `exp` unreasonably far in the future may be refused."""
    lifetime, limit = _lifetime(case)
    return Reason.LIFETIME_TOO_LONG if lifetime > limit else None


def _lifetime(case: Case) -> tuple[float, int]:
    """Return the life of the assertion and the longest that is accepted.

    Without `iat` it is counted from now. Then a client whose clock is ahead of ours by the leeway,
    which `iat` may be (FAPI 2.0 §5.3.2.1), seems to ask for that much more, and gets it.
    """
    exp: _Date = case.claims["exp"]
    iat: _Date = case.claims.get("iat")
    if iat is None:
        return exp - case.now, MAX_LIFETIME_S + LEEWAY_S
    return exp - iat, MAX_LIFETIME_S


def tell_lifetime(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell how long the assertion lives."""
    lifetime, _limit = _lifetime(case)
    start = "iat" if "iat" in case.claims else "now"
    return f"{span(lifetime)} from {start} to exp", f"At most {MAX_LIFETIME_S} seconds"


def _seen(case: Case, name: str, reason: Reason | None) -> str:
    if name not in case.claims:
        return f"No {name}"
    value: _Date = case.claims[name]
    if reason is Reason.DATE_NOT_NUMBER:
        return kind(value)
    return f"{moment(value)}{', in milliseconds' * (reason is Reason.DATE_MILLISECONDS)}"

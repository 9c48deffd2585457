"""The dates of an assertion, `exp`, `iat` and `nbf` (RFC 7519 §4.1), and its lifetime."""

from __future__ import annotations

from typing import Any, Final

from portal.core.assertion.context import AssertionContext
from portal.core.assertion.expectation import LEEWAY_S, MAX_LIFETIME_S
from portal.core.assertion.formatting import kind, moment, span
from portal.core.reasons import Reason

# 1e11 as seconds is in the year 5138, as milliseconds in 1973. So no current date is ambiguous.
_MILLISECONDS: Final = 100_000_000_000
_MICROSECONDS: Final = 100_000_000_000_000

_Date = Any
"""A claim that `_not_date` has accepted: an int or a float, which is a number in JSON."""


def _not_date(value: object) -> Reason | None:
    """RFC 7519 §2, NumericDate: a JSON number of seconds. In Python, true is a number too."""
    if type(value) is not int and type(value) is not float:
        return Reason.DATE_NOT_NUMBER
    if 0 <= value < _MILLISECONDS:
        return None
    milliseconds = _MILLISECONDS <= value < _MICROSECONDS
    return Reason.DATE_MILLISECONDS if milliseconds else Reason.DATE_OUT_OF_RANGE


def check_exp(context: AssertionContext) -> Reason | None:
    """RFC 7519 §4.1.4: not accepted on or after `exp`.

    There is no leeway: the lifetime of the assertion absorbs clock differences, and a jti must be
    stored for as long as its assertion is accepted.
    """
    if "exp" not in context.claims:
        return Reason.CLAIM_MISSING
    exp: _Date = context.claims["exp"]
    return _not_date(exp) or (Reason.EXPIRED if context.now >= exp else None)


def describe_exp(context: AssertionContext, reason: Reason | None) -> tuple[str, str]:
    """Describe the end of validity."""
    expected = f"Seconds since 1970, later than now: {moment(int(context.now))}"
    exp: _Date = context.claims.get("exp")
    if reason is Reason.EXPIRED:
        return f"{moment(exp)}: it expired {span(context.now - exp)} ago", expected
    return _seen(context, "exp", reason), expected


def check_iat(context: AssertionContext) -> Reason | None:
    """RFC 7523 §3 point 6: `iat` is optional, and may be in the future by the leeway."""
    return _check_ahead(context, "iat", Reason.IAT_AHEAD)


def check_nbf(context: AssertionContext) -> Reason | None:
    """RFC 7523 §3 point 5: `nbf` is optional, and may be in the future by the leeway."""
    return _check_ahead(context, "nbf", Reason.NBF_AHEAD)


def _check_ahead(context: AssertionContext, name: str, reason: Reason) -> Reason | None:
    if name not in context.claims:
        return None
    value: _Date = context.claims[name]
    return _not_date(value) or (reason if value > context.now + LEEWAY_S else None)


def describe_iat(context: AssertionContext, reason: Reason | None) -> tuple[str, str]:
    """Describe the time of issue."""
    return _describe_ahead(context, "iat", reason)


def describe_nbf(context: AssertionContext, reason: Reason | None) -> tuple[str, str]:
    """Describe the start of validity."""
    return _describe_ahead(context, "nbf", reason)


def _describe_ahead(context: AssertionContext, name: str, reason: Reason | None) -> tuple[str, str]:
    expected = (
        f"Seconds since 1970, at most {LEEWAY_S} seconds later than now: {moment(int(context.now))}"
    )
    value: _Date = context.claims.get(name)
    if reason in {Reason.IAT_AHEAD, Reason.NBF_AHEAD}:
        return f"{moment(value)}: it is {span(value - context.now)} ahead", expected
    return _seen(context, name, reason), expected


def check_lifetime(context: AssertionContext) -> Reason | None:
    """RFC 7523 §3 point 4: an `exp` unreasonably far in the future may be refused."""
    lifetime, limit = _lifetime(context)
    return Reason.LIFETIME_TOO_LONG if lifetime > limit else None


def _lifetime(context: AssertionContext) -> tuple[float, int]:
    """Return the lifetime of the assertion and the longest accepted lifetime, in seconds.

    Without `iat` the lifetime counts from now. The clock of a client may be ahead by the leeway, as
    for `iat` (FAPI 2.0 §5.3.2.1), so the longest lifetime is then longer by the leeway.
    """
    exp: _Date = context.claims["exp"]
    iat: _Date = context.claims.get("iat")
    if iat is None:
        return exp - context.now, MAX_LIFETIME_S + LEEWAY_S
    return exp - iat, MAX_LIFETIME_S


def describe_lifetime(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the lifetime."""
    lifetime, _limit = _lifetime(context)
    start = "iat" if "iat" in context.claims else "now"
    return f"{span(lifetime)} from {start} to exp", f"At most {MAX_LIFETIME_S} seconds"


def _seen(context: AssertionContext, name: str, reason: Reason | None) -> str:
    if name not in context.claims:
        return f"No {name}"
    value: _Date = context.claims[name]
    if reason is Reason.DATE_NOT_NUMBER:
        return kind(value)
    return f"{moment(value)}{', in milliseconds' * (reason is Reason.DATE_MILLISECONDS)}"

"""Assertions that the checks of dates refuse."""

from __future__ import annotations

from portal.core.reasons import Reason
from tests.unit.core.assertion.cases.case import (
    claims,
    of,
    without,
)
from tests.unit.core.assertions import (
    NOW,
    sign,
)

AFTER = "Seconds since 1970, later than now: 1800000001 (15 Jan 2027, 08:00:01 UTC)"
AHEAD = (
    "Seconds since 1970, at most 30 seconds later than now: 1800000001 (15 Jan 2027, 08:00:01 UTC)"
)

CASES = (
    of(Reason.CLAIM_MISSING, "exp", "No exp", AFTER, without("exp")),
    of(Reason.DATE_NOT_NUMBER, "exp", "the string “1800000060”", AFTER, claims(exp="1800000060")),
    of(Reason.DATE_NOT_NUMBER, "exp", "true", AFTER, claims(exp=True)),
    of(Reason.DATE_NOT_NUMBER, "exp", "null", AFTER, claims(exp=None)),
    of(
        Reason.DATE_MILLISECONDS,
        "exp",
        "1800000060000, in milliseconds",
        AFTER,
        claims(exp=1_800_000_060_000),
    ),
    of(Reason.DATE_OUT_OF_RANGE, "exp", "-1", AFTER, claims(exp=-1)),
    of(
        Reason.DATE_OUT_OF_RANGE,
        "exp",
        "1800000060000000",
        AFTER,
        claims(exp=1_800_000_060_000_000),
    ),
    of(
        Reason.EXPIRED,
        "exp",
        "1799999960 (15 Jan 2027, 07:59:20 UTC): it expired 42 seconds ago",
        AFTER,
        claims(exp=NOW - 40),
    ),
    of(Reason.DATE_NOT_NUMBER, "iat", "the string “1800000000”", AHEAD, claims(iat="1800000000")),
    of(Reason.DATE_NOT_NUMBER, "iat", "null", AHEAD, claims(iat=None)),
    of(
        Reason.DATE_MILLISECONDS,
        "iat",
        "1800000000000, in milliseconds",
        AHEAD,
        claims(iat=1_800_000_000_000),
    ),
    of(
        Reason.IAT_AHEAD,
        "iat",
        "1800000090 (15 Jan 2027, 08:01:30 UTC): it is 88 seconds ahead",
        AHEAD,
        claims(iat=NOW + 90, exp=NOW + 120),
    ),
    of(Reason.DATE_NOT_NUMBER, "nbf", "false", AHEAD, claims(nbf=False)),
    of(
        Reason.NBF_AHEAD,
        "nbf",
        "1800000090 (15 Jan 2027, 08:01:30 UTC): it is 88 seconds ahead",
        AHEAD,
        claims(nbf=NOW + 90),
    ),
    of(
        Reason.LIFETIME_TOO_LONG,
        "lifetime",
        "301 seconds (5 min) from iat to exp",
        "At most 300 seconds",
        claims(exp=NOW + 301),
    ),
    of(
        Reason.LIFETIME_TOO_LONG,
        "lifetime",
        "3,598 seconds (59 min) from now to exp",
        "At most 300 seconds",
        lambda: sign(without=("iat",), exp=NOW + 3600),
    ),
)

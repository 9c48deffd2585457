"""Assertions that the checks of claims other than dates refuse."""

from __future__ import annotations

from datetime import UTC, datetime

from portal.core.reasons import Reason
from tests.unit.core.assertion.cases.case import (
    TYPED,
    claims,
    of,
    without,
)
from tests.unit.core.assertions import (
    CLIENT,
    ENDPOINT,
    ISSUER,
    expected,
    sign,
)

BOTH = f"{ISSUER} or {ENDPOINT}"
JTI = "A new string of 1 to 255 characters"

CASES = (
    *(
        of(Reason.CLAIM_MISSING, name, f"No {name}", CLIENT, without(name))
        for name in ("iss", "sub")
    ),
    of(Reason.CLAIM_NOT_STRING, "iss", f'an array: ["{CLIENT}"]', CLIENT, claims(iss=[CLIENT])),
    of(Reason.CLAIM_NOT_STRING, "sub", "the number 7", CLIENT, claims(sub=7)),
    of(Reason.ISS_MISMATCH, "iss", "other", CLIENT, claims(iss="other")),
    of(Reason.SUB_MISMATCH, "sub", "Client-1", CLIENT, claims(sub="Client-1")),
    of(Reason.CLAIM_MISSING, "aud", "No aud", BOTH, without("aud")),
    of(
        Reason.AUD_ARRAY,
        "aud",
        f'an array: ["{ISSUER}", "{ENDPOINT}"]',
        BOTH,
        claims(aud=[ISSUER, ENDPOINT]),
    ),
    of(
        Reason.AUD_ARRAY,
        "aud",
        f'an array: ["{ISSUER}"]',
        ISSUER,
        lambda: sign(header=TYPED, aud=[ISSUER]),
    ),
    of(
        Reason.AUD_ARRAY,
        "aud",
        f'an array: ["{ISSUER}"]',
        ISSUER,
        claims(aud=[ISSUER]),
        expected(token_endpoint=""),
    ),
    of(Reason.AUD_ARRAY, "aud", "an array: []", BOTH, claims(aud=[])),
    of(Reason.AUD_ARRAY, "aud", f'an array: [["{ISSUER}"]]', BOTH, claims(aud=[[ISSUER]])),
    of(Reason.AUD_MISMATCH, "aud", 'an array: ["x"]', BOTH, claims(aud=["x"])),
    of(Reason.CLAIM_NOT_STRING, "aud", "an array: [1]", BOTH, claims(aud=[1])),
    of(Reason.CLAIM_NOT_STRING, "aud", "true", BOTH, claims(aud=True)),
    of(
        Reason.AUD_TOKEN_ENDPOINT, "aud", ENDPOINT, ISSUER, lambda: sign(header=TYPED, aud=ENDPOINT)
    ),
    of(
        Reason.AUD_TOKEN_ENDPOINT,
        "aud",
        ENDPOINT,
        ISSUER,
        lambda: sign(aud=ENDPOINT),
        expected(token_endpoint=""),
    ),
    of(Reason.AUD_MISMATCH, "aud", ISSUER + "/", BOTH, claims(aud=ISSUER + "/")),
    of(
        Reason.AUD_MISMATCH,
        "aud",
        "an empty string",
        ISSUER,
        claims(aud=""),
        expected(token_endpoint=""),
    ),
    of(Reason.AUD_MISMATCH, "aud", ENDPOINT + "/", BOTH, claims(aud=ENDPOINT + "/")),
    of(Reason.CLAIM_MISSING, "jti", "No jti", JTI, without("jti")),
    of(Reason.CLAIM_NOT_STRING, "jti", "the number 1", JTI, claims(jti=1)),
    of(Reason.JTI_LENGTH, "jti", "an empty string", JTI, claims(jti="")),
    of(Reason.JTI_LENGTH, "jti", "256 characters", JTI, claims(jti="é" * 256)),
    of(
        Reason.JTI_REUSED,
        "fresh",
        "First used 15 Jan 2027, 07:59:00 UTC, 62 seconds ago",
        "Not used before",
        sign,
        expected(first_seen=lambda _jti: datetime(2027, 1, 15, 7, 59, tzinfo=UTC)),
    ),
)

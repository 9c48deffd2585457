"""Assertions that the checks of client and key refuse."""

from __future__ import annotations

from portal.core.lifecycle import KeyStatus
from portal.core.reasons import Reason
from tests.unit.core.assertion.cases.case import (
    header,
    in_status,
    of,
    without,
)
from tests.unit.core.assertions import (
    candidate,
    expected,
    sign,
)

KID = "The kid of a key of this client"

CASES = (
    of(
        Reason.CLIENT_SUSPENDED,
        "client",
        "Suspended",
        "Not suspended",
        sign,
        expected(suspended=True),
    ),
    of(Reason.KID_UNKNOWN, "kid", "the number 1", "A string", header(kid=1)),
    of(Reason.KID_UNKNOWN, "kid", "null", "A string", header(kid=None)),
    of(
        Reason.NO_LIVE_KEY,
        "kid",
        "No kid, and no live key",
        "A live key of this client",
        without("kid"),
        in_status(KeyStatus.RETIRED),
    ),
    of(Reason.KID_UNKNOWN, "key", "other", KID, header(kid="other")),
    of(Reason.KID_UNKNOWN, "key", "an empty string", KID, header(kid="")),
    of(Reason.KID_UNKNOWN, "key", "ES256", KID, sign, expected(keys=())),
    of(
        Reason.KEY_PENDING,
        "state",
        "Pending, starts 15 Jan 2027, 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.PENDING),
    ),
    of(
        Reason.KEY_UNCONFIRMED,
        "state",
        "Unconfirmed since 15 Jan 2027, 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.UNCONFIRMED),
    ),
    of(
        Reason.KEY_EXPIRED,
        "state",
        "Expired since 15 Jan 2027, 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.EXPIRED),
    ),
    of(
        Reason.KEY_RETIRED,
        "state",
        "Retired since 15 Jan 2027, 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.RETIRED),
    ),
    of(
        Reason.KEY_REVOKED,
        "state",
        "Revoked since 15 Jan 2027, 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.REVOKED),
    ),
    of(
        Reason.KEY_ALG_SIBLING,
        "fit",
        "RS256",
        "PS256, as the key is registered",
        lambda: sign("RS256", {"kid": "PS256"}),
        expected(candidate("PS256")),
    ),
    of(
        Reason.KEY_ALG_OTHER_TYPE,
        "fit",
        "ES384",
        "ES256, as the key is registered",
        header(alg="ES384"),
    ),
    of(
        Reason.KEY_ALG_OTHER_TYPE,
        "fit",
        "EdDSA",
        "ES256, as the key is registered",
        header(alg="EdDSA"),
    ),
    of(
        Reason.KEY_ALG_OTHER_TYPE,
        "fit",
        "PS256",
        "EdDSA or Ed25519, as the key is registered",
        lambda: sign("PS256", {"kid": "EdDSA"}),
        expected(candidate("EdDSA")),
    ),
)

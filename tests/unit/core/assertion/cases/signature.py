"""Assertions that the checks of the signature refuse."""

from __future__ import annotations

from portal.core.reasons import Reason
from tests.unit.core.assertion.cases.case import of
from tests.unit.core.assertions import sign

WORKS = "A signature that the key ES256 verifies as ES256"

CASES = (
    of(
        Reason.SIGNATURE_INVALID,
        "signature",
        "No signature",
        WORKS,
        lambda: sign().rpartition(".")[0] + ".",
    ),
    of(
        Reason.SIGNATURE_INVALID,
        "signature",
        "64 bytes that the key does not verify",
        WORKS,
        lambda: sign(jti="two").rpartition(".")[0] + "." + sign().rpartition(".")[2],
    ),
)

"""Accepts an assertion only if every check passes."""

from __future__ import annotations

import hashlib
from math import ceil
from typing import Any, NamedTuple

from portal.core.assertion.checks.key import chosen
from portal.core.assertion.checks.order import CHECKS
from portal.core.assertion.context import AssertionContext
from portal.core.assertion.expectation import Expectation
from portal.core.assertion.explanations.by_reason import EXPLANATIONS
from portal.core.assertion.unverified import UnverifiedAssertion
from portal.core.reasons import Refused


class VerifiedAssertion(NamedTuple):
    """A verified assertion. Only `verify` creates one, and only one of these can be redeemed.

    `kid` names the key that signed; `kid_sent` says whether the header named it. `jti_sha256` is 64
    lower-case hexadecimal digits; `expires_at` is in whole seconds since 1970, rounded up.
    """

    client_id: str
    kid: str
    kid_sent: bool
    jti: str
    jti_sha256: str
    expires_at: int


def verify(unverified: UnverifiedAssertion, expectation: Expectation) -> VerifiedAssertion:
    """Return the verified assertion; raise `Refused` for the first check that fails."""
    context = AssertionContext(unverified, expectation)
    for check in CHECKS:
        reason = check.run(context)
        if reason is not None:
            seen, expected = check.describe(context, reason)
            command = EXPLANATIONS[reason].command
            raise Refused(reason, found=seen, needed=expected, command=command)
    claims: dict[str, Any] = unverified.claims  # of the types that the checks have ensured
    jti: str = claims["jti"]
    return VerifiedAssertion(
        client_id=expectation.client_id,
        kid=chosen(context).kid,
        kid_sent="kid" in context.header,
        jti=jti,
        jti_sha256=hashlib.sha256(jti.encode("utf-8")).hexdigest(),
        expires_at=ceil(claims["exp"]),
    )

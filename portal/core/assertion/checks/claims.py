"""The issuer, subject, audience and jti of an assertion (RFC 7523 §3, OIDC Core §9)."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.checks.header import TYPED, media_type
from portal.core.assertion.context import AssertionContext
from portal.core.assertion.formatting import (
    brief,
    kind,
    span,
)
from portal.core.dates import time_text
from portal.core.reasons import Reason

MAX_JTI: Final = 255
"""The longest jti, in characters."""


def check_iss(context: AssertionContext) -> Reason | None:
    """RFC 7523 §3 point 1 and OIDC Core §9: `iss` is the client_id."""
    return _is_client(context, "iss", Reason.ISS_MISMATCH)


def check_sub(context: AssertionContext) -> Reason | None:
    """RFC 7523 §3 point 2: `sub` is the client_id."""
    return _is_client(context, "sub", Reason.SUB_MISMATCH)


def _is_client(context: AssertionContext, name: str, mismatch: Reason) -> Reason | None:
    value = context.claims.get(name)
    if value == context.expectation.client_id:
        return None
    return not_string(context, name) or mismatch


def describe_iss(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the issuer of the assertion."""
    return claim(context, "iss"), context.expectation.client_id


def describe_sub(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the subject of the assertion."""
    return claim(context, "sub"), context.expectation.client_id


def check_aud(context: AssertionContext) -> Reason | None:
    """RFC 10070: one string, the issuer, compared byte for byte (RFC 7523 §3 point 3).

    The token endpoint is the older practice (OIDC Core §9). It allows audience injection
    (CVE-2025-27370), so it is accepted only if the setting allows it, and never with the newer typ.
    The same holds for an array of one string, which RFC 7519 §4.1.3 treats as the string itself
    (ADR 0016).
    """
    audience = context.claims.get("aud")
    if _takes_older_practice(context) and isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if audience == context.expectation.issuer:
        return None
    if isinstance(audience, list):
        return Reason.AUD_ARRAY
    if not isinstance(audience, str):
        return not_string(context, "aud")
    if audience in accepted_audiences(context):
        return None
    return Reason.AUD_TOKEN_ENDPOINT if _is_endpoint(context, audience) else Reason.AUD_MISMATCH


def accepted_audiences(context: AssertionContext) -> tuple[str, ...]:
    """Return the accepted values of `aud`, the recommended one first."""
    expectation = context.expectation
    if _takes_older_practice(context):
        return expectation.issuer, expectation.token_endpoint
    return (expectation.issuer,)


def _takes_older_practice(context: AssertionContext) -> bool:
    return (
        bool(context.expectation.token_endpoint) and media_type(context.header.get("typ")) != TYPED
    )


def _is_endpoint(context: AssertionContext, audience: str) -> bool:
    """Return whether the audience is the token endpoint; if that is not accepted, by its path."""
    expectation = context.expectation
    if expectation.token_endpoint:
        return audience == expectation.token_endpoint
    return audience.startswith(expectation.issuer) and "token" in audience


def describe_aud(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the audience."""
    return claim(context, "aud"), " or ".join(accepted_audiences(context))


def check_jti(context: AssertionContext) -> Reason | None:
    """OIDC Core §9: `jti` is required. RFC 7519 §4.1.7: it is a string."""
    jti = context.claims.get("jti")
    if not isinstance(jti, str):
        return not_string(context, "jti")
    return None if 0 < len(jti) <= MAX_JTI else Reason.JTI_LENGTH


def describe_jti(context: AssertionContext, reason: Reason | None) -> tuple[str, str]:
    """Describe the jti."""
    seen = claim(context, "jti")
    jti = context.claims.get("jti")
    if reason is Reason.JTI_LENGTH and jti:
        seen = f"{len(str(jti)):,} characters"
    return seen, f"A new string of 1 to {MAX_JTI} characters"


def check_fresh(context: AssertionContext) -> Reason | None:
    """RFC 7523 §3 point 7: an assertion is used once."""
    return (
        None
        if context.expectation.first_seen(str(context.claims["jti"])) is None
        else Reason.JTI_REUSED
    )


def describe_fresh(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the first use of the jti."""
    seen = context.expectation.first_seen(str(context.claims["jti"]))
    if seen is None:
        return "Not used before", "Not used before"
    ago = span(context.now - seen.timestamp())
    return f"First used {time_text(seen, seconds=True)}, {ago} ago", "Not used before"


def not_string(context: AssertionContext, name: str) -> Reason | None:
    """Return why a claim is not a string, or None if it is one."""
    if name not in context.claims:
        return Reason.CLAIM_MISSING
    return None if isinstance(context.claims[name], str) else Reason.CLAIM_NOT_STRING


def claim(context: AssertionContext, name: str) -> str:
    """Return the value of a claim as text."""
    if name not in context.claims:
        return f"No {name}"
    value = context.claims[name]
    return brief(value) if isinstance(value, str) else kind(value)

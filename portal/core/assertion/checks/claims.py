"""Who the assertion is of, and whom it is for (RFC 7523 §3, OIDC Core §9)."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.checks.header import TYPED, media_type
from portal.core.assertion.context import Case
from portal.core.assertion.words import brief, kind, span, utc
from portal.core.reasons import Reason

MAX_JTI: Final = 255
"""The longest jti, in characters."""


def judge_iss(case: Case) -> Reason | None:
    """RFC 7523 §3 point 1 and OIDC Core §9: `iss` is the client_id."""
    return _is_client(case, "iss", Reason.ISS_MISMATCH)


def judge_sub(case: Case) -> Reason | None:
    """RFC 7523 §3 point 2: `sub` is the client_id."""
    return _is_client(case, "sub", Reason.SUB_MISMATCH)


def _is_client(case: Case, name: str, mismatch: Reason) -> Reason | None:
    value = case.claims.get(name)
    if value == case.expectation.client_id:
        return None
    return not_string(case, name) or mismatch


def tell_iss(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell the issuer of the assertion."""
    return claim(case, "iss"), case.expectation.client_id


def tell_sub(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell the subject of the assertion."""
    return claim(case, "sub"), case.expectation.client_id


def judge_aud(case: Case) -> Reason | None:
    """RFC 10070: one string, the issuer, compared as it is (RFC 7523 §3 point 3).

    The token endpoint is the older practice (OIDC Core §9). It opens audience injection
    (CVE-2025-27370), so it is only taken where that is set, and never with the newer typ. The same
    holds for an array of one, which RFC 7519 §4.1.3 calls another spelling of the string (ADR
    0016).
    """
    audience = case.claims.get("aud")
    if _takes_older_practice(case) and isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if audience == case.expectation.issuer:
        return None
    if isinstance(audience, list):
        return Reason.AUD_ARRAY
    if not isinstance(audience, str):
        return not_string(case, "aud")
    if audience in accepted_audiences(case):
        return None
    return Reason.AUD_TOKEN_ENDPOINT if _is_endpoint(case, audience) else Reason.AUD_MISMATCH


def accepted_audiences(case: Case) -> tuple[str, ...]:
    """Return what `aud` may be, the recommended one first."""
    expectation = case.expectation
    if _takes_older_practice(case):
        return expectation.issuer, expectation.token_endpoint
    return (expectation.issuer,)


def _takes_older_practice(case: Case) -> bool:
    return bool(case.expectation.token_endpoint) and media_type(case.header.get("typ")) != TYPED


def _is_endpoint(case: Case, audience: str) -> bool:
    """Tell whether the token endpoint is meant; where it is not taken, its path gives it away."""
    expectation = case.expectation
    if expectation.token_endpoint:
        return audience == expectation.token_endpoint
    return audience.startswith(expectation.issuer) and "token" in audience


def tell_aud(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell the audience."""
    return claim(case, "aud"), " or ".join(accepted_audiences(case))


def judge_jti(case: Case) -> Reason | None:
    """OIDC Core §9: `jti` is required. RFC 7519 §4.1.7: it is a string."""
    jti = case.claims.get("jti")
    if not isinstance(jti, str):
        return not_string(case, "jti")
    return None if 0 < len(jti) <= MAX_JTI else Reason.JTI_LENGTH


def tell_jti(case: Case, reason: Reason | None) -> tuple[str, str]:
    """Tell the jti."""
    seen = claim(case, "jti")
    jti = case.claims.get("jti")
    if reason is Reason.JTI_LENGTH and jti:
        seen = f"{len(str(jti)):,} characters"
    return seen, f"A fresh string of 1 to {MAX_JTI} characters"


def judge_fresh(case: Case) -> Reason | None:
    """RFC 7523 §3 point 7: an assertion is used once."""
    return (
        None if case.expectation.first_seen(str(case.claims["jti"])) is None else Reason.JTI_REUSED
    )


def tell_fresh(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell when the jti was seen first."""
    seen = case.expectation.first_seen(str(case.claims["jti"]))
    if seen is None:
        return "Not used before", "Not used before"
    ago = span(case.now - seen.timestamp())
    return f"First used {utc(seen)}, {ago} ago", "Not used before"


def not_string(case: Case, name: str) -> Reason | None:
    """Return why a claim is not a string, or None when it is one."""
    if name not in case.claims:
        return Reason.CLAIM_MISSING
    return None if isinstance(case.claims[name], str) else Reason.CLAIM_NOT_STRING


def claim(case: Case, name: str) -> str:
    """Return a claim as text."""
    if name not in case.claims:
        return f"No {name}"
    value = case.claims[name]
    return brief(value) if isinstance(value, str) else kind(value)

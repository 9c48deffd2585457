"""Explanations of problems with the claims."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.explanation import Explanation
from portal.core.reasons import Reason

_CLOCK: Final = "Synchronize the machine's clock (NTP), and read the time again for each assertion."
_NEW: Final = "Create a new assertion for each request, right before you send it."
_DATE: Final = (
    "Write whole seconds since 1970 as a number, such as int(time.time()) in Python or "
    "Math.floor(Date.now() / 1000) in JavaScript."
)

CLAIMS: Final[dict[Reason, Explanation]] = {
    Reason.CLAIM_MISSING: Explanation(
        "Missing claim",
        "iss, sub, aud, exp and jti are required.",
        "Add the claim that this check names.",
    ),
    Reason.CLAIM_NOT_STRING: Explanation(
        "Claim is not a string",
        "iss, sub, aud and jti are JSON strings (RFC 7519 §2).",
        "Write the value as a string, in quotation marks.",
    ),
    Reason.ISS_MISMATCH: Explanation(
        "iss is not the client_id",
        "iss and sub are both the client_id, exactly as the portal shows it.",
        "Copy the client_id from the client's page.",
    ),
    Reason.SUB_MISMATCH: Explanation(
        "sub is not the client_id",
        "iss and sub are both the client_id. sub is not the user.",
        "Copy the client_id from the client's page.",
    ),
    Reason.AUD_ARRAY: Explanation(
        "aud is an array",
        "aud is one string (RFC 10070), so that no other server can accept the assertion. This "
        "also applies if all audiences are ours.",
        "Write aud as one string: the issuer. openid-client before 5.7.1 sends an array: pass "
        "clientAssertionPayload: { aud: issuer } to each call. In Go, set "
        "jwt.MarshalSingleStringAsArray = false (golang-jwt) or jwt.WithFlattenAudience(true) "
        "(jwx).",
    ),
    Reason.AUD_TOKEN_ENDPOINT: Explanation(
        "aud is the token endpoint",
        "aud must be the issuer. The token endpoint is accepted only without typ "
        "client-authentication+jwt, and only if the portal allows it.",
        "Set aud to the issuer.",
    ),
    Reason.AUD_MISMATCH: Explanation(
        "aud is not this server",
        "aud is compared character by character, including scheme, host, port, path and "
        "trailing slash.",
        "Copy the issuer from here. Check that this is the right environment.",
    ),
    Reason.DATE_NOT_NUMBER: Explanation(
        "Date is not a number",
        "exp, iat and nbf are JSON numbers (RFC 7519 §2), without quotation marks.",
        _DATE,
    ),
    Reason.DATE_MILLISECONDS: Explanation(
        "Date is in milliseconds",
        "Dates are in seconds. Date.now() and currentTimeMillis() return milliseconds.",
        _DATE,
    ),
    Reason.DATE_OUT_OF_RANGE: Explanation(
        "Date out of range",
        "The date is negative or far in the future.",
        _DATE,
    ),
    Reason.EXPIRED: Explanation(
        "Assertion has expired",
        "The assertion is not accepted from exp on. There is no leeway.",
        _NEW,
        "date -u +%s",
    ),
    Reason.IAT_AHEAD: Explanation(
        "iat is in the future",
        "iat is more than 30 seconds ahead of the portal's clock.",
        _CLOCK,
        "date -u +%s",
    ),
    Reason.NBF_AHEAD: Explanation(
        "Assertion is not valid yet",
        "nbf is more than 30 seconds ahead of the portal's clock.",
        _CLOCK,
        "date -u +%s",
    ),
    Reason.LIFETIME_TOO_LONG: Explanation(
        "Lifetime too long (exp - iat)",
        "An assertion is valid for at most 300 seconds, because it is for one request.",
        "Set iat to the current time, and exp to iat + 60.",
    ),
    Reason.JTI_LENGTH: Explanation(
        "jti is empty or too long",
        "jti must have 1 to 255 characters.",
        "Use a new UUID, such as str(uuid.uuid4()) in Python.",
    ),
    Reason.JTI_REUSED: Explanation(
        "Assertion was already used",
        "Each jti is accepted only once, so that nobody can replay an assertion.",
        _NEW,
    ),
}

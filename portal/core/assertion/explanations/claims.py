"""What is wrong with the claims."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.explanation import Explanation
from portal.core.reasons import Reason

_CLOCK: Final = (
    "Let the machine set its clock from the network (NTP), and take the time anew for each "
    "assertion."
)
_NEW: Final = "Make a new assertion for every request, right before you send it."
_DATE: Final = (
    "Write seconds since 1970 as a plain number, such as int(time.time()) in Python or "
    "Math.floor(Date.now() / 1000) in JavaScript."
)

CLAIMS: Final[dict[Reason, Explanation]] = {
    Reason.CLAIM_MISSING: Explanation(
        "A claim is missing",
        "iss, sub, aud, exp and jti are required.",
        "Add the claim that the check names.",
    ),
    Reason.CLAIM_NOT_STRING: Explanation(
        "A claim is not a string",
        "iss, sub, aud and jti are strings (RFC 7519 §2), between quotation marks.",
        "Write the value as a string.",
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
        "With several audiences an assertion could be used at another server. So aud is one "
        "string (RFC 10070), also where all of them are ours.",
        "Write aud as one string: the issuer. openid-client 4, and 5 before 5.7.1, send an array: "
        "give clientAssertionPayload: { aud: issuer } to each call. In Go it is "
        "jwt.MarshalSingleStringAsArray = false (golang-jwt) or jwt.WithFlattenAudience(true) "
        "(jwx).",
    ),
    Reason.AUD_TOKEN_ENDPOINT: Explanation(
        "aud is the token endpoint",
        "The issuer is asked here: always with typ client-authentication+jwt, and wherever "
        "the older practice is switched off.",
        "Set aud to the issuer.",
    ),
    Reason.AUD_MISMATCH: Explanation(
        "aud is not this server",
        "aud is compared character by character: scheme, host, port, path and the slash at "
        "the end all count.",
        "Copy the issuer as it stands here. Is this the right environment?",
    ),
    Reason.DATE_NOT_NUMBER: Explanation(
        "A date is not a number",
        "exp, iat and nbf are JSON numbers (RFC 7519 §2): no quotation marks, no true or false.",
        _DATE,
    ),
    Reason.DATE_MILLISECONDS: Explanation(
        "A date is in milliseconds",
        "Dates are in seconds. Date.now() and currentTimeMillis() give milliseconds.",
        _DATE,
    ),
    Reason.DATE_OUT_OF_RANGE: Explanation(
        "A date is no moment of our time",
        "It is negative, or far in the future.",
        _DATE,
    ),
    Reason.EXPIRED: Explanation(
        "The assertion has expired",
        "It is not accepted from exp on; there is no leeway.",
        _NEW,
        "date -u +%s",
    ),
    Reason.IAT_AHEAD: Explanation(
        "It was made in the future",
        "iat is ahead of our clock by more than 30 seconds.",
        _CLOCK,
        "date -u +%s",
    ),
    Reason.NBF_AHEAD: Explanation(
        "It is not good yet",
        "nbf is ahead of our clock by more than 30 seconds.",
        _CLOCK,
        "date -u +%s",
    ),
    Reason.LIFETIME_TOO_LONG: Explanation(
        "It lives too long",
        "An assertion is for one request, and lives 300 seconds at most.",
        "Set exp to iat plus 60, say, and put iat into the claims.",
    ),
    Reason.JTI_LENGTH: Explanation(
        "jti is empty or too long",
        "jti has 1 to 255 characters.",
        "Use a fresh UUID, such as str(uuid.uuid4()) in Python.",
    ),
    Reason.JTI_REUSED: Explanation(
        "The assertion was used before",
        "Each jti is accepted once, so that nobody can send a copied assertion again.",
        _NEW,
    ),
}

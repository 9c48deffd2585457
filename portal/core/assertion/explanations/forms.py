"""Explanations of assertions that cannot be read or have an unsuitable header."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.explanation import Explanation
from portal.core.reasons import Reason

_LIBRARY: Final = "Send the output of your JWT library unchanged."
_ONE_PART: Final = "Write the header and the claims as JSON objects in UTF-8, or use a JWT library."

FORMS: Final[dict[Reason, Explanation]] = {
    Reason.ASSERTION_EMPTY: Explanation(
        "Assertion is empty",
        "The parameter client_assertion is empty.",
        "Check that your program sets the assertion before it sends the request.",
    ),
    Reason.ASSERTION_TOO_LARGE: Explanation(
        "Assertion is too large",
        "An assertion contains only a header, a few claims and one signature.",
        "Send only the assertion, and remove claims that are not needed.",
    ),
    Reason.ASSERTION_NOT_ASCII: Explanation(
        "Invalid characters in the assertion",
        "An assertion contains only letters, digits, - and _, with two dots. A word processor "
        "may have changed some of them.",
        _LIBRARY,
    ),
    Reason.ASSERTION_BEARER_PREFIX: Explanation(
        "Assertion starts with “Bearer”",
        "“Bearer” is for access tokens in an Authorization header. An assertion is a form "
        "parameter.",
        "Send the assertion without “Bearer”.",
    ),
    Reason.ASSERTION_QUOTED: Explanation(
        "Assertion is in quotation marks",
        "The quotation marks were sent as part of the assertion.",
        "Remove the quotation marks. jq -r prints a string without them.",
    ),
    Reason.ASSERTION_JSON_FORM: Explanation(
        "Assertion is JSON, not compact serialization",
        "A client assertion cannot use the JWS JSON serialization (RFC 7515 §7.2).",
        "Use your library's compact serialization: three parts with dots between them.",
    ),
    Reason.ASSERTION_WHITE_SPACE: Explanation(
        "Spaces or line breaks in the assertion",
        "base64 and openssl wrap long lines, and copying from a terminal can add spaces.",
        "Remove all spaces and line breaks.",
        "openssl base64 -A | tr '+/' '-_' | tr -d '='",
    ),
    Reason.ASSERTION_PADDED: Explanation(
        "Base64 with padding",
        "The parts are base64url without trailing equals signs (RFC 7515 §2).",
        "Remove the equals signs before you join the parts and sign.",
        "openssl base64 -A | tr '+/' '-_' | tr -d '='",
    ),
    Reason.ASSERTION_ENCRYPTED: Explanation(
        "Assertion is encrypted",
        "Five parts are a JWE. A client assertion is signed, not encrypted.",
        "Sign the claims, and send the signed JWT.",
    ),
    Reason.ASSERTION_PARTS: Explanation(
        "Assertion does not have three parts",
        "A signed JWT is header.claims.signature. You may have copied only part of it, or "
        "another kind of token.",
        "Send the whole assertion.",
    ),
    Reason.ASSERTION_DETACHED: Explanation(
        "Claims are missing",
        "The middle part is empty, as in a JWS with a detached payload.",
        "Include the claims: header.claims.signature.",
    ),
    Reason.ASSERTION_BASE64URL: Explanation(
        "Invalid base64url",
        "Each part is canonical base64url (RFC 4648 §5), which has - and _ where base64 has + "
        "and /.",
        "Use a JWT library to encode the parts, or replace the characters.",
        "openssl base64 -A | tr '+/' '-_' | tr -d '='",
    ),
    Reason.ASSERTION_NOT_UTF8: Explanation(
        "Invalid UTF-8",
        "The header and the claims must be JSON in UTF-8.",
        _ONE_PART,
    ),
    Reason.ASSERTION_NOT_JSON: Explanation(
        "Invalid JSON in the header or the claims",
        "The header and the claims must each be one JSON object. A printed Python dictionary "
        "is not JSON.",
        _ONE_PART,
    ),
    Reason.ASSERTION_TOO_NESTED: Explanation(
        "JSON is nested too deeply",
        "An assertion needs only a few simple claims.",
        "Remove what is not needed.",
    ),
    Reason.ASSERTION_MEMBER_TWICE: Explanation(
        "Duplicate JSON member",
        "Two programs could read such JSON as two different assertions.",
        "Write each header member and each claim once.",
    ),
    Reason.ASSERTION_CHARACTERS: Explanation(
        "Invalid character in a string",
        "A lone surrogate or the NUL character cannot be stored or compared safely.",
        "Use only letters and digits in the claims.",
    ),
    Reason.HEADER_ALG_MISSING: Explanation(
        "alg is missing",
        "The header needs alg, a string (RFC 7515 §4.1.1).",
        "Set alg to the algorithm that the key is registered for.",
    ),
    Reason.HEADER_ALG_NONE: Explanation(
        "Assertion is not signed",
        "alg is none, so anyone could have written this assertion.",
        "Sign with your private key and the algorithm that the key is registered for.",
    ),
    Reason.HEADER_ALG_HMAC: Explanation(
        "Assertion is signed with a shared secret",
        "HS256, HS384 and HS512 need a shared secret. Here you sign with a private key, and "
        "the portal has only the public key.",
        "Sign with your private key: pass it to your library with an algorithm such as PS256.",
    ),
    Reason.HEADER_ALG_UNKNOWN: Explanation(
        "Unknown algorithm",
        "Algorithm names are case-sensitive: PS256, not ps256.",
        "Use the algorithm that the key is registered for.",
    ),
    Reason.HEADER_TYP: Explanation(
        "Wrong typ",
        "The typ of an assertion is client-authentication+jwt, JWT or missing. Other types are "
        "for other purposes.",
        "Set typ to client-authentication+jwt, and aud to the issuer.",
    ),
    Reason.HEADER_CRIT: Explanation(
        "Unsupported extension (crit)",
        "crit names extensions that a verifier must support (RFC 7515 §4.1.11). The portal "
        "supports none.",
        "Remove crit.",
    ),
    Reason.HEADER_B64: Explanation(
        "Claims are not encoded (b64)",
        "RFC 7797 §7 forbids b64 in a JWT.",
        "Remove b64, and encode the claims as base64url.",
    ),
    Reason.HEADER_ZIP: Explanation(
        "Claims are compressed (zip)",
        "zip is only for encrypted tokens (RFC 7516 §4.1.3).",
        "Remove zip, and send the claims uncompressed.",
    ),
    Reason.HEADER_EMBEDDED_KEY: Explanation(
        "Key in the header",
        "A key or key URL in jwk, jku, x5u or x5c proves nothing: anyone who forges an "
        "assertion can add their own key.",
        "Remove these members. Use kid to name a registered key. In azure-identity, "
        "send_certificate_chain=False removes x5c.",
    ),
}

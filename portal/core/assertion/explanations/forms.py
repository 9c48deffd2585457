"""What is wrong with an assertion that cannot be read, or that has an unfit header."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.explanation import Explanation
from portal.core.reasons import Reason

_LIBRARY: Final = "Send what your JWT library returns, as it is."
_ONE_PART: Final = (
    "Write the header and the claims as JSON objects in UTF-8, or let a JWT library do it."
)

FORMS: Final[dict[Reason, Explanation]] = {
    Reason.ASSERTION_EMPTY: Explanation(
        "There is no assertion",
        "The parameter client_assertion is empty.",
        "Check that the variable that holds the assertion is set before the request is made.",
    ),
    Reason.ASSERTION_TOO_LARGE: Explanation(
        "The assertion is too large",
        "An assertion has a header, a few claims and one signature. This is far more.",
        "Send the assertion alone, and leave out claims that are not needed.",
    ),
    Reason.ASSERTION_NOT_ASCII: Explanation(
        "There are characters that no assertion has",
        "An assertion is made of letters, digits, - and _ with two dots. A text program may "
        "have changed some of them.",
        _LIBRARY,
    ),
    Reason.ASSERTION_BEARER_PREFIX: Explanation(
        "It begins with the word Bearer",
        "Bearer belongs into an Authorization header with an access token. An assertion is a"
        " form parameter.",
        "Send the assertion alone, without the word before it.",
    ),
    Reason.ASSERTION_QUOTED: Explanation(
        "It has quotation marks around it",
        "The quotation marks were sent as a part of the assertion.",
        "Take the quotation marks off; jq -r prints a string without them.",
    ),
    Reason.ASSERTION_JSON_FORM: Explanation(
        "It is JSON, not the compact form",
        "A signature can be written as JSON (RFC 7515 §7.2), which a client assertion may not be.",
        "Ask your library for the compact form: three parts with dots between them.",
    ),
    Reason.ASSERTION_WHITE_SPACE: Explanation(
        "There are spaces or line breaks in it",
        "base64 and openssl break long lines, and copying from a terminal adds spaces.",
        "Take all spaces and line breaks out.",
        "openssl base64 -A | tr '+/' '-_' | tr -d '='",
    ),
    Reason.ASSERTION_PADDED: Explanation(
        "Its base64 is padded",
        "The parts are base64url without the equals signs at the end (RFC 7515 §2).",
        "Take the equals signs off before you join the parts and sign.",
        "openssl base64 -A | tr '+/' '-_' | tr -d '='",
    ),
    Reason.ASSERTION_ENCRYPTED: Explanation(
        "It is encrypted",
        "Five parts are a JWE. A client assertion is signed and not encrypted.",
        "Sign the claims, and send the signed JWT as it is.",
    ),
    Reason.ASSERTION_PARTS: Explanation(
        "It does not have three parts",
        "A signed JWT is header.claims.signature. Perhaps only a part of it was copied, or "
        "it is a token of another kind.",
        "Send the whole assertion.",
    ),
    Reason.ASSERTION_DETACHED: Explanation(
        "Its claims are missing",
        "The middle part is empty, as in a JWS with a detached payload.",
        "Send the claims along: header.claims.signature.",
    ),
    Reason.ASSERTION_BASE64URL: Explanation(
        "A part is not base64url",
        "Each part is base64url (RFC 4648 §5) in its one canonical form. Plain base64 has + "
        "and / where base64url has - and _.",
        "Let a JWT library encode it, or turn the characters.",
        "openssl base64 -A | tr '+/' '-_' | tr -d '='",
    ),
    Reason.ASSERTION_NOT_UTF8: Explanation(
        "It is not UTF-8",
        "The header and the claims are JSON in UTF-8. These bytes are not.",
        _ONE_PART,
    ),
    Reason.ASSERTION_NOT_JSON: Explanation(
        "The header or the claims are not JSON",
        "They could not be read as one JSON object. Python's dictionaries, for one, look "
        "like JSON and are not.",
        _ONE_PART,
    ),
    Reason.ASSERTION_TOO_NESTED: Explanation(
        "Its JSON is nested too deeply",
        "An assertion needs a handful of plain claims.",
        "Leave out what is not needed.",
    ),
    Reason.ASSERTION_MEMBER_TWICE: Explanation(
        "A name stands there twice",
        "Two programs could read such JSON as two different assertions, so it is refused.",
        "Write each header member and each claim once.",
    ),
    Reason.ASSERTION_CHARACTERS: Explanation(
        "A string holds half a character or NUL",
        "Half of a surrogate pair, or the character NUL, cannot be stored or compared safely.",
        "Use plain letters and digits in the claims.",
    ),
    Reason.HEADER_ALG_MISSING: Explanation(
        "The header names no algorithm",
        "alg is required, and it is a string (RFC 7515 §4.1.1).",
        "Put the algorithm that the key is registered for into the header.",
    ),
    Reason.HEADER_ALG_NONE: Explanation(
        "It is not signed",
        "alg is none. Anybody could have written such an assertion.",
        "Sign with your private key and the algorithm that the key is registered for.",
    ),
    Reason.HEADER_ALG_HMAC: Explanation(
        "It is signed with a shared secret",
        "HS256 and its like need a secret that both sides know. There is none here: you keep"
        " a private key, and the portal has its public half.",
        "Sign with your private key: pass the key and, for instance, PS256 to your library.",
    ),
    Reason.HEADER_ALG_UNKNOWN: Explanation(
        "The algorithm is not known here",
        "The names are case-sensitive: PS256, not ps256.",
        "Use the algorithm that the key is registered for.",
    ),
    Reason.HEADER_TYP: Explanation(
        "It is a JWT of another type",
        "The typ of an assertion is client-authentication+jwt or JWT, or is left out. "
        "Another type is made for another purpose.",
        "Set typ to client-authentication+jwt, and aud to the issuer.",
    ),
    Reason.HEADER_CRIT: Explanation(
        "The header demands an extension",
        "crit names extensions that must be understood (RFC 7515 §4.1.11). None is supported.",
        "Leave crit out.",
    ),
    Reason.HEADER_B64: Explanation(
        "The claims are not encoded",
        "b64 is an option for other uses of signatures (RFC 7797 §7 forbids it in a JWT).",
        "Leave b64 out, and encode the claims as base64url.",
    ),
    Reason.HEADER_ZIP: Explanation(
        "The claims are compressed",
        "zip exists for encrypted tokens only (RFC 7516 §4.1.3).",
        "Leave zip out, and send the claims as they are.",
    ),
    Reason.HEADER_EMBEDDED_KEY: Explanation(
        "The header brings its own key",
        "A key, or the address of one, in jwk, jku, x5u or x5c proves nothing: whoever makes"
        " up an assertion can make up the key.",
        "Leave these members out. kid alone says which registered key is meant. In "
        "azure-identity x5c is left out with send_certificate_chain=False.",
    ),
}

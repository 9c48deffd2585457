"""What is wrong with the client, the key or the signature."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.explanation import Explanation
from portal.core.reasons import Reason

_LIVE: Final = "Sign with a key that is live, or register a new one."

KEYS: Final[dict[Reason, Explanation]] = {
    Reason.CLIENT_UNKNOWN: Explanation(
        "The client is not known",
        "iss and sub name a client_id that does not exist here.",
        "Copy the client_id from the client's page. Is this the right environment?",
    ),
    Reason.CLIENT_SUSPENDED: Explanation(
        "The client is suspended",
        "None of its keys is accepted until an admin resumes it.",
        "Ask an admin of the portal.",
    ),
    Reason.CLIENT_ID_MISMATCH: Explanation(
        "client_id differs from the assertion",
        "The parameter client_id names another client than iss and sub.",
        "Send the same client_id in both, or leave the parameter out.",
    ),
    Reason.NO_LIVE_KEY: Explanation(
        "The client has no live key",
        "No key of the client is accepted now, so nothing can be verified.",
        "Register a key, or look at when the registered ones start or why they ended.",
    ),
    Reason.KID_MISSING: Explanation(
        "The header does not say which key signed",
        "The client had several live keys that could be meant. Each is tried today.",
        "Put the kid of the key into the header; it stands on the key's page.",
    ),
    Reason.KID_UNKNOWN: Explanation(
        "No key of this client has that kid",
        "The kid is the thumbprint that the portal gave to the key, not a name of your own.",
        "Copy the kid from the key's page. Or is the key registered with another client or "
        "environment?",
    ),
    Reason.KEY_PENDING: Explanation(
        "The key has not started yet",
        "It is registered to start later, and is not accepted before.",
        _LIVE,
    ),
    Reason.KEY_UNCONFIRMED: Explanation(
        "The key is not confirmed",
        "Before it is accepted, somebody has to sign the challenge on the key's page with it.",
        "Confirm the key on its page, or sign with a key that is confirmed.",
    ),
    Reason.KEY_EXPIRED: Explanation(
        "The key is at its end",
        "The end that was set for the key has come.",
        _LIVE,
    ),
    Reason.KEY_RETIRED: Explanation(
        "The key is retired",
        "It was replaced, and its grace has ended.",
        _LIVE,
    ),
    Reason.KEY_REVOKED: Explanation(
        "The key is revoked",
        "It was revoked, which is for good.",
        _LIVE,
    ),
    Reason.KEY_ALG_SIBLING: Explanation(
        "It is signed with a sibling algorithm",
        "The key could do both, but it is pinned to the one algorithm that it is registered for.",
        "Give that algorithm to your library, in place of the one it used. RS256 is the "
        "default of many.",
    ),
    Reason.KEY_ALG_OTHER_TYPE: Explanation(
        "The algorithm belongs to another type of key",
        "alg in the header is of another type or curve than the registered key. Perhaps "
        "another key was loaded.",
        "Sign with the private half of the key that kid names.",
    ),
    Reason.SIGNATURE_DER: Explanation(
        "The ECDSA signature is in DER",
        "openssl and Java write ECDSA signatures in DER. A JWS has the two numbers one after"
        " the other (RFC 7518 §3.4).",
        "Let a JWT library sign; in Java the algorithm SHA256withECDSAinP1363Format gives "
        "that form.",
    ),
    Reason.SIGNATURE_INVALID: Explanation(
        "The key does not verify the signature",
        "It was made with another private key, or by another method, or the header or claims"
        " were changed afterwards.",
        "Compare your public half with the registered key.",
        "openssl pkey -in private_key.pem -pubout",
    ),
}

"""Explanations of problems with the client, the key or the signature."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.explanation import Explanation
from portal.core.reasons import Reason

_LIVE: Final = "Sign with a live key, or register a new one."

KEYS: Final[dict[Reason, Explanation]] = {
    Reason.CLIENT_UNKNOWN: Explanation(
        "Unknown client",
        "iss and sub name a client_id that does not exist.",
        "Copy the client_id from the client's page. Check that this is the right environment.",
    ),
    Reason.CLIENT_SUSPENDED: Explanation(
        "Client is suspended",
        "None of the client's keys is accepted until an admin resumes it.",
        "Contact an admin of the portal.",
    ),
    Reason.CLIENT_ID_MISMATCH: Explanation(
        "client_id differs from the assertion",
        "The parameter client_id differs from iss and sub.",
        "Send the same client_id in both, or omit the parameter.",
    ),
    Reason.NO_LIVE_KEY: Explanation(
        "Client has no live key",
        "No key of the client is accepted now, so the signature cannot be verified.",
        "Register a key, or check when the registered ones start and why they ended.",
    ),
    Reason.KID_MISSING: Explanation(
        "kid is missing",
        "The client had several live keys, and the header named none. The portal now tries "
        "each of them.",
        "Add the kid of the key to the header. The key's page shows it.",
    ),
    Reason.KID_UNKNOWN: Explanation(
        "Unknown kid",
        "No key of this client has this kid. The kid is the key's JWK thumbprint, not a name "
        "that you choose.",
        "Copy the kid from the key's page. Check that the key is registered for this client "
        "and environment.",
    ),
    Reason.KEY_PENDING: Explanation(
        "Key has not started yet",
        "The key is registered to start later, and is not accepted before.",
        _LIVE,
    ),
    Reason.KEY_UNCONFIRMED: Explanation(
        "Key is not confirmed",
        "The key is accepted only after someone signs the challenge on its page.",
        "Confirm the key on its page, or sign with a confirmed key.",
    ),
    Reason.KEY_EXPIRED: Explanation(
        "Key has expired",
        "The key's expiry date has passed.",
        _LIVE,
    ),
    Reason.KEY_RETIRED: Explanation(
        "Key is retired",
        "The key was retired, and its grace period has ended.",
        _LIVE,
    ),
    Reason.KEY_REVOKED: Explanation(
        "Key is revoked",
        "A revocation is permanent.",
        _LIVE,
    ),
    Reason.KEY_ALG_SIBLING: Explanation(
        "Wrong algorithm for this key",
        "The key type supports this algorithm, but the key is registered for another one.",
        "Pass the registered algorithm to your library. Many libraries default to RS256.",
    ),
    Reason.KEY_ALG_OTHER_TYPE: Explanation(
        "Algorithm does not match the key type",
        "alg needs another key type or curve than that of the registered key. Your program may "
        "have loaded another key.",
        "Sign with the private key of the key that kid names.",
    ),
    Reason.SIGNATURE_DER: Explanation(
        "ECDSA signature is in DER",
        "openssl and Java write ECDSA signatures in DER. A JWS contains r and s, one after the "
        "other (RFC 7518 §3.4).",
        "Sign with a JWT library. In Java, SHA256withECDSAinP1363Format writes this form.",
    ),
    Reason.SIGNATURE_INVALID: Explanation(
        "Invalid signature",
        "Another private key or another method made the signature, or the header or claims "
        "were changed afterwards.",
        "Compare the fingerprint that this command prints with the SHA-256 fingerprint on the "
        "key's page.",
        "openssl pkey -in private_key.pem -pubout -outform DER | openssl dgst -sha256",
    ),
}

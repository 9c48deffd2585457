"""Notes for the debugger on why a particular assertion failed a check."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import Any, Final

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.checks.claims import accepted_audiences
from portal.core.assertion.checks.key import described_state
from portal.core.assertion.context import NAMES_OF, AssertionContext
from portal.core.assertion.expectation import CandidateKey
from portal.core.assertion.formatting import brief, moment, span
from portal.core.debugger.diff import (
    Difference,
    can_be_shown,
    describe_difference,
    difference,
    difference_in_words,
    nearest,
)
from portal.core.debugger.signers import MAX_PAST_KEYS, Signer
from portal.core.reasons import Reason
from portal.core.signatures import signature_bytes

_NONE: Final = "No registered key of this client verifies the signature."
_NONE_OF_THE_NEWEST: Final = (
    f"No live key of this client verifies the signature, and none of the newest {MAX_PAST_KEYS} "
    "that ended."
)
_HMAC_BYTES: Final = {32: "HS256", 48: "HS384", 64: "HS512"}


def note_on(context: AssertionContext, check: str, reason: Reason, signer: Signer | None) -> str:
    """Return a sentence or two on why this assertion fails this check, or an empty string.

    `signer` is the key that made the signature, if it was found.
    """
    match check:
        case "kid" | "key" | "state" | "fit" | "signature":
            return _on_key(context, reason, signer)
        case "iss" | "sub" if reason in {Reason.ISS_MISMATCH, Reason.SUB_MISMATCH}:
            return _on_client_id(context, check)
        case "aud":
            return _on_audience(context, reason)
        case "exp" | "iat" | "nbf":
            return _on_date(context, check, reason)
        case "alg" if reason is Reason.HEADER_ALG_UNKNOWN:
            return _on_case(str(context.header["alg"]))
        case "alg" if reason is Reason.HEADER_ALG_HMAC:
            return " ".join(signer.slips) if signer else ""
        case _:
            return ""


def _on_key(context: AssertionContext, reason: Reason, signer: Signer | None) -> str:
    if signer is None:
        return _on_unknown_key(context, reason)
    parts = [_who(context, signer), *signer.slips]
    if signer.is_other_text:
        parts.append(
            "It signed another text: the header or the claims were changed after signing, or "
            "the signature is of another assertion."
        )
    if signer.alg in ALGORITHMS and signer.alg != signer.key.alg:
        names = " or ".join(NAMES_OF[signer.key.alg])
        parts.append(
            f"It is signed with {signer.alg}, but the key is registered for {names}. Switch "
            f"your library from {signer.alg} to {signer.key.alg}, or register a key for "
            f"{signer.alg}."
        )
    if not signer.key.is_live:
        parts.append(f"Status of that key: {described_state(signer.key)}.")
    return " ".join(parts)


def _on_unknown_key(context: AssertionContext, reason: Reason) -> str:
    if reason not in {Reason.SIGNATURE_INVALID, Reason.KID_UNKNOWN}:
        return ""
    parts = [_NONE if len(context.expectation.keys) <= MAX_PAST_KEYS else _NONE_OF_THE_NEWEST]
    if context.key is not None and len(context.meant) == 1:
        parts.append(_on_length(context.key, len(context.unverified.signature)))
        parts.append(
            f"The SHA-256 fingerprint of the key {context.key.kid} is "
            f"{_fingerprint(context.key.pem)}. The command prints that of your private key."
        )
    return " ".join(part for part in parts if part)


def _fingerprint(pem: str) -> str:
    """Return the SHA-256 of a SubjectPublicKeyInfo in hexadecimal, as `openssl dgst` prints it."""
    return hashlib.sha256(b64decode("".join(pem.splitlines()[1:-1]))).hexdigest()


def _on_length(key: CandidateKey, length: int) -> str:
    """Return what the length of a signature tells, or an empty string if it is right."""
    needed = signature_bytes(key.pem, key.alg)
    if length in {0, needed}:
        return ""
    sentence = f"It has {length} bytes, and a signature of that key has {needed}."
    if length in _HMAC_BYTES:
        sentence += f" {length} bytes may be an HMAC ({_HMAC_BYTES[length]}), made with a secret."
    return sentence


def _who(context: AssertionContext, signer: Signer) -> str:
    kid = context.unverified.unverified_kid
    if kid is None:
        return f"It is signed by the key {signer.key.kid}."
    if kid == signer.key.kid:
        return f"It is signed by the key that kid names, {signer.key.kid}."
    return f"It is signed by the key {signer.key.kid}, but kid is {brief(kid)}."


def _on_client_id(context: AssertionContext, name: str) -> str:
    value = str(context.claims[name])
    other = "sub" if name == "iss" else "iss"
    note = describe_difference(value, context.expectation.client_id)
    if isinstance(context.claims.get(other), str) and context.claims[other] != value:
        note += f" iss and sub differ: {other} is {brief(context.claims[other])}."
    return note


def _on_audience(context: AssertionContext, reason: Reason) -> str:
    audience = context.claims.get("aud")
    accepted = accepted_audiences(context)
    if isinstance(audience, list):
        fits = any(each in accepted for each in audience if isinstance(each, str))
        return (
            "The array contains the right audience. Write it as one string, without brackets."
            if fits
            else ""
        )
    if not isinstance(audience, str):
        return ""
    if reason is Reason.AUD_TOKEN_ENDPOINT:
        why = "The token endpoint is not accepted as audience"
        typed = bool(context.expectation.token_endpoint) and len(accepted) == 1
        return f"{why}{' with this typ' * typed}. Use the issuer, {accepted[0]}."
    expected = nearest(audience, accepted)
    if can_be_shown(audience, expected):
        return difference_in_words(audience, expected)  # the difference shows the place
    return describe_difference(audience, expected)


def audience_difference(context: AssertionContext) -> Difference | None:
    """Return how the audience differs from the nearest accepted one, if that can be shown."""
    audience = context.claims.get("aud")
    if not isinstance(audience, str):
        return None
    return difference(audience, nearest(audience, accepted_audiences(context)))


def _on_date(context: AssertionContext, name: str, reason: Reason) -> str:
    value: Any = context.claims.get(name)
    now = moment(int(context.now))
    if reason is Reason.DATE_MILLISECONDS:
        return f"Divided by 1,000 it is {moment(value // 1000)}; now is {now}."
    if reason is Reason.DATE_NOT_NUMBER and isinstance(value, str):
        return "Remove the quotation marks."
    if reason in {Reason.IAT_AHEAD, Reason.NBF_AHEAD}:
        return (
            f"If you just created it, your clock is {span(value - context.now)} ahead of the "
            "portal's."
        )
    iat: Any = context.claims.get("iat")
    if reason is Reason.EXPIRED and type(iat) in {int, float} and 0 <= iat < context.now:
        old = span(context.now - iat)
        return (
            f"It was created {old} ago. If you just created it, your clock is {old} behind "
            "the portal's."
        )
    return ""


def _on_case(alg: str) -> str:
    known = {name.upper(): name for name in ALGORITHMS}
    name = known.get(alg.upper())
    return f"Algorithm names are case-sensitive: write {name}." if name else ""

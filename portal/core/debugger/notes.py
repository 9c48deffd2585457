"""Notes for the debugger on why a particular assertion failed a check."""

from __future__ import annotations

from typing import Any

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.checks.claims import accepted_audiences
from portal.core.assertion.checks.key import described_state
from portal.core.assertion.context import NAMES_OF, AssertionContext
from portal.core.assertion.formatting import brief, moment, span
from portal.core.debugger.diff import describe_difference
from portal.core.debugger.signers import Signer, find_signer
from portal.core.reasons import Reason


def note_on(context: AssertionContext, check: str, reason: Reason) -> str:
    """Return a sentence or two on why this assertion fails this check, or an empty string."""
    match check:
        case "kid" | "key" | "state" | "fit" | "signature":
            return _on_key(context, reason)
        case "iss" | "sub" if reason in {Reason.ISS_MISMATCH, Reason.SUB_MISMATCH}:
            return _on_client_id(context, check)
        case "aud":
            return _on_audience(context, reason)
        case "exp" | "iat" | "nbf":
            return _on_date(context, check, reason)
        case "alg" if reason is Reason.HEADER_ALG_UNKNOWN:
            return _on_case(str(context.header["alg"]))
        case _:
            return ""


def _on_key(context: AssertionContext, reason: Reason) -> str:
    signer = find_signer(context)
    if signer is None:
        if reason is Reason.SIGNATURE_INVALID or reason is Reason.KID_UNKNOWN:
            return "No registered key of this client verifies the signature."
        return ""
    parts = [_who(context, signer)]
    if signer.is_der:
        parts.append("The signature is valid, but in DER.")
    elif signer.other_salt:
        parts.append(
            "Its salt is not as long as the hash (RFC 7518 §3.5). With openssl, sign with "
            "-sigopt rsa_pss_saltlen:digest."
        )
    elif signer.alg != signer.key.alg:
        names = " or ".join(NAMES_OF[signer.key.alg])
        parts.append(
            f"It is signed with {signer.alg}, but the key is registered for {names}. Switch "
            f"your library from {signer.alg} to {signer.key.alg}, or register a key for "
            f"{signer.alg}."
        )
    if not signer.key.is_live:
        parts.append(f"Status of that key: {described_state(signer.key)}.")
    return " ".join(parts)


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
    nearest = max(accepted, key=lambda each: _likeness(each, audience) - len(each) / 2)
    return describe_difference(audience, nearest)


def _likeness(one: str, other: str) -> int:
    """Return how many characters two texts share at their beginnings and ends."""
    return sum(
        next((n for n, (a, b) in enumerate(zip(x, y, strict=False)) if a != b), min(len(x), len(y)))
        for x, y in ((one, other), (one[::-1], other[::-1]))
    )


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

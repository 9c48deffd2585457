"""Whether the key made the signature: the check that proves the client's identity."""

from __future__ import annotations

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.checks.key import chosen
from portal.core.assertion.context import AssertionContext
from portal.core.formats import der
from portal.core.formats.spki import COORDINATE_BYTES
from portal.core.reasons import Reason


def check_signature(context: AssertionContext) -> Reason | None:
    """RFC 7515 §5.2: the signature covers the header and claims as sent."""
    key = chosen(context)
    if context.is_signed_by(key):
        return None
    is_der = (
        ALGORITHMS[key.alg].kty == "EC" and der_numbers(context.unverified.signature) is not None
    )
    return Reason.SIGNATURE_DER if is_der else Reason.SIGNATURE_INVALID


def describe_signature(context: AssertionContext, reason: Reason | None) -> tuple[str, str]:
    """Describe whether the key verifies the signature, without showing the signature."""
    key = chosen(context)
    size = len(context.unverified.signature)
    expected = f"A signature that the key {key.kid} verifies as {key.alg}"
    if reason is None:
        return f"The key {key.kid} verifies it", expected
    if reason is Reason.SIGNATURE_DER:
        curve = ALGORITHMS[key.alg].curve
        return (
            f"An ECDSA signature in DER, {size} bytes",
            f"r and s, one after the other, {2 * COORDINATE_BYTES[curve]} bytes",
        )
    if not size:
        return "No signature", expected
    if len(context.meant) > 1:
        return (
            f"{size} bytes that none of the {len(context.meant)} live keys for {key.alg} verifies",
            "A signature that one of them verifies",
        )
    return f"{size} bytes that the key does not verify", expected


def der_numbers(signature: bytes) -> tuple[int, int] | None:
    """Return r and s of an ECDSA signature in DER (RFC 3279 §2.2.3), or None if it is not one."""
    try:
        r, s = der.read(signature).children(2, 2)
        return r.integer(), s.integer()
    except der.NotDer:
        return None

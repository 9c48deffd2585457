"""The registered key that verifies the assertion, and whether it may be used."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.context import NAMES_OF, AssertionContext
from portal.core.assertion.expectation import CandidateKey
from portal.core.assertion.formatting import brief, kind
from portal.core.dates import time_text
from portal.core.lifecycle import KeyStatus
from portal.core.reasons import Reason

_REASONS: Final = {
    KeyStatus.PENDING: Reason.KEY_PENDING,
    KeyStatus.UNCONFIRMED: Reason.KEY_UNCONFIRMED,
    KeyStatus.EXPIRED: Reason.KEY_EXPIRED,
    KeyStatus.RETIRED: Reason.KEY_RETIRED,
    KeyStatus.REVOKED: Reason.KEY_REVOKED,
}


def check_client(context: AssertionContext) -> Reason | None:
    """A suspended client cannot authenticate."""
    return Reason.CLIENT_SUSPENDED if context.expectation.suspended else None


def describe_client(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the state of the client."""
    return "Suspended" if context.expectation.suspended else "Not suspended", "Not suspended"


def check_kid(context: AssertionContext) -> Reason | None:
    """RFC 7515 §4.1.4: `kid` is an optional string; without it each live key is tried."""
    if "kid" in context.header:
        return None if isinstance(context.header["kid"], str) else Reason.KID_UNKNOWN
    return None if context.meant else Reason.NO_LIVE_KEY


def describe_kid(context: AssertionContext, reason: Reason | None) -> tuple[str, str]:
    """Describe the kid, or why it is not needed."""
    if "kid" in context.header:
        kid = context.header["kid"]
        return brief(kid) if isinstance(kid, str) else kind(kid), "A string"
    if reason is Reason.NO_LIVE_KEY:
        return "No kid, and no live key", "A live key of this client"
    count = len(context.meant)
    if count == 1:
        return "No kid, and one key that matches", "A kid, or a live key that matches alg"
    return (
        f"No kid, and {count} keys that match: each is tried. Other verifiers need a kid",
        "A kid, or a live key that matches alg",
    )


def check_key(context: AssertionContext) -> Reason | None:
    """The key is looked up by client and kid: a kid of another client counts as unknown."""
    return Reason.KID_UNKNOWN if context.key is None else None


def describe_key(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the key."""
    if context.key is not None:
        return context.key.kid, "The kid of a key of this client"
    return brief(context.header.get("kid")), "The kid of a key of this client"


def check_state(context: AssertionContext) -> Reason | None:
    """Only a live key is accepted."""
    key = chosen(context)
    return None if key.is_live else _REASONS[key.status]


def describe_state(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the state of the key, and since when."""
    return described_state(chosen(context)), "Live"


def described_state(key: CandidateKey) -> str:
    """Return the state of a key in words, such as "Revoked since 1 Jan 2026, 12:00:00 UTC"."""
    if key.is_live:
        return "Live"
    state = key.status.value.capitalize()
    if key.since is None:
        return state
    begins = ", starts" if key.status is KeyStatus.PENDING else " since"
    return f"{state}{begins} {time_text(key.since, seconds=True)}"


def check_fit(context: AssertionContext) -> Reason | None:
    """RFC 8725 §3.1: a key is used with the one algorithm it is registered for."""
    key = chosen(context)
    if context.fits(key):
        return None
    return Reason.KEY_ALG_SIBLING if context.is_sibling_of(key) else Reason.KEY_ALG_OTHER_TYPE


def describe_fit(context: AssertionContext, _reason: Reason | None) -> tuple[str, str]:
    """Describe the algorithm, and what it must be with this key."""
    names = dict.fromkeys(name for key in context.meant for name in NAMES_OF[key.alg])
    registered = "the key is" if len(context.meant) == 1 else "the live keys are"
    return brief(context.header["alg"]), f"{' or '.join(names)}, as {registered} registered"


def chosen(context: AssertionContext) -> CandidateKey:
    """Return the key, whose presence earlier checks have ensured."""
    if context.key is None:
        raise LookupError("no key: the check before this one failed")
    return context.key

"""Which registered key the assertion is to be verified with, and whether it may be used."""

from __future__ import annotations

from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.case import NAMES_OF, Case
from portal.core.assertion.expectation import CandidateKey, KeyState
from portal.core.assertion.words import brief, kind, utc
from portal.core.reasons import Reason

_STATES: Final = {
    KeyState.PENDING: Reason.KEY_PENDING,
    KeyState.UNCONFIRMED: Reason.KEY_UNCONFIRMED,
    KeyState.EXPIRED: Reason.KEY_EXPIRED,
    KeyState.RETIRED: Reason.KEY_RETIRED,
    KeyState.REVOKED: Reason.KEY_REVOKED,
}
_KINDS: Final = {
    name: (algorithm.kty, algorithm.curve)
    for algorithm in ALGORITHMS.values()
    for name in algorithm.headers
    if name != "EdDSA"  # of two curves (RFC 8037 §3.1), and never a sibling: it fits or does not
}


def judge_client(case: Case) -> Reason | None:
    """Nobody signs in for a suspended client."""
    return Reason.CLIENT_SUSPENDED if case.expectation.suspended else None


def tell_client(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell whether the client is suspended."""
    return "Suspended" if case.expectation.suspended else "Not suspended", "Not suspended"


def judge_kid(case: Case) -> Reason | None:
    """RFC 7515 §4.1.4: `kid` is a string, and optional; we need it where there is a choice."""
    if "kid" in case.header:
        return None if isinstance(case.header["kid"], str) else Reason.KID_UNKNOWN
    if case.key is not None:
        return None
    return Reason.KID_MISSING if case.live_keys() else Reason.NO_LIVE_KEY


def tell_kid(case: Case, reason: Reason | None) -> tuple[str, str]:
    """Tell the kid, or why it is not needed."""
    if "kid" in case.header:
        kid = case.header["kid"]
        return brief(kid) if isinstance(kid, str) else kind(kid), "A string"
    count = len(case.live_keys())
    if reason is Reason.NO_LIVE_KEY:
        return "No kid, and no live key", "A live key of this client"
    if reason is None:
        return "No kid, and one key that can be meant", "A kid, or one live key that alg fits"
    return f"No kid, and {count} live keys", "A kid: it says which of the keys signed"


def judge_key(case: Case) -> Reason | None:
    """The key is looked up by client and kid: a kid of another client is unknown here."""
    return Reason.KID_UNKNOWN if case.key is None else None


def tell_key(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell the key."""
    if case.key is not None:
        return case.key.kid, "The kid of a key of this client"
    return brief(case.header.get("kid")), "The kid of a key of this client"


def judge_state(case: Case) -> Reason | None:
    """Only a live key is accepted."""
    key = chosen(case)
    return None if key.state is KeyState.LIVE else _STATES[key.state]


def tell_state(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell the state of the key, and since when."""
    return described_state(chosen(case)), "Live"


def described_state(key: CandidateKey) -> str:
    """Return the state of a key in words, such as "Revoked since 2026-01-01 12:00:00 UTC"."""
    if key.since is None or key.state is KeyState.LIVE:
        return key.state.value.capitalize()
    word = "starts" if key.state is KeyState.PENDING else "since"
    return f"{key.state.value.capitalize()}{',' * (word == 'starts')} {word} {utc(key.since)}"


def judge_fit(case: Case) -> Reason | None:
    """RFC 8725 §3.1: a key is used with the one algorithm it is registered for."""
    alg = case.header["alg"]
    key = chosen(case)
    if alg in NAMES_OF[key.alg]:
        return None
    algorithm = ALGORITHMS[key.alg]
    if _KINDS.get(str(alg)) == (algorithm.kty, algorithm.curve):
        return Reason.KEY_ALG_SIBLING
    return Reason.KEY_ALG_OTHER_TYPE


def tell_fit(case: Case, _reason: Reason | None) -> tuple[str, str]:
    """Tell the algorithm, and what it must be with this key."""
    key = chosen(case)
    return brief(case.header["alg"]), f"{' or '.join(NAMES_OF[key.alg])}, as the key is registered"


def chosen(case: Case) -> CandidateKey:
    """Return the key, which earlier checks have found to be there."""
    if case.key is None:
        raise LookupError("no key: the check before this one has failed")
    return case.key

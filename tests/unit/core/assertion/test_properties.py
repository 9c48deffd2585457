"""Whatever is sent, `verify` and `examine` agree, and nothing but `Refused` is ever raised."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from portal.core.assertion import (
    UNREADABLE,
    CandidateKey,
    Expectation,
    VerifiedAssertion,
    parse_unverified,
    verify,
)
from portal.core.debugger import examine
from portal.core.reasons import Refused
from tests.unit.core.assertions import (
    CLAIMS,
    CLIENT,
    ISSUER,
    NOW,
    candidate,
    expected,
    sign,
)
from tests.unit.core.assertions import assemble as assembled
from tests.unit.core.public_key.test_properties import json_values, steady, thorough

GOOD = {alg: sign(alg) for alg in ("ES256", "EdDSA", "PS256")}
KEYS = tuple(candidate(alg) for alg in GOOD)
MANY = expected(*KEYS)


def outcome(data: bytes | str, expectation: Expectation) -> VerifiedAssertion | Refused:
    try:
        unverified = parse_unverified(data)
    except Refused as refused:
        return refused
    try:
        return verify(unverified, expectation)
    except Refused as refused:
        return refused


def judge(data: bytes | str, expectation: Expectation = MANY) -> VerifiedAssertion | Refused:
    """Check what must be true of every input."""
    result = outcome(data, expectation)
    examination = examine(data, expectation)
    if examination.unverified is None:
        assert isinstance(result, Refused)
        assert result.reason in UNREADABLE
    assert examination.verified is isinstance(result, VerifiedAssertion)
    assert len(examination.checks) == 20
    if isinstance(result, Refused):
        refusal = examination.refusal
        assert refusal is not None
        assert (refusal.reason, refusal.seen, refusal.expected) == (
            result.reason, result.found, result.needed,
        )  # fmt: skip
        # A sentence around at most 100 characters that were seen, each of which may be an escape.
        assert len(result.found) < 800
        assert result.found.isprintable()
        json.dumps(result.args[:3]).encode()
        for check in examination.checks:
            assert f"{check.seen}{check.expected}{check.note}".isprintable()
    return result


@steady
@given(st.binary(max_size=400))
@example(b"")
def test_any_bytes(data: bytes) -> None:
    judge(data)


@steady
@given(st.text(max_size=400))
@example("\ud800")
def test_any_text(text: str) -> None:
    judge(text)


names = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "zip", "jwk", "jku", "x5c", "cty"])
claim_names = st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "scope"])
values = json_values | st.sampled_from(
    ["ES256", "EdDSA", "PS256", "RS256", "JWT", CLIENT, ISSUER, NOW, NOW + 60, NOW * 1000, str(NOW),
     True, None, 10**400, -(10**400), 1e308, -1e308, 0.5, [ISSUER], "", "\0", "\ud800", "x" * 300]
)  # fmt: skip


@thorough
@given(st.dictionaries(names, values, max_size=4), st.dictionaries(claim_names, values, max_size=4))
def test_any_header_and_claims(header: dict[str, Any], claims: dict[str, Any]) -> None:
    judge(assembled(header, claims))
    judge(assembled({"alg": "ES256", "kid": "ES256"} | header, CLAIMS | claims))


@thorough
@given(claim_names, values)
def test_signed_assertion_with_one_claim_changed(name: str, value: Any) -> None:
    """The signature is good, so whatever else is wrong has to be noticed."""
    result = judge(sign(**{name: value}))
    if isinstance(result, VerifiedAssertion):
        assert result.client_id == CLIENT
        # An array of one is the same audience where the older practice is accepted (ADR 0016).
        is_array_of_one = name == "aud" and value == [ISSUER]
        assert name == "scope" or type(value) in {int, float, str} or is_array_of_one


@steady
@given(st.sampled_from(list(GOOD)), st.data())
def test_good_assertion_that_is_cut_spliced_and_flipped(alg: str, data: st.DataObject) -> None:
    text = GOOD[alg].encode()
    index = st.integers(0, len(text) - 1)
    other = GOOD[data.draw(st.sampled_from(list(GOOD)))].encode()
    at, end = data.draw(index), data.draw(index)
    flipped = bytearray(text)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    for changed in (
        text[:at],
        text[at:],
        bytes(flipped),
        text[:at] + text[end:],
        text[:at] + other,
    ):
        if changed not in {each.encode() for each in GOOD.values()}:
            assert isinstance(judge(changed), Refused)


@steady
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_no_date_but_those_near_now_is_accepted(date: Any) -> None:
    for name in ("exp", "iat", "nbf"):
        result = judge(sign(**{name: date}))
        if isinstance(result, VerifiedAssertion):
            assert NOW - 300 <= date <= NOW + 300 or name == "nbf"


@steady
@given(st.lists(st.sampled_from(KEYS), max_size=3), st.sampled_from(list(GOOD)))
def test_only_the_registered_key_verifies(keys: list[CandidateKey], alg: str) -> None:
    result = judge(GOOD[alg], expected(keys=tuple(keys)))
    assert isinstance(result, VerifiedAssertion) is (alg in {key.alg for key in keys})

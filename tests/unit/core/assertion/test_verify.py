"""What is accepted, which check comes first, and which key is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portal.core.assertion import EXPLANATIONS, Expectation
from portal.core.debugger import CheckOutcome, examine
from portal.core.lifecycle import KeyStatus
from portal.core.reasons import Reason
from portal.core.signatures import verifier_of
from tests.unit.core.assertion.cases.case import (
    OTHER,
    TYPED,
    claims,
    header,
    without,
)
from tests.unit.core.assertions import (
    CLAIMS,
    CLIENT,
    ENDPOINT,
    EXPECTED,
    ISSUER,
    NOW,
    accepted,
    assemble,
    candidate,
    expected,
    refused,
    sign,
)

ACCEPTED: list[tuple[str, Callable[[], str], Expectation]] = [
    ("as recommended", header(**TYPED), EXPECTED),
    (
        "as the guide has it",
        lambda: sign(header={"typ": "JWT"}, without=("kid",), aud=ENDPOINT),
        EXPECTED,
    ),
    ("typ in capitals", header(typ="Client-Authentication+JWT"), EXPECTED),
    ("typ of a media type", header(typ="application/client-authentication+jwt"), EXPECTED),
    ("typ jwt", header(typ="jwt"), EXPECTED),
    ("no typ, token endpoint", claims(aud=ENDPOINT), EXPECTED),
    ("no typ, the issuer in an array", claims(aud=[ISSUER]), EXPECTED),
    ("no typ, the token endpoint in an array", claims(aud=[ENDPOINT]), EXPECTED),
    (
        "members that nobody knows",
        lambda: sign(header={"x5t": "a", "cty": "b"}, scope="c"),
        EXPECTED,
    ),
    ("no kid, one key", without("kid"), EXPECTED),
    (
        "no kid, one live key",
        without("kid"),
        expected(candidate("ES256"), candidate("ES256", kid="old", status=KeyStatus.RETIRED)),
    ),
    ("no kid, one key that fits", without("kid"), expected(candidate("ES256"), candidate("EdDSA"))),
    ("no kid, several keys that fit", without("kid"), expected(OTHER, candidate("ES256"))),
    ("kid, several keys", sign, expected(candidate("ES256"), OTHER)),
    ("fractions of a second", claims(exp=NOW + 60.25, iat=NOW + 0.5), EXPECTED),
    ("exp just after now", claims(exp=NOW + 1.75), EXPECTED),
    ("iat ahead by the leeway", claims(iat=NOW + 31.5), EXPECTED),
    ("nbf ahead by the leeway", claims(nbf=NOW + 31.5), EXPECTED),
    ("lifetime of 300 s", claims(exp=NOW + 300), EXPECTED),
    ("made long ago but alive", claims(iat=NOW - 290, exp=NOW + 10), EXPECTED),
    ("no iat, 300 s and the leeway", lambda: sign(without=("iat",), exp=NOW + 331.5), EXPECTED),
    ("longest jti", claims(jti="é" * 255), EXPECTED),
]


@pytest.mark.parametrize(
    ("make", "expectation"), [each[1:] for each in ACCEPTED], ids=[each[0] for each in ACCEPTED]
)
def test_assertion_is_accepted(make: Callable[[], str], expectation: Expectation) -> None:
    verified = accepted(make(), expectation)
    assert (verified.client_id, verified.kid) == (CLIENT, "ES256")
    examination = examine(make(), expectation)
    assert examination.verified
    assert examination.refusal is None
    assert examination.signed_by == "ES256"
    assert {each.outcome for each in examination.checks} == {CheckOutcome.PASS}


@pytest.mark.parametrize(
    ("name", "claim"),
    [("exp", NOW + 1.5), ("iat", NOW + 31.6), ("nbf", NOW + 31.6)],
)
def test_limit_is_exact(name: str, claim: Any) -> None:
    """The other side of the limits in the list above: exp has no leeway, iat and nbf have 30 s."""
    refused(sign(**{name: claim}))


def test_no_iat_and_more_than_the_leeway_is_too_long() -> None:
    refusal = refused(sign(without=("iat",), exp=NOW + 331.6))
    assert refusal.reason is Reason.LIFETIME_TOO_LONG


def test_verified_assertion_tells_what_redeeming_needs() -> None:
    verified = accepted(sign(exp=NOW + 59.5, jti="one"))
    assert verified.jti == "one"
    assert verified.jti_sha256 == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert verified.expires_at == NOW + 60


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_key_for_ed25519_takes_both_names(alg: str) -> None:
    accepted(sign("EdDSA", {"alg": alg}), expected(candidate("EdDSA")))


def test_ed448_header_is_not_for_an_ed25519_key() -> None:
    refusal = refused(sign("EdDSA", {"alg": "Ed448"}), expected(candidate("EdDSA")))
    assert refusal.reason is Reason.KEY_ALG_OTHER_TYPE


def test_what_is_wrong_first_is_told_first() -> None:
    """A person mends the header before the claims, and a signature when all else is right."""
    assert refused(sign(header={"alg": "none", "typ": "x"})).reason is Reason.HEADER_ALG_NONE
    forged = assemble({"alg": "ES256", "kid": "ES256"}, CLAIMS | {"exp": 1})
    assert refused(forged).reason is Reason.EXPIRED


def test_jti_is_asked_about_last() -> None:
    """So that a forged assertion cannot learn which were used."""
    asked: list[str] = []

    def first_seen(jti: str) -> None:
        asked.append(jti)

    expectation = expected(first_seen=first_seen)
    refused(assemble({"alg": "ES256", "kid": "ES256"}, CLAIMS), expectation)
    assert asked == []
    accepted(sign(), expectation)
    assert asked == ["one"]


def test_checks_that_say_nothing_are_skipped() -> None:
    outcomes = {
        each.name: each.outcome for each in examine(sign(header={"kid": "x"}), EXPECTED).checks
    }
    skipped = {name for name, outcome in outcomes.items() if outcome is CheckOutcome.SKIPPED}
    assert skipped == {"state", "fit", "signature"}
    nothing = examine("", EXPECTED)
    assert [each.outcome for each in nothing.checks] == [CheckOutcome.FAIL] + [
        CheckOutcome.SKIPPED
    ] * 19
    assert nothing.unverified is None


def test_without_a_kid_the_key_that_signed_is_found() -> None:
    verified = accepted(sign(without=("kid",)), expected(OTHER, candidate("ES256")))
    assert (verified.kid, verified.kid_sent) == ("ES256", False)
    assert accepted(sign()).kid_sent


def test_without_a_kid_a_key_that_is_not_live_is_not_tried() -> None:
    keys = expected(OTHER, candidate("ES256", status=KeyStatus.REVOKED))
    assert refused(sign(without=("kid",)), keys).reason is Reason.SIGNATURE_INVALID


def test_without_a_kid_and_with_another_signature_the_number_of_keys_is_told() -> None:
    refusal = refused(sign(without=("kid",)), expected(OTHER, replace(OTHER, kid="b")))
    assert refusal.reason is Reason.SIGNATURE_INVALID
    assert refusal.found == "64 bytes that none of the 2 live keys for ES256 verifies"


def test_without_a_kid_each_key_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processor time is bounded by the limit of keys, and only keys that alg fits take any."""
    tried: list[str] = []

    def count(pem: str, alg: str) -> Any:
        tried.append(alg)
        return verifier_of(pem, alg)

    monkeypatch.setattr("portal.core.assertion.context.verifier_of", count)
    others = [replace(OTHER, kid=str(number)) for number in range(9)]
    keys = expected(*others, candidate("ES256"), candidate("EdDSA"), candidate("PS256"))
    accepted(sign(without=("kid",)), keys)
    assert tried == ["ES256"] * 10
    tried.clear()
    refused(sign(header={"alg": "HS256"}, without=("kid",)), keys)
    assert tried == []


def test_what_older_releases_have_recorded_is_explained() -> None:
    assert Reason.KID_MISSING in EXPLANATIONS

"""Each rule for a client assertion, with what is seen and expected when it does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from portal.core.assertion import EXPLANATIONS, UNREADABLE, Expectation
from portal.core.debugger import CheckOutcome, examine
from portal.core.lifecycle import KeyStatus
from portal.core.reasons import Reason
from portal.core.signatures import verifier_of
from tests.keys import public_pem as public_of
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

THEN = datetime(2027, 1, 15, 7, 0, tzinfo=UTC)
TYPED = {"typ": "client-authentication+jwt"}
OTHER = candidate("ES256", kid="other", pem=public_of(ec.generate_private_key(ec.SECP256R1())))


def in_status(status: KeyStatus) -> Expectation:
    return expected(candidate("ES256", status=status, since=THEN))


@dataclass(frozen=True)
class Case:
    name: str
    reason: Reason
    check: str
    seen: str
    expected: str
    make: Callable[[], str]
    expectation: Expectation = EXPECTED


def of(
    reason: Reason, check: str, seen: str, needed: str, make: Callable[[], str], *rest: Expectation
) -> Case:
    return Case(f"{reason}: {seen}", reason, check, seen, needed, make, *rest)


ALGS = (
    "One of PS256, EdDSA, Ed25519, ES256, ES384, ES512, PS384, PS512, Ed448, ML-DSA-44, ML-DSA-65,"
    " ML-DSA-87, RS256, RS384, RS512"
)
TYPES = "client-authentication+jwt, JWT, or none"
KEYS = "No jwk, jku, x5u or x5c: only registered keys are used"
KID = "The kid of a key of this client"
BOTH = f"{ISSUER} or {ENDPOINT}"
AFTER = "Seconds since 1970, after now: 1800000001 (2027-01-15 08:00:01 UTC)"
AHEAD = "Seconds since 1970, at most 30 seconds ahead of now: 1800000001 (2027-01-15 08:00:01 UTC)"
JTI = "A fresh string of 1 to 255 characters"
WORKS = "A signature that the key ES256 verifies as ES256"


def header(**members: Any) -> Callable[[], str]:
    return lambda: sign(header=members)


def claims(**members: Any) -> Callable[[], str]:
    return lambda: sign(**members)


def without(name: str) -> Callable[[], str]:
    return lambda: sign(without=(name,))


CASES = [
    of(Reason.HEADER_ALG_MISSING, "alg", "No alg", ALGS, without("alg")),
    of(Reason.HEADER_ALG_MISSING, "alg", "null", ALGS, header(alg=None)),
    of(Reason.HEADER_ALG_MISSING, "alg", 'an array: ["ES256"]', ALGS, header(alg=["ES256"])),
    of(Reason.HEADER_ALG_NONE, "alg", "none", ALGS, lambda: assemble({"alg": "none"}, CLAIMS, b"")),
    of(Reason.HEADER_ALG_NONE, "alg", "nOnE", ALGS, header(alg="nOnE")),
    of(Reason.HEADER_ALG_HMAC, "alg", "HS256", ALGS, header(alg="HS256")),
    of(Reason.HEADER_ALG_UNKNOWN, "alg", "es256", ALGS, header(alg="es256")),
    of(Reason.HEADER_ALG_UNKNOWN, "alg", "ES256K", ALGS, header(alg="ES256K")),
    of(Reason.HEADER_ALG_UNKNOWN, "alg", "an empty string", ALGS, header(alg="")),
    of(Reason.HEADER_TYP, "typ", "at+jwt", TYPES, header(typ="at+jwt")),
    of(Reason.HEADER_TYP, "typ", "null", TYPES, header(typ=None)),
    of(Reason.HEADER_TYP, "typ", "text/jwt", TYPES, header(typ="text/jwt")),
    of(
        Reason.HEADER_CRIT,
        "extensions",
        'crit: ["exp"]',
        "No crit, b64 or zip",
        header(crit=["exp"]),
    ),
    of(Reason.HEADER_CRIT, "extensions", "crit: []", "No crit, b64 or zip", header(crit=[])),
    of(Reason.HEADER_B64, "extensions", "b64: true", "No crit, b64 or zip", header(b64=True)),
    of(Reason.HEADER_ZIP, "extensions", "zip: DEF", "No crit, b64 or zip", header(zip="DEF")),
    *(
        of(Reason.HEADER_EMBEDDED_KEY, "embedded", name, KEYS, header(**{name: "x"}))
        for name in ("jwk", "jku", "x5u", "x5c")
    ),
    of(
        Reason.CLIENT_SUSPENDED,
        "client",
        "Suspended",
        "Not suspended",
        sign,
        expected(suspended=True),
    ),
    of(Reason.KID_UNKNOWN, "kid", "the number 1", "A string", header(kid=1)),
    of(Reason.KID_UNKNOWN, "kid", "null", "A string", header(kid=None)),
    of(
        Reason.NO_LIVE_KEY,
        "kid",
        "No kid, and no live key",
        "A live key of this client",
        without("kid"),
        in_status(KeyStatus.RETIRED),
    ),
    of(Reason.KID_UNKNOWN, "key", "other", KID, header(kid="other")),
    of(Reason.KID_UNKNOWN, "key", "an empty string", KID, header(kid="")),
    of(Reason.KID_UNKNOWN, "key", "ES256", KID, sign, expected(keys=())),
    of(
        Reason.KEY_PENDING,
        "state",
        "Pending, starts 2027-01-15 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.PENDING),
    ),
    of(
        Reason.KEY_UNCONFIRMED,
        "state",
        "Unconfirmed since 2027-01-15 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.UNCONFIRMED),
    ),
    of(
        Reason.KEY_EXPIRED,
        "state",
        "Expired since 2027-01-15 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.EXPIRED),
    ),
    of(
        Reason.KEY_RETIRED,
        "state",
        "Retired since 2027-01-15 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.RETIRED),
    ),
    of(
        Reason.KEY_REVOKED,
        "state",
        "Revoked since 2027-01-15 07:00:00 UTC",
        "Live",
        sign,
        in_status(KeyStatus.REVOKED),
    ),
    of(
        Reason.KEY_ALG_SIBLING,
        "fit",
        "RS256",
        "PS256, as the key is registered",
        lambda: sign("RS256", {"kid": "PS256"}),
        expected(candidate("PS256")),
    ),
    of(
        Reason.KEY_ALG_OTHER_TYPE,
        "fit",
        "ES384",
        "ES256, as the key is registered",
        header(alg="ES384"),
    ),
    of(
        Reason.KEY_ALG_OTHER_TYPE,
        "fit",
        "EdDSA",
        "ES256, as the key is registered",
        header(alg="EdDSA"),
    ),
    of(
        Reason.KEY_ALG_OTHER_TYPE,
        "fit",
        "PS256",
        "EdDSA or Ed25519, as the key is registered",
        lambda: sign("PS256", {"kid": "EdDSA"}),
        expected(candidate("EdDSA")),
    ),
    *(
        of(Reason.CLAIM_MISSING, name, f"No {name}", CLIENT, without(name))
        for name in ("iss", "sub")
    ),
    of(Reason.CLAIM_NOT_STRING, "iss", f'an array: ["{CLIENT}"]', CLIENT, claims(iss=[CLIENT])),
    of(Reason.CLAIM_NOT_STRING, "sub", "the number 7", CLIENT, claims(sub=7)),
    of(Reason.ISS_MISMATCH, "iss", "other", CLIENT, claims(iss="other")),
    of(Reason.SUB_MISMATCH, "sub", "Client-1", CLIENT, claims(sub="Client-1")),
    of(Reason.CLAIM_MISSING, "aud", "No aud", BOTH, without("aud")),
    of(
        Reason.AUD_ARRAY,
        "aud",
        f'an array: ["{ISSUER}", "{ENDPOINT}"]',
        BOTH,
        claims(aud=[ISSUER, ENDPOINT]),
    ),
    of(
        Reason.AUD_ARRAY,
        "aud",
        f'an array: ["{ISSUER}"]',
        ISSUER,
        lambda: sign(header=TYPED, aud=[ISSUER]),
    ),
    of(
        Reason.AUD_ARRAY,
        "aud",
        f'an array: ["{ISSUER}"]',
        ISSUER,
        claims(aud=[ISSUER]),
        expected(token_endpoint=""),
    ),
    of(Reason.AUD_ARRAY, "aud", "an array: []", BOTH, claims(aud=[])),
    of(Reason.AUD_ARRAY, "aud", f'an array: [["{ISSUER}"]]', BOTH, claims(aud=[[ISSUER]])),
    of(Reason.AUD_MISMATCH, "aud", 'an array: ["x"]', BOTH, claims(aud=["x"])),
    of(Reason.CLAIM_NOT_STRING, "aud", "an array: [1]", BOTH, claims(aud=[1])),
    of(Reason.CLAIM_NOT_STRING, "aud", "true", BOTH, claims(aud=True)),
    of(
        Reason.AUD_TOKEN_ENDPOINT, "aud", ENDPOINT, ISSUER, lambda: sign(header=TYPED, aud=ENDPOINT)
    ),
    of(
        Reason.AUD_TOKEN_ENDPOINT,
        "aud",
        ENDPOINT,
        ISSUER,
        lambda: sign(aud=ENDPOINT),
        expected(token_endpoint=""),
    ),
    of(Reason.AUD_MISMATCH, "aud", ISSUER + "/", BOTH, claims(aud=ISSUER + "/")),
    of(
        Reason.AUD_MISMATCH,
        "aud",
        "an empty string",
        ISSUER,
        claims(aud=""),
        expected(token_endpoint=""),
    ),
    of(Reason.AUD_MISMATCH, "aud", ENDPOINT + "/", BOTH, claims(aud=ENDPOINT + "/")),
    of(Reason.CLAIM_MISSING, "exp", "No exp", AFTER, without("exp")),
    of(Reason.DATE_NOT_NUMBER, "exp", "the string “1800000060”", AFTER, claims(exp="1800000060")),
    of(Reason.DATE_NOT_NUMBER, "exp", "true", AFTER, claims(exp=True)),
    of(Reason.DATE_NOT_NUMBER, "exp", "null", AFTER, claims(exp=None)),
    of(
        Reason.DATE_MILLISECONDS,
        "exp",
        "1800000060000, in milliseconds",
        AFTER,
        claims(exp=1_800_000_060_000),
    ),
    of(Reason.DATE_OUT_OF_RANGE, "exp", "-1", AFTER, claims(exp=-1)),
    of(
        Reason.DATE_OUT_OF_RANGE,
        "exp",
        "1800000060000000",
        AFTER,
        claims(exp=1_800_000_060_000_000),
    ),
    of(
        Reason.EXPIRED,
        "exp",
        "1799999960 (2027-01-15 07:59:20 UTC): it expired 42 seconds ago",
        AFTER,
        claims(exp=NOW - 40),
    ),
    of(Reason.DATE_NOT_NUMBER, "iat", "the string “1800000000”", AHEAD, claims(iat="1800000000")),
    of(Reason.DATE_NOT_NUMBER, "iat", "null", AHEAD, claims(iat=None)),
    of(
        Reason.DATE_MILLISECONDS,
        "iat",
        "1800000000000, in milliseconds",
        AHEAD,
        claims(iat=1_800_000_000_000),
    ),
    of(
        Reason.IAT_AHEAD,
        "iat",
        "1800000090 (2027-01-15 08:01:30 UTC): it is 88 seconds ahead",
        AHEAD,
        claims(iat=NOW + 90, exp=NOW + 120),
    ),
    of(Reason.DATE_NOT_NUMBER, "nbf", "false", AHEAD, claims(nbf=False)),
    of(
        Reason.NBF_AHEAD,
        "nbf",
        "1800000090 (2027-01-15 08:01:30 UTC): it is 88 seconds ahead",
        AHEAD,
        claims(nbf=NOW + 90),
    ),
    of(
        Reason.LIFETIME_TOO_LONG,
        "lifetime",
        "301 seconds (5 min) from iat to exp",
        "At most 300 seconds",
        claims(exp=NOW + 301),
    ),
    of(
        Reason.LIFETIME_TOO_LONG,
        "lifetime",
        "3,598 seconds (59 min) from now to exp",
        "At most 300 seconds",
        lambda: sign(without=("iat",), exp=NOW + 3600),
    ),
    of(Reason.CLAIM_MISSING, "jti", "No jti", JTI, without("jti")),
    of(Reason.CLAIM_NOT_STRING, "jti", "the number 1", JTI, claims(jti=1)),
    of(Reason.JTI_LENGTH, "jti", "an empty string", JTI, claims(jti="")),
    of(Reason.JTI_LENGTH, "jti", "256 characters", JTI, claims(jti="é" * 256)),
    of(
        Reason.SIGNATURE_INVALID,
        "signature",
        "No signature",
        WORKS,
        lambda: sign().rpartition(".")[0] + ".",
    ),
    of(
        Reason.SIGNATURE_INVALID,
        "signature",
        "64 bytes that the key does not verify",
        WORKS,
        lambda: sign(jti="two").rpartition(".")[0] + "." + sign().rpartition(".")[2],
    ),
    of(
        Reason.JTI_REUSED,
        "fresh",
        "First used 2027-01-15 07:59:00 UTC, 62 seconds ago",
        "Not used before",
        sign,
        expected(first_seen=lambda _jti: datetime(2027, 1, 15, 7, 59, tzinfo=UTC)),
    ),
]

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@each_case
def test_assertion_is_refused_by_name(case: Case) -> None:
    refusal = refused(case.make(), case.expectation)
    assert refusal.reason is case.reason
    assert (refusal.found, refusal.needed) == (case.seen, case.expected)
    assert refusal.command == EXPLANATIONS[case.reason].command


@each_case
def test_debugger_says_what_the_endpoint_says(case: Case) -> None:
    examination = examine(case.make(), case.expectation)
    refusal = examination.refusal
    assert refusal is not None
    assert not examination.verified
    assert (refusal.name, refusal.reason) == (case.check, case.reason)
    assert (refusal.seen, refusal.expected) == (case.seen, case.expected)
    assert refusal.fix == EXPLANATIONS[case.reason].fix
    assert refusal.title


@each_case
def test_only_what_cannot_be_read_is_an_invalid_request(case: Case) -> None:
    unreadable = case.reason in {Reason.HEADER_B64, Reason.HEADER_ZIP}
    assert (case.reason in UNREADABLE) is unreadable


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

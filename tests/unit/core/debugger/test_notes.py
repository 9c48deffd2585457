"""What the debugger says of one particular assertion: the cause first."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from portal.core.assertion import EXPLANATIONS, Expectation, formatting
from portal.core.debugger import MAX_PAST_KEYS, CheckResult, examine
from portal.core.debugger.diff import describe_difference, difference
from portal.core.lifecycle import KeyStatus
from portal.core.reasons import Reason, Refused
from portal.core.strict.base64url import decode_url, encode_url
from tests.unit.core.assertions import (
    CLAIMS,
    CLIENT,
    ENDPOINT,
    EXPECTED,
    ISSUER,
    NOW,
    assemble,
    candidate,
    expected,
    part,
    refused,
    sign,
)
from tests.unit.core.public_key.test_properties import steady
from tests.unit.core.support import private_key, private_pem, public_pem

THEN = datetime(2027, 1, 15, 7, 0, tzinfo=UTC)
OTHER_HOST = (
    "Another host: {} instead of keys.example.com. Check that this is the right environment."
)
BOTH = expected(candidate("ES256"), candidate("PS256"))


def failed(assertion: str, expectation: Expectation = EXPECTED) -> CheckResult:
    refusal = examine(assertion, expectation).refusal
    assert refusal is not None
    return refusal


def in_der() -> str:
    key = private_key("P-256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signing_input = f"{part({'alg': 'ES256', 'kid': 'ES256'})}.{part(CLAIMS)}"
    return f"{signing_input}.{encode_url(key.sign(signing_input.encode(), ec.ECDSA(SHA256())))}"


def test_signed_by_another_key_than_kid_says() -> None:
    twin = expected(candidate("ES256", kid="new"), candidate("EdDSA"))
    refusal = failed(sign("ES256", {"kid": "EdDSA"}), twin)
    assert refusal.reason is Reason.KEY_ALG_OTHER_TYPE
    assert refusal.note == "It is signed by the key new, but kid is EdDSA."
    assert examine(sign("ES256", {"kid": "EdDSA"}), twin).signed_by == "new"


def test_kid_unknown_though_another_key_verifies() -> None:
    refusal = failed(sign(header={"kid": "x"}))
    assert refusal.reason is Reason.KID_UNKNOWN
    assert refusal.note == "It is signed by the key ES256, but kid is x."


def test_no_registered_key_verifies() -> None:
    forged = assemble({"alg": "ES256", "kid": "ES256"}, CLAIMS, b"x" * 64)
    refusal = failed(forged, BOTH)
    assert refusal.reason is Reason.SIGNATURE_INVALID
    spki = load_pem_public_key(public_pem("P-256")).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    assert refusal.note == (
        "No registered key of this client verifies the signature. The SHA-256 fingerprint of the"
        f" key ES256 is {sha256(spki).hexdigest()}. The command prints that of your private key."
    )
    assert examine(forged, BOTH).signed_by is None


def test_of_a_great_many_keys_only_those_that_were_tried_are_spoken_of() -> None:
    forged = assemble({"alg": "ES256", "kid": "ES256"}, CLAIMS, b"x" * 64)
    ended = [candidate("ES256", kid=f"{n}", status=KeyStatus.REVOKED) for n in range(MAX_PAST_KEYS)]
    note = failed(forged, expected(candidate("ES256"), *ended)).note
    assert note.startswith(
        "No live key of this client verifies the signature, and none of the newest 30 that ended."
    )


def test_signed_with_a_revoked_key_that_kid_does_not_name() -> None:
    old = candidate("ES384", kid="old", status=KeyStatus.REVOKED, since=THEN)
    refusal = failed(sign("ES384", {"kid": "ES256"}), expected(candidate("ES256"), old))
    assert refusal.note == (
        "It is signed by the key old, but kid is ES256."
        " Status of that key: Revoked since 15 Jan 2027, 07:00:00 UTC."
    )


def test_sibling_algorithm_says_how_to_switch() -> None:
    refusal = failed(sign("RS256", {"kid": "PS256"}), BOTH)
    assert refusal.reason is Reason.KEY_ALG_SIBLING
    assert refusal.note == (
        "It is signed by the key that kid names, PS256. It is signed with RS256, but the key "
        "is registered for PS256. Switch your library from RS256 to PS256, or register a key for "
        "RS256."
    )
    assert examine(sign("RS256", {"kid": "PS256"}), BOTH).signed_by is None


def test_header_that_says_ps256_over_an_rs256_signature() -> None:
    refusal = failed(sign("RS256", {"kid": "PS256", "alg": "PS256"}), BOTH)
    assert refusal.reason is Reason.SIGNATURE_INVALID
    assert "It is signed with RS256, but the key is registered for PS256" in refusal.note


def test_pss_with_the_salt_that_openssl_takes_by_itself() -> None:
    signing_input = f"{part({'alg': 'PS256', 'kid': 'PS256'})}.{part(CLAIMS)}"
    key = private_key("RSA")
    assert isinstance(key, rsa.RSAPrivateKey)
    padding = PSS(MGF1(SHA256()), PSS.MAX_LENGTH)
    signature = encode_url(key.sign(signing_input.encode(), padding, SHA256()))
    refusal = failed(f"{signing_input}.{signature}", BOTH)
    assert refusal.reason is Reason.SIGNATURE_INVALID
    assert refusal.note == (
        "It is signed by the key that kid names, PS256. Its salt has 222 bytes, and must be as "
        "long as the hash, 32 bytes (RFC 7518 §3.5). With openssl, sign with -sigopt "
        "rsa_pss_saltlen:digest."
    )
    assert examine(f"{signing_input}.{signature}", BOTH).signed_by is None


def test_der_signature() -> None:
    assertion = in_der()
    refusal = failed(assertion)
    assert refusal.reason is Reason.SIGNATURE_DER
    assert refused(assertion).reason is Reason.SIGNATURE_DER
    size = len(decode_url(assertion.rpartition(".")[2]) or b"")
    assert refusal.seen.startswith(f"An ECDSA signature in DER, {size} bytes")
    assert refusal.expected == "r and s, one after the other, 64 bytes"
    assert refusal.note == (
        "It is signed by the key that kid names, ES256. The signature is valid, but in DER."
    )


def test_no_kid_and_a_sibling_algorithm_says_which_key_it_was() -> None:
    several = expected(candidate("EdDSA"), candidate("PS256"), candidate("PS512"))
    refusal = failed(sign("RS256", without=("kid",)), several)
    assert refusal.reason is Reason.KEY_ALG_SIBLING
    assert refusal.expected == "PS256 or PS512, as the live keys are registered"
    assert refusal.note.startswith("It is signed by the key PS256.")


@pytest.mark.parametrize(
    ("audience", "note"),
    [
        (
            ISSUER + "/",
            "It has one slash too many at the end.",
        ),
        (
            "http" + ISSUER[5:],
            "http instead of https.",
        ),
        (
            "https://keys.example.org/api/oauth2/token",
            (OTHER_HOST.format("keys.example.org")),
        ),
    ],
)
def test_audience_differs_in_words(audience: str, note: str) -> None:
    refusal = failed(sign(aud=audience))
    assert refusal.reason is Reason.AUD_MISMATCH
    assert refusal.note == note


@pytest.mark.parametrize(
    ("seen", "needed", "what"),
    [
        (ISSUER + "//", ISSUER, "It has 2 slashes too many at the end."),
        (ISSUER, ISSUER + "/", "The slash at the end is missing."),
        (" " + ISSUER, ISSUER, "It has white space around it."),
        (f"<{ISSUER}>", ISSUER, "It has quotation marks or brackets around it."),
        (ISSUER.upper(), ISSUER, "Upper and lower case differ."),
        (ISSUER + ":8443", ISSUER, "The same host, but another port."),
        (ISSUER + "/v2", ISSUER, "The same host, but another path."),
        ("keys.example.com", ISSUER, "The https:// at the start is missing."),
        ("paymnets", "payments", "It is a different value."),
    ],
)
def test_difference_is_told_in_words(seen: str, needed: str, what: str) -> None:
    assert describe_difference(seen, needed).startswith(what + " The first difference is at char")


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        ("ftp://elsewhere/x", OTHER_HOST.format("elsewhere")),
        ("https://keys.example.org", OTHER_HOST.format("keys.example.org")),
        ("other", "It is a different value."),
        ("https://[", "It is a different value."),
        ("", "It is a different value."),
    ],
)  # fmt: skip
def test_other_host_or_value_is_not_compared_letter_by_letter(seen: str, what: str) -> None:
    assert describe_difference(seen, ISSUER) == what
    assert difference(seen, ISSUER) is None


@steady
@given(st.text(max_size=50))
def test_any_difference_can_be_told(text: str) -> None:
    assert describe_difference(text, ISSUER)
    difference(text, ISSUER)


@pytest.mark.parametrize(
    ("claims", "expectation", "note"),
    [
        ({"aud": [ISSUER, "x"]}, EXPECTED,
         "The array contains the right audience. Write it as one string, without brackets."),
        ({"aud": [1]}, EXPECTED, ""),
        ({"aud": ENDPOINT}, expected(token_endpoint=""),
         f"The token endpoint is not accepted as audience. Use the issuer, {ISSUER}."),
        ({"exp": NOW - 40, "iat": NOW - 100}, EXPECTED,
         ("It was created 102 seconds ago. If you just created it, your clock is 102 seconds "
          "behind the portal's.")),
        ({"iat": NOW + 90, "exp": NOW + 100}, EXPECTED,
         "If you just created it, your clock is 88 seconds ahead of the portal's."),
        ({"nbf": NOW + 90}, EXPECTED,
         "If you just created it, your clock is 88 seconds ahead of the portal's."),
        ({"exp": NOW * 1000}, EXPECTED,
         ("Divided by 1,000 it is 1800000000 (15 Jan 2027, 08:00:00 UTC); now is 1800000001"
         " (15 Jan 2027, 08:00:01 UTC).")),
        ({"exp": str(NOW + 60)}, EXPECTED, "Remove the quotation marks."),
        ({"jti": ""}, EXPECTED, ""),
    ],
)  # fmt: skip
def test_claim_that_fails_has_its_note(
    claims: dict[str, Any], expectation: Expectation, note: str
) -> None:
    assert failed(sign(**claims), expectation).note == note


def test_token_endpoint_with_the_newer_typ() -> None:
    refusal = failed(sign(header={"typ": "client-authentication+jwt"}, aud=ENDPOINT))
    assert refusal.note == (
        f"The token endpoint is not accepted as audience with this typ. Use the issuer, {ISSUER}."
    )


def test_iss_and_sub_that_differ() -> None:
    note = failed(sign(sub="user-7")).note
    assert note.endswith(f"iss and sub differ: iss is {CLIENT}.")


def test_algorithm_in_small_letters() -> None:
    note = failed(sign(header={"alg": "ps256"})).note
    assert note == "Algorithm names are case-sensitive: write PS256."


def test_every_reason_of_an_assertion_is_explained() -> None:
    reasons = list(Reason)
    of_assertions = set(reasons[reasons.index(Reason.ASSERTION_EMPTY) :])
    # A private key is refused wherever it is sent, also in the place of an assertion.
    assert set(EXPLANATIONS) == of_assertions | {Reason.PRIVATE_KEY}
    assert {Reason.CLIENT_UNKNOWN, Reason.CLIENT_ID_MISMATCH} <= of_assertions
    for each in EXPLANATIONS.values():
        assert each.title
        assert each.meaning.endswith((".", "?"))
        assert each.fix.endswith((".", "?"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", "an empty string"),
        ("a\n\u202eb", "a\\u000a\\u202eb"),
        ("\ud800", "\\ud800"),
        ("x" * 200, "x" * 99 + "…"),
        ("x" * 2048, "x" * 99 + "…"),
        ("x" * 2049, "a value of 2,049 characters, which is not shown"),
        (["x" * 2045], "a value of 2,049 characters, which is not shown"),
        ("eyJhbGciOiJFUzI1NiJ9", "a token, which is not shown"),
        ("eyJhbGciOiJFUzI1NiJ9.e30.x", "a token, which is not shown"),
        (private_pem("P-256").decode(), "something that must not be shown"),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_values_are_shown_safely(value: object, shown: str) -> None:
    assert formatting.brief(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.2, "1 second"),
        (90, "90 seconds"),
        (3700, "3,700 seconds (1 h 1 min)"),
        (90_000, "90,000 seconds (1 d 1 h)"),
    ],
)
def test_lengths_of_time_read_well(seconds: float, shown: str) -> None:
    assert formatting.span(seconds) == shown


def test_refusal_holds_nothing_of_the_signature() -> None:
    assertion = sign(jti="two").rpartition(".")[0] + "." + sign().rpartition(".")[2]
    refusal = refused(assertion)
    assert isinstance(refusal, Refused)
    assert sign().rpartition(".")[2][:20] not in str(refusal.args)

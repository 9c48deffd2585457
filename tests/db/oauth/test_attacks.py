"""What attackers send to the token endpoint, and for each: the answer, and the reason on record.

The answer tells one thing from the other only as RFC 6749 §5.2 does: malformed, or not
authenticated.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core.reasons import Reason
from portal.registry.models import AccessToken, Client, RedeemedAssertion, RefusedRequest
from tests.assertions import claims_of, encode, form_of, sign, signature_of
from tests.db.oauth.token_requests import ISSUER, TOKEN, Signer, body_of, new_signer, post
from tests.keys import new_private_key

Attack = Callable[[Signer, Signer], Any]
"""Given the attacked client and another one of the attacker's, returns the form to send."""


@pytest.fixture
def attacker(other: Client, cast: SimpleNamespace) -> Signer:
    return new_signer(other, cast.bob)


def claimed(signer: Signer, **claims: Any) -> dict[str, Any]:
    """Send an assertion that the client itself has signed, with these claims."""
    return form_of(signer.assertion(**claims))


def headed(signer: Signer, **header: Any) -> dict[str, Any]:
    """Send an assertion that the client itself has signed, with these header members."""
    good = claims_of(signer.client.client_id, ISSUER)
    return form_of(sign(signer.private, "ES256", good, **{"kid": signer.key.kid} | header))


def forged(signer: Signer, **header: Any) -> dict[str, Any]:
    """Send an assertion that somebody else has signed in the client's name."""
    good = claims_of(signer.client.client_id, ISSUER)
    members = {"kid": signer.key.kid} | header
    return form_of(sign(new_private_key("ES256"), "ES256", good, **members))


def unsigned(signer: Signer, alg: str, signature: Callable[[bytes], bytes]) -> dict[str, Any]:
    """Send an assertion whose signature is made in some way of its own."""
    header = {"alg": alg, "kid": signer.key.kid}
    claims = claims_of(signer.client.client_id, ISSUER)
    data = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    return form_of(f"{data}.{encode(signature(data.encode()))}")


def hmac_with_public_key(signer: Signer) -> dict[str, Any]:
    pem = signer.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return unsigned(signer, "HS256", lambda data: hmac.digest(pem, data, hashlib.sha256))


def doubled(signer: Signer) -> dict[str, Any]:
    """Name a claim twice, so that two parsers might read two things."""
    head = encode(json.dumps({"alg": "ES256", "kid": signer.key.kid}).encode())
    text = json.dumps(claims_of(signer.client.client_id, ISSUER))
    claims = text[:-1] + ', "aud": "https://elsewhere.example.com"}'
    data = f"{head}.{encode(claims.encode())}"
    signature = signature_of(signer.private, "ES256", data.encode())
    return form_of(f"{data}.{encode(signature)}")


def replayed(signer: Signer) -> dict[str, Any]:
    form = signer.form()
    assert post(TOKEN, form).status_code == 200
    RedeemedAssertion.objects.get()
    AccessToken.objects.all().delete()
    return form


def malleable(signer: Signer) -> dict[str, Any]:
    """Spell the last character of the signature in another way that decodes to the same bytes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assertion = signer.assertion()
    last = letters[letters.index(assertion[-1]) + 1]
    return form_of(assertion[:-1] + last)


JWK = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}
MALFORMED = (400, "invalid_request")
REFUSED = (401, "invalid_client")

ATTACKS: dict[str, tuple[Attack, tuple[int, str], Reason]] = {
    "alg none": (
        lambda s, _: unsigned(s, "none", lambda _: b""),
        REFUSED,
        Reason.HEADER_ALG_NONE,
    ),
    "alg nOnE": (
        lambda s, _: unsigned(s, "nOnE", lambda _: b""),
        REFUSED,
        Reason.HEADER_ALG_NONE,
    ),
    "HS256 with the public key as secret": (
        lambda s, _: hmac_with_public_key(s),
        REFUSED,
        Reason.HEADER_ALG_HMAC,
    ),
    "no signature": (
        lambda s, _: unsigned(s, "ES256", lambda _: b""),
        REFUSED,
        Reason.SIGNATURE_INVALID,
    ),
    "r = s = 0 (CVE-2022-21449)": (
        lambda s, _: unsigned(s, "ES256", lambda _: bytes(64)),
        REFUSED,
        Reason.SIGNATURE_INVALID,
    ),
    "another key": (lambda s, _: forged(s), REFUSED, Reason.SIGNATURE_INVALID),
    "kid of another client's key": (
        lambda s, a: form_of(
            sign(a.private, "ES256", claims_of(s.client.client_id, ISSUER), kid=a.key.kid)
        ),
        REFUSED,
        Reason.KID_UNKNOWN,
    ),
    "another client's own assertion, in this one's name": (
        lambda s, a: a.form(client_id=s.client.client_id),
        REFUSED,
        Reason.CLIENT_ID_MISMATCH,
    ),
    "kid that is a path": (
        lambda s, _: forged(s, kid="../../../../dev/null"),
        REFUSED,
        Reason.KID_UNKNOWN,
    ),
    "kid that is SQL": (lambda s, _: forged(s, kid="' OR 1=1 --"), REFUSED, Reason.KID_UNKNOWN),
    "kid that is a number": (lambda s, _: forged(s, kid=1), REFUSED, Reason.KID_UNKNOWN),
    "embedded jwk": (lambda s, _: forged(s, jwk=JWK), REFUSED, Reason.HEADER_EMBEDDED_KEY),
    "jku": (
        lambda s, _: forged(s, jku="https://evil.example.com/jwks"),
        REFUSED,
        Reason.HEADER_EMBEDDED_KEY,
    ),
    "x5u": (
        lambda s, _: forged(s, x5u="https://evil.example.com/x"),
        REFUSED,
        Reason.HEADER_EMBEDDED_KEY,
    ),
    "x5c": (lambda s, _: forged(s, x5c=["MIIB"]), REFUSED, Reason.HEADER_EMBEDDED_KEY),
    "crit": (lambda s, _: headed(s, crit=["exp"]), REFUSED, Reason.HEADER_CRIT),
    "b64": (lambda s, _: headed(s, b64=False), MALFORMED, Reason.HEADER_B64),
    "zip": (lambda s, _: headed(s, zip="DEF"), MALFORMED, Reason.HEADER_ZIP),
    "an access token's typ": (lambda s, _: headed(s, typ="at+jwt"), REFUSED, Reason.HEADER_TYP),
    "sibling algorithm": (
        lambda s, _: unsigned(s, "ES384", lambda _: bytes(96)),
        REFUSED,
        Reason.KEY_ALG_OTHER_TYPE,
    ),
    "aud of another server": (
        lambda s, _: claimed(s, aud="https://elsewhere.example.com"),
        REFUSED,
        Reason.AUD_MISMATCH,
    ),
    "aud with a slash": (lambda s, _: claimed(s, aud=f"{ISSUER}/"), REFUSED, Reason.AUD_MISMATCH),
    "aud in capitals": (
        lambda s, _: claimed(s, aud=ISSUER.upper()),
        REFUSED,
        Reason.AUD_MISMATCH,
    ),
    "aud as an array": (
        lambda s, _: claimed(s, aud=[ISSUER, "https://elsewhere.example.com"]),
        REFUSED,
        Reason.AUD_ARRAY,
    ),
    "aud is the token endpoint, with the newer typ": (
        lambda s, _: claimed(s, aud=f"{ISSUER}{TOKEN}"),
        REFUSED,
        Reason.AUD_TOKEN_ENDPOINT,
    ),
    "aud of a confirmation": (
        lambda s, _: claimed(
            s, aud=f"{ISSUER}/clients/{s.client.client_id}/keys/{s.key.kid}/confirmation/"
        ),
        REFUSED,
        Reason.AUD_MISMATCH,
    ),
    "no aud": (lambda s, _: claimed(s, aud=None), REFUSED, Reason.CLAIM_MISSING),
    "sub of another client": (
        lambda s, a: claimed(s, sub=a.client.client_id) | {"client_id": s.client.client_id},
        REFUSED,
        Reason.SUB_MISMATCH,
    ),
    "iss of another client": (
        lambda s, a: claimed(s, iss=a.client.client_id),
        REFUSED,
        Reason.ISS_MISMATCH,
    ),
    "expired": (lambda s, _: claimed(s, exp=int(time.time()) - 1), REFUSED, Reason.EXPIRED),
    "good for a year": (
        lambda s, _: claimed(s, exp=int(time.time()) + 31_536_000),
        REFUSED,
        Reason.LIFETIME_TOO_LONG,
    ),
    "good for ever": (lambda s, _: claimed(s, exp=10**10), REFUSED, Reason.LIFETIME_TOO_LONG),
    "exp is true": (lambda s, _: claimed(s, exp=True), REFUSED, Reason.DATE_NOT_NUMBER),
    "exp is a string": (
        lambda s, _: claimed(s, exp=str(int(time.time()) + 60)),
        REFUSED,
        Reason.DATE_NOT_NUMBER,
    ),
    "no exp": (lambda s, _: claimed(s, exp=None), REFUSED, Reason.CLAIM_MISSING),
    "from the future": (
        lambda s, _: claimed(s, iat=int(time.time()) + 60, exp=int(time.time()) + 120),
        REFUSED,
        Reason.IAT_AHEAD,
    ),
    "no jti": (lambda s, _: claimed(s, jti=None), REFUSED, Reason.CLAIM_MISSING),
    "jti of a megabyte would not fit; of 10,000 characters does": (
        lambda s, _: claimed(s, jti="x" * 10_000),
        REFUSED,
        Reason.JTI_LENGTH,
    ),
    "replay": (lambda s, _: replayed(s), REFUSED, Reason.JTI_REUSED),
    "the same signature, spelt otherwise": (
        lambda s, _: malleable(s),
        MALFORMED,
        Reason.ASSERTION_BASE64URL,
    ),
    "a claim twice": (lambda s, _: doubled(s), MALFORMED, Reason.ASSERTION_MEMBER_TWICE),
    "JWE": (lambda _s, _a: form_of("a.b.c.d.e"), MALFORMED, Reason.ASSERTION_ENCRYPTED),
    "JSON serialization": (
        lambda _s, _a: form_of('{"payload": "e30", "signatures": []}'),
        MALFORMED,
        Reason.ASSERTION_JSON_FORM,
    ),
    "deep nesting": (
        lambda _s, _a: form_of(f"{encode(b'{}')}.{encode(b'[' * 3000)}.AA"),
        MALFORMED,
        Reason.ASSERTION_TOO_NESTED,
    ),
    "40 KB of dots": (
        lambda _s, _a: form_of("." * 40_000),
        MALFORMED,
        Reason.ASSERTION_TOO_LARGE,
    ),
    "no assertion": (
        lambda s, _: {"grant_type": "client_credentials", "client_id": s.client.client_id},
        REFUSED,
        Reason.ASSERTION_MISSING,
    ),
    "a secret instead": (
        lambda s, _: {
            "grant_type": "client_credentials",
            "client_id": s.client.client_id,
            "client_secret": "guessed",
        },
        REFUSED,
        Reason.CLIENT_SECRET,
    ),
    "a secret beside it": (
        lambda s, _: s.form(client_secret="guessed"),
        MALFORMED,
        Reason.SEVERAL_AUTH_METHODS,
    ),
    "two assertions": (
        lambda s, a: [*s.form().items(), ("client_assertion", a.assertion())],
        MALFORMED,
        Reason.PARAMETER_REPEATED,
    ),
    "another type of assertion": (
        lambda s, _: s.form(
            client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
        ),
        REFUSED,
        Reason.ASSERTION_TYPE_WRONG,
    ),
    "a client that does not exist": (
        lambda s, _: claimed(s, iss="nobody", sub="nobody"),
        REFUSED,
        Reason.CLIENT_UNKNOWN,
    ),
    "neither a client nor a key that exists": (
        lambda s, _: form_of(sign(s.private, "ES256", claims_of("nobody", ISSUER))),
        REFUSED,
        Reason.CLIENT_UNKNOWN,
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_nothing_and_is_on_record(
    signer: Signer, attacker: Signer, name: str
) -> None:
    attack, (status, error), reason = ATTACKS[name]
    response = post(TOKEN, attack(signer, attacker))
    body = body_of(response)
    row = RefusedRequest.objects.get()
    assert (response.status_code, body["error"], row.reason) == (status, error, reason)
    page = f"{ISSUER}/token-requests/{row.reference}/"
    assert body.get("error_uri") == (page if row.client else None)
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("scheme", ["Basic", "Bearer", "DPoP"])
def test_two_ways_of_signing_in_at_once_are_refused(signer: Signer, scheme: str) -> None:
    credentials = base64.b64encode(f"{signer.client.client_id}:guessed".encode()).decode()
    response = post(TOKEN, signer.form(), HTTP_AUTHORIZATION=f"{scheme} {credentials}")
    assert response.status_code == 400
    assert RefusedRequest.objects.get().reason == Reason.SEVERAL_AUTH_METHODS
    assert not RedeemedAssertion.objects.exists()


def test_a_megabyte_is_not_even_read(signer: Signer) -> None:
    response = post(TOKEN, form_of("x" * 1_000_000))
    assert (response.status_code, body_of(response)["error"]) == MALFORMED


def test_all_who_are_not_authenticated_get_one_answer(signer: Signer, attacker: Signer) -> None:
    """But for a secret, which is never taken, and for whom the request points to at all."""
    answers: dict[bool, set[str]] = {True: set(), False: set()}
    for attack, expected, reason in ATTACKS.values():
        if expected == REFUSED and reason != Reason.CLIENT_SECRET:
            response = post(TOKEN, attack(signer, attacker))
            body = body_of(response)
            row = RefusedRequest.objects.latest("pk")
            of_each = {"Content-Length", "X-Request-ID"}
            headers = {name: value for name, value in response.items() if name not in of_each}
            text = json.dumps([body, headers], sort_keys=True).replace(row.reference, "REFERENCE")
            answers[row.client is not None].add(text)
    assert {known: len(texts) for known, texts in answers.items()} == {True: 1, False: 1}

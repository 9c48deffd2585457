"""What the tests of client assertions share: a client, its keys, and assertions that it signs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion import (
    CandidateKey,
    Expectation,
    VerifiedAssertion,
    parse_unverified,
    verify,
)
from portal.core.formats.spki import COORDINATE_BYTES
from portal.core.reasons import Refused
from portal.core.signatures import _HASHES, padding_of
from portal.core.strict.base64url import encode_url
from tests.unit.core.support import private_key, public_pem

NOW = 1_800_000_000
CLIENT = "client-1"
ISSUER = "https://keys.example.com"
ENDPOINT = ISSUER + "/api/oauth2/token"

CLAIMS: dict[str, Any] = {
    "iss": CLIENT,
    "sub": CLIENT,
    "aud": ISSUER,
    "iat": NOW,
    "exp": NOW + 60,
    "jti": "one",
}


def kind_of(alg: str) -> str:
    """Return the kind of key (in `support`) for an algorithm."""
    algorithm = ALGORITHMS[alg]
    return algorithm.curve or "RSA"


def candidate(alg: str, **changes: Any) -> CandidateKey:
    """Return the key of the tests for an algorithm, registered with it as kid."""
    return replace(CandidateKey(alg, alg, public_pem(kind_of(alg)).decode()), **changes)


def raw_signature(alg: str, message: bytes) -> bytes:
    """Sign as a JWS does, with `cryptography` alone."""
    key: Any = private_key(kind_of(alg))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding_of(alg), _HASHES[alg[2:]])
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(_HASHES[alg[2:]])))
        size = COORDINATE_BYTES[kind_of(alg)]
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    signature: bytes = key.sign(message)
    return signature


def part(value: object) -> str:
    """Return a header or payload: JSON of a value, or bytes and text as they are, in base64url."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    return encode_url(value if isinstance(value, bytes) else json.dumps(value).encode())


def assemble(header: object, claims: object, signature: bytes = b"signature") -> str:
    """Return an assertion of any header, claims and signature."""
    return f"{part(header)}.{part(claims)}.{encode_url(signature)}"


def sign(
    alg: str = "ES256",
    header: dict[str, Any] | None = None,
    *,
    without: tuple[str, ...] = (),
    **claims: Any,
) -> str:
    """Return an assertion signed with the key of this algorithm; header and claims are changed."""
    full = {"alg": alg, "kid": alg} | (header or {})
    full = {name: value for name, value in full.items() if name not in without}
    body = {name: value for name, value in (CLAIMS | claims).items() if name not in without}
    signing_input = f"{part(full)}.{part(body)}"
    return f"{signing_input}.{encode_url(raw_signature(alg, signing_input.encode()))}"


EXPECTED = Expectation(
    client_id=CLIENT,
    issuer=ISSUER,
    keys=(candidate("ES256"),),
    now=NOW + 1.5,
    token_endpoint=ENDPOINT,
)


def expected(*keys: CandidateKey, **changes: Any) -> Expectation:
    """Return what is expected, with these keys (by default the one of ES256)."""
    changes = ({"keys": keys} if keys else {}) | changes
    return replace(EXPECTED, **changes)


def verdict_on(assertion: str | bytes, expectation: Expectation = EXPECTED) -> object:
    """Return the assertion, verified, or why it is refused."""
    try:
        return verify(parse_unverified(assertion), expectation)
    except Refused as refused:
        return refused


def accepted(assertion: str | bytes, expectation: Expectation = EXPECTED) -> VerifiedAssertion:
    """Return the assertion, verified; fail when it is refused."""
    outcome = verdict_on(assertion, expectation)
    assert isinstance(outcome, VerifiedAssertion), outcome
    return outcome


def refused(assertion: str | bytes, expectation: Expectation = EXPECTED) -> Refused:
    """Return why the assertion is refused; fail when it is accepted."""
    outcome = verdict_on(assertion, expectation)
    assert isinstance(outcome, Refused), outcome
    return outcome

"""Other libraries sign and we verify; what we refuse as forged, they refuse as well."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from joserfc import jws as joserfc_jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import import_key
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS, InvalidJWSSignature

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion import CandidateKey
from portal.core.reasons import Reason
from portal.core.strict.base64url import decode_url, encode_url
from tests.unit.core.assertions import CLAIMS, accepted, candidate, expected, kind_of, refused, sign
from tests.unit.core.support import private_pem, public_pem

PAYLOAD = json.dumps(CLAIMS).encode()
CLASSIC = [name for name in ALGORITHMS if not name.startswith("ML-DSA")]

REFUSALS = (jwt.InvalidTokenError, BadSignatureError, InvalidJWSSignature, ValueError)

Sign = Callable[[str, dict[str, str]], str]
Verify = Callable[[str, str], bytes]


def by_pyjwt(alg: str, header: dict[str, str]) -> str:
    return jwt.encode(CLAIMS, private_pem(kind_of(alg)), header["alg"], headers=dict(header))


def joserfc_key(pem: bytes, alg: str) -> Any:
    kty: Any = ALGORITHMS[alg].kty
    return import_key(pem, kty)


def by_joserfc(alg: str, header: dict[str, str]) -> str:
    key = joserfc_key(private_pem(kind_of(alg)), alg)
    return joserfc_jws.serialize_compact(dict(header), PAYLOAD, key, algorithms=[header["alg"]])


def by_jwcrypto(alg: str, header: dict[str, str]) -> str:
    token = JWS(PAYLOAD)
    token.add_signature(JWK.from_pem(private_pem(kind_of(alg))), None, json.dumps(header))
    text: str = token.serialize(compact=True)
    return text


def pyjwt_reads(alg: str, text: str) -> bytes:
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    names = list(ALGORITHMS[alg].headers)
    claims = jwt.decode(text, public_pem(kind_of(alg)).decode(), names, options=options)
    return json.dumps(claims).encode()


def joserfc_reads(alg: str, text: str) -> bytes:
    key = joserfc_key(public_pem(kind_of(alg)), alg)
    name = header_name(alg, joserfc_reads)
    return joserfc_jws.deserialize_compact(text, key, algorithms=[name]).payload


def jwcrypto_reads(alg: str, text: str) -> bytes:
    token = JWS()
    token.deserialize(text)
    token.verify(JWK.from_pem(public_pem(kind_of(alg))))
    payload: bytes = token.payload
    return payload


def header_name(alg: str, peer: object) -> str:
    """Return the name that a library knows: joserfc warns of EdDSA, the others know no other."""
    return ALGORITHMS[alg].headers[-1 if peer in {by_joserfc, joserfc_reads} else 0]


@pytest.mark.parametrize("alg", CLASSIC)
@pytest.mark.parametrize("by", [by_pyjwt, by_joserfc, by_jwcrypto])
def test_what_others_sign_is_accepted(alg: str, by: Sign) -> None:
    key: CandidateKey = candidate(alg)
    text = by(alg, {"alg": header_name(alg, by), "kid": alg, "typ": "JWT"})
    assert accepted(text, expected(key)).kid == alg


@pytest.mark.parametrize("alg", CLASSIC)
@pytest.mark.parametrize("reads", [pyjwt_reads, joserfc_reads, jwcrypto_reads])
def test_what_is_signed_here_is_accepted_by_others(alg: str, reads: Verify) -> None:
    """So the signatures of the tests, which ours are tried with, are those of the standards."""
    assert json.loads(reads(alg, sign(alg, {"alg": header_name(alg, reads)}))) == CLAIMS


def mutated(text: str) -> dict[str, str]:
    """Return assertions with the signature changed in ways that a lax verifier takes."""
    signing_input, _, encoded = text.rpartition(".")
    signature = decode_url(encoded)
    assert signature
    half = len(signature) // 2
    changed = {
        "no signature": b"",
        "zeros": bytes(len(signature)),
        "ones": b"\xff" * len(signature),
        "cut": signature[:-1],
        "one byte more": signature + b"\0",
        "a byte before": b"\0" + signature,
        "halves swapped": signature[half:] + signature[:half],
        "first bit": bytes((signature[0] ^ 0x80,)) + signature[1:],
        "last bit": signature[:-1] + bytes((signature[-1] ^ 1,)),
    }
    return {name: f"{signing_input}.{encode_url(each)}" for name, each in changed.items()}


@pytest.mark.parametrize("alg", CLASSIC)
@pytest.mark.parametrize("reads", [pyjwt_reads, joserfc_reads, jwcrypto_reads])
def test_what_is_refused_here_is_refused_by_others(alg: str, reads: Verify) -> None:
    good = sign(alg, {"alg": header_name(alg, reads)})
    assert reads(alg, good)
    for bad in mutated(good).values():
        assert refused(bad, expected(candidate(alg))).reason is Reason.SIGNATURE_INVALID
        with pytest.raises(REFUSALS):
            reads(alg, bad)

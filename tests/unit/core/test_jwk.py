"""JWKs and thumbprints, with joserfc and jwcrypto as independent witnesses."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import JWKRegistry
from jwcrypto.jwk import JWK

from portal.core.jwk import published_jwk
from portal.core.public_key import PublicKey
from portal.core.public_key.parse import parse_public_key
from tests.unit.core.support import KINDS, key_of

MEMBERS = {
    "RSA": {"kty", "n", "e"},
    "EC": {"kty", "crv", "x", "y"},
    "OKP": {"kty", "crv", "x"},
    "AKP": {"kty", "alg", "pub"},
}


def by_joserfc(key: PublicKey) -> tuple[dict[str, str], str]:
    jwk = JWKRegistry.import_key(key.pem, key.kty)
    return {name: str(value) for name, value in jwk.as_dict(private=False).items()}, str(
        jwk.thumbprint()
    )


def by_jwcrypto(key: PublicKey) -> tuple[dict[str, str], str]:
    jwk = JWK.from_pem(key.pem.encode())
    members = json.loads(jwk.export_public())
    members.pop("kid")
    return members, str(jwk.thumbprint())


@pytest.mark.parametrize("kind", KINDS)
def test_jwk_has_the_required_public_members_and_no_others(kind: str) -> None:
    key = key_of(kind)
    assert key.jwk_members.keys() == MEMBERS[key.kty]
    assert all(isinstance(value, str) and "=" not in value for value in key.jwk_members.values())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("ML-DSA")])
def test_jwk_and_thumbprint_are_those_of_other_libraries(kind: str) -> None:
    key = key_of(kind)
    joserfc_members, joserfc_thumbprint = by_joserfc(key)
    joserfc_members.pop("kid", None)
    assert joserfc_members == key.jwk_members
    assert joserfc_thumbprint == key.thumbprint
    assert by_jwcrypto(key) == (key.jwk_members, key.thumbprint)


@pytest.mark.parametrize("kind", ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_ml_dsa_jwk_is_read_by_jwcrypto_with_the_same_thumbprint(kind: str) -> None:
    """The thumbprints of RFC 9964 itself are in test_known_keys."""
    jwk = JWK(**key_of(kind).jwk_members)
    assert jwk.thumbprint() == key_of(kind).thumbprint


def test_200_p521_keys_have_full_length_coordinates() -> None:
    """RFC 7518 §6.2.1.2: one key in 128 has an x or y with a leading zero octet or more."""
    for _ in range(200):
        public = ec.generate_private_key(ec.SECP521R1()).public_key()
        key = parse_public_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        assert {len(key.jwk_members[name]) for name in ("x", "y")} == {88}
        assert by_joserfc(key)[1] == by_jwcrypto(key)[1] == key.thumbprint


def test_coordinates_with_leading_zeros_keep_them() -> None:
    """The point of P-256 with x = 5."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    numbers = ec.EllipticCurvePublicNumbers(5, pow(125 - 15 + b, (p + 1) // 4, p), ec.SECP256R1())
    pem = numbers.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert parse_public_key(pem).jwk_members["x"] == "A" * 42 + "U"


@pytest.mark.parametrize(
    ("kind", "alg", "published"),
    [
        ("RSA", "PS256", "PS256"),
        ("RSA", "RS256", "RS256"),
        ("RSA-PSS", "PS384", "PS384"),
        ("P-256", "ES256", "ES256"),
        ("Ed25519", "EdDSA", None),
        ("Ed448", "Ed448", None),
        ("ML-DSA-44", "ML-DSA-44", "ML-DSA-44"),
    ],
)
def test_published_jwk_has_kid_use_and_alg_except_for_okp(
    kind: str, alg: str, published: str | None
) -> None:
    key = key_of(kind)
    jwk = published_jwk(key, alg)
    assert jwk.keys() == MEMBERS[key.kty] | {"kid", "use"} | ({"alg"} if published else set())
    assert jwk.get("alg") == published
    assert (jwk["kid"], jwk["use"]) == (key.thumbprint, "sig")


@pytest.mark.parametrize("kind", KINDS)
def test_published_jwk_can_be_registered_again(kind: str) -> None:
    key = key_of(kind)
    alg = {"RSA": "PS256", "RSA-PSS": "PS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
    again = parse_public_key(json.dumps(published_jwk(key, alg.get(kind, kind))))
    assert again.spki == key.spki
    assert again.notes == ()

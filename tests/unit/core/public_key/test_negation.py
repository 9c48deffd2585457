"""The key with the other sign belongs to the same private value, and is judged with it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core.formats.spki import CURVES, parse_spki
from portal.core.key_policy import edwards
from portal.core.key_policy.policy import KeyPolicy
from portal.core.public_key.negation import fingerprints, negative
from portal.core.reasons import Reason
from tests.unit.core.support import key_of, private_key, verdict

SIGNED = ("P-256", "P-384", "P-521", "Ed25519", "Ed448")
ORDERS = {  # SP 800-186 §3.2.1
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        16,
    ),
    "P-521": int(
        "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d"
        "03bb5c9b8899c47aebb6fb71e91386409",
        16,
    ),
}


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_negative_of_a_point_is_what_the_negated_private_value_gives(curve: str) -> None:
    key = private_key(curve)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    scalar = ORDERS[curve] - key.private_numbers().private_value
    public = ec.derive_private_key(scalar, CURVES[curve]).public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = negative(key_of(curve))
    assert found is not None
    assert found.spki == spki


@pytest.mark.parametrize("curve", ["Ed25519", "Ed448"])
def test_negative_of_an_edwards_point_adds_up_to_nothing(curve: str) -> None:
    found = negative(key_of(curve))
    assert found is not None
    points = [edwards._decode(edwards._CURVES[curve], each.raw) for each in (key_of(curve), found)]
    assert all(points)
    total = edwards._add(edwards._CURVES[curve], *points)  # type: ignore[arg-type]
    assert edwards._is_identity(edwards._CURVES[curve], total)


@pytest.mark.parametrize("kind", SIGNED)
def test_negative_of_the_negative_is_the_key(kind: str) -> None:
    other = negative(key_of(kind))
    assert other is not None
    assert other != key_of(kind)
    back = negative(other)
    assert back is not None
    assert back.spki == key_of(kind).spki
    assert parse_spki(other.spki).spki == other.spki
    assert set(fingerprints(other)) == set(fingerprints(key_of(kind)))


@pytest.mark.parametrize("kind", ["RSA", "ML-DSA-44"])
def test_key_without_a_sign_has_one_fingerprint(kind: str) -> None:
    assert negative(key_of(kind)) is None
    assert fingerprints(key_of(kind)) == (key_of(kind).spki_sha256,)


@pytest.mark.parametrize("kind", SIGNED)
def test_blocked_key_is_refused_with_either_sign(kind: str) -> None:
    blocked = {key_of(kind).spki_sha256}
    policy = KeyPolicy(is_blocked=blocked.__contains__)
    other = negative(key_of(kind))
    assert other is not None
    for key in (key_of(kind), other):
        refused = verdict(key, policy)
        assert refused is not None
        assert refused.reason is Reason.BLOCKED
    assert verdict(other) is None

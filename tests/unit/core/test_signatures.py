"""Signatures that verify and those that must not, in the manner of Project Wycheproof."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from portal.core.algorithms import ALGORITHMS
from portal.core.formats.jwk import parse_jwk
from portal.core.formats.spki import COORDINATE_BYTES, CURVES
from portal.core.signatures import verifier_of
from portal.core.strict.base64url import decode_url
from tests.unit.core.assertions import kind_of, raw_signature
from tests.unit.core.public_key.test_properties import steady
from tests.unit.core.support import private_key, public_pem

# The examples of RFC 7515 (A.2 to A.4), RFC 7520 (4.1 to 4.3), RFC 8037 (A.4) and RFC 9964 (A.1).
EXAMPLES = json.loads((Path(__file__).parents[2] / "vectors" / "published_jws.json").read_text())
MESSAGE = b"eyJhbGciOiJFUzI1NiJ9.e30"
ORDERS = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": int(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
        "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
        16,
    ),
    "P-521": int(
        "1" + "F" * 65 + "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
        16,
    ),
}
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def verifies(alg: str, signature: bytes, message: bytes = MESSAGE) -> bool:
    return verifier_of(public_pem(kind_of(alg)).decode(), alg)(signature, message)


each_alg = pytest.mark.parametrize("alg", ALGORITHMS)
each_ecdsa = pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])


@each_alg
def test_signature_verifies(alg: str) -> None:
    assert verifies(alg, raw_signature(alg, MESSAGE))


@each_alg
def test_other_message_does_not(alg: str) -> None:
    assert not verifies(alg, raw_signature(alg, MESSAGE), MESSAGE + b" ")


@each_alg
def test_bytes_too_many_or_too_few_do_not(alg: str) -> None:
    good = raw_signature(alg, MESSAGE)
    for bad in (b"", good[1:], good[:-1], b"\0" + good, good + b"\0", good + good):
        assert not verifies(alg, bad)


@each_alg
def test_all_bytes_the_same_do_not(alg: str) -> None:
    size = len(raw_signature(alg, MESSAGE))
    assert not verifies(alg, b"\0" * size)
    assert not verifies(alg, b"\xff" * size)


@each_alg
def test_every_single_changed_bit_is_noticed(alg: str) -> None:
    good = raw_signature(alg, MESSAGE)
    for at in range(0, len(good), max(len(good) // 64, 1)):
        bad = bytearray(good)
        bad[at] ^= 1 << at % 8
        assert not verifies(alg, bytes(bad))


@each_alg
def test_any_other_key_does_not_verify(alg: str) -> None:
    good = raw_signature(alg, MESSAGE)
    for other in ALGORITHMS:
        if other != alg:
            assert not verifies(other, good)


@steady
@given(st.sampled_from(list(ALGORITHMS)), st.binary(max_size=300))
def test_any_bytes_are_no_signature_and_raise_nothing(alg: str, signature: bytes) -> None:
    assert not verifies(alg, signature)


@each_ecdsa
def test_ecdsa_numbers_out_of_range_do_not(alg: str) -> None:
    """r and s are in 1 to n - 1 (FIPS 186-5 §6.4.2); zeros once passed in Java (CVE-2022-21449)."""
    curve = kind_of(alg)
    size, order = COORDINATE_BYTES[curve], ORDERS[curve]
    good = raw_signature(alg, MESSAGE)
    r, s = int.from_bytes(good[:size], "big"), int.from_bytes(good[size:], "big")
    top = (1 << 8 * size) - 1
    for bad in ((0, 0), (0, s), (r, 0), (1, 0), (0, 1), (order, s), (r, order), (order, order),
                (top, s), (r, top), (order - 1, order - 1), (1, 1), (s, r)):  # fmt: skip
        assert not verifies(alg, b"".join(each.to_bytes(size, "big") for each in bad))
    if s + order <= top:
        assert not verifies(alg, good[:size] + (s + order).to_bytes(size, "big"))


@pytest.mark.parametrize("curve", ORDERS)
def test_orders_are_those_of_the_groups(curve: str) -> None:
    assert ec.derive_private_key(ORDERS[curve] - 1, CURVES[curve])
    with pytest.raises(ValueError, match="out of range"):
        ec.derive_private_key(ORDERS[curve], CURVES[curve])


@each_ecdsa
def test_ecdsa_numbers_of_another_length_do_not(alg: str) -> None:
    """RFC 7518 §3.4: a zero more before a number would give a signature siblings."""
    good = raw_signature(alg, MESSAGE)
    size = len(good) // 2
    assert not verifies(alg, good[:size] + b"\0" + good[size:])


@each_ecdsa
def test_ecdsa_in_der_does_not(alg: str) -> None:
    key: Any = private_key(kind_of(alg))
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert not verifies(alg, key.sign(MESSAGE, ec.ECDSA(SHA256())))


def test_ecdsa_with_another_hash_does_not() -> None:
    key: Any = private_key("P-256")
    r, s = decode_dss_signature(key.sign(MESSAGE, ec.ECDSA(SHA384())))
    assert not verifies("ES256", r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def rsa_key() -> rsa.RSAPrivateKey:
    key = private_key("RSA")
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@pytest.mark.parametrize(
    "make",
    [
        *(
            lambda salt=salt: rsa_key().sign(MESSAGE, PSS(MGF1(SHA256()), salt), SHA256())
            for salt in (0, 20, 31, 33, 48, 64, PSS.MAX_LENGTH)
        ),
        lambda: rsa_key().sign(MESSAGE, PSS(MGF1(SHA384()), 48), SHA384()),
        lambda: rsa_key().sign(MESSAGE, PSS(MGF1(SHA384()), 32), SHA256()),
        lambda: rsa_key().sign(MESSAGE, PSS(MGF1(SHA1()), 32), SHA256()),  # noqa: S303
        lambda: rsa_key().sign(MESSAGE, PKCS1v15(), SHA256()),
    ],
)
def test_other_padding_is_not_ps256(make: Callable[[], bytes]) -> None:
    assert not verifies("PS256", make())


def test_pss_or_another_hash_is_not_rs256() -> None:
    assert not verifies("RS256", raw_signature("PS256", MESSAGE))
    assert not verifies("RS256", rsa_key().sign(MESSAGE, PKCS1v15(), SHA384()))


def test_rsa_signature_plus_the_modulus_does_not() -> None:
    n = rsa_key().public_key().public_numbers().n
    good = int.from_bytes(raw_signature("PS256", MESSAGE), "big")
    for bad in (good + n, n, n - 1, n - good, 0, 1):
        assert not verifies("PS256", bad.to_bytes(257, "big").removeprefix(b"\0"))


def test_ed25519_signature_with_a_larger_s_does_not() -> None:
    """RFC 8032 §5.1.7: S is below the order of the group, or a signature would have siblings."""
    good = raw_signature("EdDSA", MESSAGE)
    s = int.from_bytes(good[32:], "little")
    for more in range(1, 16):
        bad = s + more * ED25519_ORDER
        if bad < 1 << 256:
            assert not verifies("EdDSA", good[:32] + bad.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "point", [b"\1" + b"\0" * 31, b"\0" * 32, b"\xec" + b"\xff" * 30 + b"\x7f"]
)
def test_ed25519_signature_with_a_point_of_small_order_does_not(point: bytes) -> None:
    assert not verifies("EdDSA", point + b"\0" * 32)


def test_key_of_another_kind_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        verifier_of(public_pem("P-256").decode(), "PS256")
    with pytest.raises(TypeError):
        verifier_of(public_pem("P-384").decode(), "ES256")
    with pytest.raises(KeyError):
        verifier_of(public_pem("P-256").decode(), "none")


def test_ed25519_key_is_the_one_of_the_object() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert verifier_of(pem, "EdDSA")(key.sign(MESSAGE), MESSAGE)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["name"] for example in EXAMPLES])
def test_published_example_verifies(example: dict[str, Any]) -> None:
    key = parse_jwk(example["jwk"])
    signing_input, _, signature = example["jws"].rpartition(".")
    decoded = decode_url(signature)
    assert decoded
    verifier = verifier_of(key.pem, example["alg"])
    assert verifier(decoded, signing_input.encode())
    assert not verifier(decoded, signing_input.encode() + b"A")

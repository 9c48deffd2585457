"""Whatever the input is, out comes an accepted key or a `Refused`, and nothing else."""

from __future__ import annotations

import json
import os

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal.core.jwk import published_jwk
from portal.core.key_policy.policy import KeyPolicy
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from tests.unit.core.support import (
    KINDS,
    certificate_pem,
    der_of,
    outcome,
    pem,
    private_pem,
    public_pem,
    refusal,
    verdict,
)

steady = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
"""The same choices in every run; only the keys are fresh."""

thorough = settings(steady, max_examples=300 if os.environ.get("STRUCTURES") else 100)
"""`make test-all` tries more."""

VALID = [
    *(public_pem(kind) for kind in KINDS),
    *(certificate_pem(kind) for kind in ("RSA", "P-256", "Ed25519")),
    *(json.dumps(parse_public_key(public_pem(kind)).jwk_members).encode() for kind in KINDS),
]
DER = [
    (block.split(b"-----")[1].decode()[6:], der_of(block))
    for block in VALID
    if b"-----BEGIN" in block
]
PRIVATE = [private_pem(kind) for kind in KINDS]


def judge(data: bytes | str) -> None:
    """Check what must be true of every input."""
    key = outcome(data)
    if isinstance(key, Refused):
        assert isinstance(key.reason, Reason)
        assert key.found
        assert key.needed
        return
    again = parse_public_key(key.pem)
    assert (again.spki, again.kty, again.curve, again.bits) == (
        key.spki, key.kty, key.curve, key.bits,
    )  # fmt: skip
    assert parse_public_key(json.dumps(key.jwk_members)).spki == key.spki
    assert len(key.thumbprint) == 43
    assert key.description
    policy = KeyPolicy(allow_legacy=True)
    if verdict(key, policy):
        return
    for algorithm in policy.accept(key).algorithms:
        assert published_jwk(key, algorithm.name)["kid"] == key.thumbprint


@steady
@given(st.binary(max_size=500))
@example(b"")
def test_any_bytes(data: bytes) -> None:
    judge(data)


@steady
@given(st.text(max_size=500))
@example("\ud800")
def test_any_text(text: str) -> None:
    judge(text)


@steady
@given(st.sampled_from(["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"]), st.binary(max_size=300))
def test_any_bytes_in_a_block(label: str, data: bytes) -> None:
    judge(pem(label, data))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
members = st.sampled_from(
    ["kty", "crv", "x", "y", "n", "e", "alg", "use", "key_ops", "kid", "pub", "keys", "x5c"]
)
values = json_values | st.sampled_from(
    ["RSA", "EC", "OKP", "AKP", "oct", "P-256", "Ed25519", "Ed448", "X25519", "ML-DSA-44", "sig",
     "AQAB", "A" * 43, "ES256", "EdDSA", ["verify"]]
)  # fmt: skip


@steady
@given(st.dictionaries(members, values, max_size=6))
def test_any_json_with_the_members_of_a_jwk(jwk: dict[str, object]) -> None:
    judge(json.dumps(jwk))
    judge(json.dumps({"keys": [jwk]}))


@steady
@given(st.sampled_from(VALID), members, values)
def test_jwk_with_one_member_changed(block: bytes, name: str, value: object) -> None:
    if block.startswith(b"{"):
        judge(json.dumps(json.loads(block) | {name: value}))


@steady
@given(st.sampled_from(VALID), st.data())
def test_valid_file_that_is_cut_spliced_and_flipped(block: bytes, data: st.DataObject) -> None:
    index = st.integers(0, len(block) - 1)
    other = data.draw(st.sampled_from(VALID))
    at, end = data.draw(index), data.draw(index)
    bit = bytearray(block)
    bit[at] ^= 1 << data.draw(st.integers(0, 7))
    judge(block[:at])
    judge(block[at:])
    judge(bytes(bit))
    judge(block[:at] + block[end:])
    judge(block[:at] + other + block[at:])
    judge(block[:at] + other[end:])


@thorough
@given(st.sampled_from(DER), st.data())
def test_valid_der_that_is_cut_spliced_and_flipped(
    block: tuple[str, bytes], data: st.DataObject
) -> None:
    label, encoded = block
    index = st.integers(0, min(len(encoded), 400) - 1)
    at, end = data.draw(index), data.draw(index)
    bit = bytearray(encoded)
    bit[at] ^= 1 << data.draw(st.integers(0, 7))
    byte = bytes((data.draw(st.integers(0, 255)),))
    judge(pem(label, bytes(bit)))
    judge(pem(label, encoded[:at] + encoded[end:]))
    judge(pem(label, encoded[:at] + byte + encoded[at:]))


@steady
@given(st.sampled_from(DER), st.data())
def test_accepted_der_has_no_second_encoding(block: tuple[str, bytes], data: st.DataObject) -> None:
    """Bits flipped in an accepted SPKI give another key or a refusal, never the same key."""
    _label, encoded = block
    original = parse_public_key(pem("PUBLIC KEY", encoded)) if _label == "PUBLIC KEY" else None
    flipped = bytearray(encoded)
    at = data.draw(st.integers(0, len(encoded) - 1))
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    if original is None:
        return
    key = outcome(pem("PUBLIC KEY", bytes(flipped)))
    if isinstance(key, Refused):
        return
    assert key.spki != original.spki or key.only != original.only


@steady
@given(st.sampled_from(PRIVATE), st.binary(max_size=200), st.binary(max_size=200))
def test_private_key_between_any_bytes_is_never_accepted(
    block: bytes, before: bytes, after: bytes
) -> None:
    for data in (before + b"\n" + block + after, before.replace(b"-", b"") + block):
        assert refusal(data).reason is Reason.PRIVATE_KEY

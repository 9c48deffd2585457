"""Sample keys: a key pair copied from an RFC is known to everybody."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)

from portal.core.formats.spki import raw_key
from portal.core.key_policy.known_keys import KNOWN_KEYS
from portal.core.key_policy.policy import KeyPolicy
from portal.core.private.to_public import ec_half, seed_half
from portal.core.public_key import Container
from portal.core.public_key.negation import negative
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason
from tests.unit.core.support import refusal, verdict
from tests.vectors.make_known_keys import BASES, SAMPLE_KEYS, VECTORS, leaked
from tests.vectors.make_known_keys import KNOWN_KEYS as FILE

SAMPLES: list[dict[str, Any]] = json.loads(SAMPLE_KEYS.read_text("utf-8"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["origin"])
def test_sample_key_is_a_pair_and_its_public_half_is_refused(sample: dict[str, Any]) -> None:
    private = sample["jwk"]
    public = {name: value for name, value in private.items() if name not in {"d", "priv"}}
    key = parse_public_key(json.dumps(public))
    # The vector is not taken on trust: its public key is derived from its private one.
    assert [each.spki for each in refusal(json.dumps(private)).leaked] == [key.spki]
    assert key.jwk_members == public
    assert key.thumbprint == sample.get("thumbprint", key.thumbprint)
    refused = verdict(key, KeyPolicy(rsa_max_bits=8192))
    assert refused is not None
    assert refused.reason is Reason.BLOCKED
    assert refused.found == "The private key of this key pair is published or easy to guess."
    other = negative(key)
    refused = verdict(other, KeyPolicy(rsa_max_bits=8192)) if other else refused
    assert refused is not None
    assert refused.reason is Reason.BLOCKED


def test_thumbprints_of_the_rfcs_are_among_the_samples() -> None:
    """RFC 7638 §3.1, RFC 8037 §A.3, RFC 9964 appendix A.1."""
    assert [sample["origin"] for sample in SAMPLES if "thumbprint" in sample] == [
        "RFC 7517 A.2 (RSA), RFC 7638 3.1",
        "RFC 8037 A.1",
        "RFC 9964 A.1 ML-DSA-44",
        "RFC 9964 A.1 ML-DSA-65",
        "RFC 9964 A.1 ML-DSA-87",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "asymmetric/Ed448/ed448-pkcs8.pem",
        "asymmetric/EC/high-bit-set.pem",
        "asymmetric/OpenSSH/ecdsa-nopsw.key",
        "asymmetric/MLDSA/mldsa44_priv.der",
        "x509/custom/ca/rsa_key.pem",
    ],
)
def test_keys_of_test_suites_are_known(path: str) -> None:
    keys = leaked((VECTORS / path).read_bytes())
    assert len(keys) == 1
    assert {key.spki_sha256 for key in keys} <= KNOWN_KEYS


@pytest.mark.parametrize(
    ("path", "password"),
    [
        ("asymmetric/PKCS8/ec_private_key_encrypted.pem", b"123456"),
        ("asymmetric/Ed25519/ed25519-pkcs8-enc.der", b"password"),
        ("asymmetric/Traditional_OpenSSL_Serialization/key2.pem", b"a123456"),
        ("pkcs12/cert-key-aes256cbc.p12", b"cryptography"),
        ("x509/PKITS_data/pkcs12/GoodCACert.p12", b"password"),
    ],
)
def test_keys_that_are_published_encrypted_are_known(path: str, password: bytes) -> None:
    """With the passwords of a test suite, which are as public."""
    data, key = (VECTORS / path).read_bytes(), None
    if path.endswith(".p12"):
        key = pkcs12.load_key_and_certificates(data, password)[0]
    else:
        load = load_der_private_key if path.endswith(".der") else load_pem_private_key
        key = load(data, password)
    assert key is not None
    block = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert parse_public_key(block).spki_sha256 in KNOWN_KEYS


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
@pytest.mark.parametrize("scalar", [1, 2, 3, 255, 256])
def test_small_multiples_of_a_base_point_are_known_with_either_sign(
    curve: str, scalar: int
) -> None:
    """The base point itself is the public key of the private key 1, and that of -1 its negative."""
    key = ec_half(curve, scalar)
    assert key is not None
    for each in (key, negative(key)):
        assert each is not None
        refused = verdict(each)
        assert refused is not None
        assert refused.reason is Reason.BLOCKED


@pytest.mark.parametrize(("curve", "base"), BASES.items())
def test_base_points_of_edwards_curves_are_known_with_either_sign(curve: str, base: str) -> None:
    """RFC 8032 §5.1 and §5.2. Who knows the scalar signs, whatever seed it should come from."""
    key = raw_key(curve, bytes.fromhex(base), Container.SPKI)
    for each in (key, negative(key)):
        assert each is not None
        refused = verdict(each)
        assert refused is not None
        assert refused.reason is Reason.BLOCKED


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("Ed25519", bytes(32)),
        ("Ed25519", b"\xff" * 32),
        ("Ed25519", bytes(range(32))),
        ("Ed448", b"\x01" * 57),
        ("ML-DSA-44", bytes(32)),
        ("ML-DSA-87", bytes(range(1, 33))),
    ],
)
def test_seeds_that_anybody_guesses_are_known(name: str, seed: bytes) -> None:
    key = seed_half(name, seed)
    assert key is not None
    assert key.spki_sha256 in KNOWN_KEYS


def test_first_seed_of_rfc_8032_is_known() -> None:
    line = (VECTORS / "asymmetric/Ed25519/sign.input").read_text("ascii").partition("\n")[0]
    key = seed_half("Ed25519", bytes.fromhex(line[:64]))
    assert key is not None
    assert hashlib.sha256(key.spki).hexdigest() in KNOWN_KEYS


def test_file_is_sorted_and_says_where_each_key_is_from() -> None:
    lines = Path(FILE).read_text("ascii").splitlines()
    entries = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[0-9a-f]{64} \S.*", entry) for entry in entries)
    assert entries == sorted(entries)
    assert len(entries) == len(KNOWN_KEYS) > 6000

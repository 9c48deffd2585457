"""Every file of cryptography-vectors goes through: it is accepted, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from tests.unit.core.support import refusal
from tests.vectors.make_known_keys import VECTORS

SUFFIXES = {".pem", ".der", ".pub", ".key", ".p8", ".p12", ".pfx", ".p7b", ".crt", ".cer", ".asc"}
FILES = sorted(path for path in VECTORS.rglob("*") if path.is_file() and path.suffix in SUFFIXES)


def outcome(path: Path) -> str:
    try:
        key = parse_public_key(path.read_bytes())
    except Refused as refused:
        return refused.reason
    assert parse_public_key(key.pem).spki == key.spki
    return "accepted"


def test_every_file_is_accepted_or_refused() -> None:
    outcomes = {path: outcome(path) for path in FILES}
    assert len(outcomes) > 500
    assert sum(each == "accepted" for each in outcomes.values()) > 100


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("asymmetric/PKCS8/unenc-rsa-pkcs8.pem", Reason.PRIVATE_KEY),
        ("asymmetric/PKCS8/enc-rsa-pkcs8.pem", Reason.PRIVATE_KEY),
        ("asymmetric/PEM_Serialization/rsa_public_key.pem", "accepted"),
        ("asymmetric/PEM_Serialization/dsa_public_key.pem", Reason.KEY_TYPE_UNSUPPORTED),
        ("asymmetric/EC/secp256r1-pub-explicit-seed.pem", Reason.EC_EXPLICIT_PARAMETERS),
        ("asymmetric/Ed25519/ed25519-pub.pem", "accepted"),
        ("asymmetric/Ed25519/ed25519-pub-non-zero-unused-bits.der", Reason.BAD_DER),
        ("asymmetric/X25519/x25519-pub.pem", Reason.KEY_TYPE_UNSUPPORTED),
    ],
)
def test_file_has_the_expected_outcome(path: str, expected: str) -> None:
    assert outcome(VECTORS / path) == expected


def test_handle_of_a_security_key_proves_nothing() -> None:
    """Its file says PRIVATE KEY, and the private value stays in the device."""
    assert refusal((VECTORS / "asymmetric/OpenSSH/sk-ecdsa-nopsw.key").read_bytes()).leaked == ()


def test_accepted_public_keys_are_those_that_cryptography_reads() -> None:
    compared = 0
    for path in FILES:
        data = path.read_bytes()
        if b"-----BEGIN PUBLIC KEY-----" not in data or outcome(path) != "accepted":
            continue
        key = load_pem_public_key(data)
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert parse_public_key(data).spki == spki
        compared += 1
    assert compared >= 5

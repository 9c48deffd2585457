"""Every container that a public key may come in, for every kind of key."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core.dates import date_text
from portal.core.public_key import Container
from portal.core.public_key.parse import parse_public_key
from tests.unit.core.support import (
    GENERATE,
    KINDS,
    certificate_key,
    certificate_pem,
    der_of,
    key_of,
    openssl,
    private_key,
    private_pem,
    public_pem,
)

PSS = ("PS256", "PS384", "PS512")


@pytest.mark.parametrize("kind", KINDS)
def test_spki_pem_is_taken_and_given_back_byte_for_byte(kind: str) -> None:
    if kind == "RSA-PSS":  # its own test is below
        return
    key = parse_public_key(public_pem(kind))
    assert key.container is Container.SPKI
    assert key.spki == der_of(public_pem(kind))
    assert key.pem.encode() == public_pem(kind)
    assert (key.only, key.notes) == ((), ())


@pytest.mark.parametrize(
    ("kind", "kty", "curve", "bits", "description"),
    [
        ("RSA", "RSA", "", 2048, "RSA public key, 2048 bits"),
        ("P-256", "EC", "P-256", 256, "P-256 public key"),
        ("P-384", "EC", "P-384", 384, "P-384 public key"),
        ("P-521", "EC", "P-521", 521, "P-521 public key"),
        ("Ed25519", "OKP", "Ed25519", 256, "Ed25519 public key"),
        ("Ed448", "OKP", "Ed448", 448, "Ed448 public key"),
        ("ML-DSA-44", "AKP", "ML-DSA-44", 10496, "ML-DSA-44 public key"),
        ("ML-DSA-65", "AKP", "ML-DSA-65", 15616, "ML-DSA-65 public key"),
        ("ML-DSA-87", "AKP", "ML-DSA-87", 20736, "ML-DSA-87 public key"),
    ],
)
def test_key_says_what_it_is(kind: str, kty: str, curve: str, bits: int, description: str) -> None:
    key = key_of(kind)
    assert (key.kty, key.curve, key.bits, key.description) == (kty, curve, bits, description)


def test_text_and_bytes_are_both_taken() -> None:
    assert parse_public_key(public_pem("P-256").decode()) == parse_public_key(public_pem("P-256"))


def test_pkcs1_is_taken_and_kept_as_spki() -> None:
    block = openssl("rsa", "-pubin", "-RSAPublicKey_out", stdin=public_pem("RSA"))
    key = parse_public_key(block)
    assert block.startswith(b"-----BEGIN RSA PUBLIC KEY-----")
    assert key.container is Container.PKCS1
    assert key.spki == der_of(public_pem("RSA"))


@pytest.mark.parametrize("kind", GENERATE)
def test_certificate_gives_its_key_and_tells_its_dates(kind: str) -> None:
    block = certificate_pem(kind)
    key = parse_public_key(block)
    assert key.container is Container.CERTIFICATE
    assert key.spki == key_of(kind).spki
    if kind != "RSA-PSS":
        assert key.spki == certificate_key(block)
    dates = openssl("x509", "-noout", "-dates", "-dateopt", "iso_8601", stdin=block).decode()
    start, end = (
        date_text(datetime.fromisoformat(line.partition("=")[2])) for line in dates.splitlines()
    )
    assert key.notes == (
        f"The certificate is valid from {start} to {end}. Only its public key is used.",
    )


def test_certificate_that_ends_after_2049_is_taken() -> None:
    """RFC 5280 §4.1.2.5: from 2050 on dates are GeneralizedTime."""
    block = openssl(
        *("req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=bank.example", "-days", "30000"),
        stdin=private_pem("P-256"),
    )
    end = re.search(r" to \d+ \w{3} (\d{4})\.", parse_public_key(block).notes[0])
    assert end
    assert int(end[1]) > 2050


@pytest.mark.parametrize("kind", KINDS)
def test_jwk_is_taken(kind: str) -> None:
    key = parse_public_key(json.dumps(key_of(kind).jwk_members))
    assert key.container is Container.JWK
    assert key.spki == key_of(kind).spki
    # An AKP JWK always has the alg of its parameter set (RFC 9964), which restricts nothing else.
    assert key.only == ((kind,) if kind.startswith("ML-DSA") else ())


def test_jwks_of_one_key_is_taken() -> None:
    assert (
        parse_public_key(json.dumps({"keys": [key_of("RSA").jwk_members]})).spki
        == key_of("RSA").spki
    )


@pytest.mark.parametrize(
    ("kind", "alg", "only"),
    [
        ("RSA", "PS384", ("PS384",)),
        ("RSA", "RS256", ("RS256",)),
        ("P-256", "ES256", ("ES256",)),
        ("Ed25519", "EdDSA", ("EdDSA",)),
        ("Ed25519", "Ed25519", ("EdDSA",)),
        ("Ed448", "EdDSA", ("Ed448",)),
    ],
)
def test_alg_of_jwk_restricts_the_key(kind: str, alg: str, only: tuple[str, ...]) -> None:
    assert parse_public_key(json.dumps(key_of(kind).jwk_members | {"alg": alg})).only == only


def test_kid_of_jwk_gets_a_note_unless_it_is_the_thumbprint() -> None:
    key = key_of("P-256")
    other = parse_public_key(json.dumps(key.jwk_members | {"kid": "<b>mine</b>"}))
    same = parse_public_key(json.dumps(key.jwk_members | {"kid": key.thumbprint}))
    assert other.notes == (
        "The JWK has its own kid. The portal uses the key's RFC 7638 thumbprint instead.",
    )
    assert same.notes == ()


@pytest.mark.parametrize("extra", [{"use": "sig"}, {"key_ops": ["verify"]}, {"x5t": "whatever"}])
def test_jwk_that_is_for_signatures_is_taken(extra: dict[str, object]) -> None:
    assert (
        parse_public_key(json.dumps(key_of("P-256").jwk_members | extra)).spki
        == key_of("P-256").spki
    )


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "Ed25519"])
@pytest.mark.parametrize("comment", [b"", b" me@bank.example", b" two words \r\n"])
def test_openssh_line_is_taken(kind: str, comment: bytes) -> None:
    public = private_key(kind).public_key()
    key = parse_public_key(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + comment)
    assert key.container is Container.OPENSSH
    assert key.spki == key_of(kind).spki


def test_rsa_pss_key_without_parameters_is_bound_to_pss() -> None:
    """RFC 4055 §1.2. What is kept is the plain key, which is what its JWK and thumbprint say."""
    key = key_of("RSA-PSS")
    assert key.only == PSS
    assert b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a" in der_of(public_pem("RSA-PSS"))
    assert b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" in key.spki
    assert parse_public_key(certificate_pem("RSA-PSS")).only == PSS


TEXT = b"subject=CN = bank.example\nissuer=CN = ca.example\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda block: block.replace(b"\n", b"\r\n"),
        lambda block: block.replace(b"\n", b"\r"),
        lambda block: b"\xef\xbb\xbf" + block,
        lambda block: b"\n\n  " + block.replace(b"\n", b"\n\t  "),
        lambda block: block.rstrip(b"\n"),
        lambda block: block.replace(b"\n", b"  \n") + b"\n \r\n\n",
        lambda block: block.replace(b"\n", b"\n\n"),
        lambda block: block.replace(b"\n", b" "),
        lambda block: TEXT + block,
        lambda block: block + b"\n" * 16000,
    ],
    ids=[
        "CRLF",
        "CR",
        "BOM",
        "indented",
        "no final newline",
        "trailing spaces",
        "double spaced",
        "one line",
        "text before",
        "16 KiB",
    ],
)
@pytest.mark.parametrize("kind", ["RSA", "P-521", "ML-DSA-87"])
def test_what_editors_and_mail_do_to_a_block_does_no_harm(kind: str, change: object) -> None:
    assert callable(change)
    assert parse_public_key(change(public_pem(kind))).spki == key_of(kind).spki


def test_what_openssl_writes_before_a_block_does_no_harm() -> None:
    block = openssl("x509", "-text", stdin=certificate_pem("RSA"))
    assert parse_public_key(block).spki == key_of("RSA").spki
    dump = openssl("pkey", "-pubin", "-text", stdin=public_pem("P-256"))
    assert b"Public-Key" in dump
    before = dump[dump.index(b"Public-Key") :]
    assert parse_public_key(before + public_pem("P-256")).spki == key_of("P-256").spki

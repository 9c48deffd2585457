"""Hostile files: every one is refused with a reason, and none costs more than its reading."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from portal.core.formats import der
from portal.core.public_key.parse import MAX_INPUT_BYTES
from portal.core.reasons import Reason
from tests.unit.core.support import der_of, key_of, pem, public_pem, refusal, rsa_public, verdict

KIB_32 = MAX_INPUT_BYTES


def filled(pattern: bytes) -> bytes:
    return (pattern * (KIB_32 // len(pattern) + 1))[:KIB_32]


def nested(tag: int, depth: int) -> bytes:
    encoded = b""
    for _ in range(depth):
        encoded = der.encode(tag, encoded)
    return encoded


HOSTILE: dict[str, bytes | str] = {
    "10 MB of a": b"a" * 10_000_000,
    "10 MB of text": "a" * 10_000_000,
    "10 MB of key": public_pem("RSA") + b"a" * 10_000_000,
    "200 kB of dashes": b"-" * 200_000,
    "32 KiB of dashes": filled(b"-"),
    "dashes and spaces": filled(b"- "),
    "BEGIN without end": filled(b"-----BEGIN "),
    "END without end": filled(b"-----END "),
    "thousands of blocks": filled(b"-----BEGIN A-----\n-----END A-----\n"),
    "thousands of key blocks": filled(
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
    ),
    "BEGIN in BEGIN": filled(b"-----BEGIN -----BEGIN "),
    "BEGIN words": filled(b"BEGIN "),
    "BEGIN and PRIVATE": filled(b"BEGINPRIVATE"),
    "letter M": filled(b"M"),
    "letters M": filled(b"M "),
    "base64 of sequences": filled(b64encode(b"0\x82\x7f\xff" * 99) + b"\n"),
    "base64 of nothing": filled(b"MAAA "),
    "start of OpenSSH": filled(b"b3BlbnNzaC1rZXktdjE "),
    "start of PEM in base64": filled(b"LS0tLS1CRUdJTi "),
    "PEM in base64 all along": filled(b"LS0tLS1CRUdJTi"),
    "sequences": filled(b"0"),
    "empty sequences": filled(b"0\0"),
    "sequence of sequences": nested(0x30, 3000),
    "octets in octets": der.encode(0x30, nested(0x04, 3000)),
    "indefinite": filled(b"0\x80"),
    "length of lengths": b"0\xff" + b"\xff" * 200,
    "open brackets": filled(b"["),
    "open braces": filled(b'{"a":'),
    "kty and quotes": b'{"kty":' + filled(b'"\\"'),
    "kty and d": b"kty" + filled(b"d "),
    "quotes": b"{" + filled(b'"')[:-1],
    "backslashes": b'{"' + filled(b"\\")[:-2],
    "priv and spaces": filled(b"priv:" + b" " * 50),
    "modulus and hex": filled(b"modulus:00:11:22"),
    "XML": b"RSAKeyValue" + filled(b"<D"),
    "spaces": filled(b" "),
    "newlines": filled(b"\n"),
    "NUL": filled(b"\0"),
    "UTF-16 of nothing": b"\xff\xfe" + filled(b"\0-")[:-2],
    "bytes of every kind": filled(bytes(range(256))),
    "many dots": filled(b"eyJ."),
    "OpenSSH fields": b"ssh-rsa " + b64encode(b"\0" * 20_000),
    "huge OpenSSH field": b"ssh-rsa " + b64encode(b"\xff" * 20_000),
    "zero bytes as key": pem("PUBLIC KEY", b"\0" * 20_000),
    "sequences as certificate": pem("CERTIFICATE", nested(0x30, 3000)),
    "deep JSON": b'{"kty":' * 4000,
    "flat JSON": json.dumps(dict.fromkeys(map(str, range(3000)), 0)),
    "huge integer": '{"kty":"RSA","e":' + "9" * 30_000 + "}",
    "huge float": '{"kty":"RSA","e":1e' + "9" * 30_000 + "}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused(name: str) -> None:
    refused = refusal(HOSTILE[name])
    assert isinstance(refused.reason, Reason)
    assert refused.leaked == ()


def test_html_in_a_label_does_not_come_back() -> None:
    refused = refusal(pem("<script>alert(1)</script>", b"x"))
    assert "<" not in str(refused)


@pytest.mark.parametrize("bits", [16384, 65536, 100_000])
def test_huge_modulus_is_parsed_and_refused_by_its_size(bits: int) -> None:
    key = rsa_public((1 << bits) - 1)
    assert key.bits == bits
    refused = verdict(key)
    assert refused is not None
    assert refused.reason is Reason.RSA_TOO_LONG


def test_huge_exponent_is_refused_by_its_value() -> None:
    n = (1 << 2048) - 1
    for e in (1, (1 << 2047) + 1, (1 << 100_000) + 1):
        refused = verdict(rsa_public(n, e))
        assert refused is not None
        assert refused.reason is Reason.RSA_EXPONENT


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_truncated_block_is_refused(cut: int) -> None:
    assert refusal(public_pem("RSA")[:cut]).leaked == ()


def test_every_cut_of_the_der_is_refused() -> None:
    encoded = der_of(public_pem("P-256"))
    for end in range(1, len(encoded)):
        assert refusal(pem("PUBLIC KEY", encoded[:end])).reason is Reason.BAD_DER


def test_jwk_with_20_kb_beside_the_key_is_read() -> None:
    """What is not needed is not judged: a certificate chain in x5c, say."""
    jwk = key_of("P-256").jwk_members | {"x5c": ["M" * 20_000]}
    assert refusal(json.dumps(jwk) + "!").reason is Reason.BAD_JWK

"""The usual slips of signing are named, for the key that was meant, before no key verifies."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm

from portal.core.debugger import CheckResult, examine
from portal.core.reasons import Reason
from portal.core.strict.base64url import decode_url, encode_url
from tests.unit.core.assertions import (
    CLAIMS,
    assemble,
    candidate,
    expected,
    kind_of,
    part,
    raw_signature,
    sign,
)
from tests.unit.core.support import private_key, public_pem

ALL = expected(candidate("PS256"), candidate("ES256"), candidate("EdDSA"))
MGF1 = padding.MGF1
NEW = SHA256()
OLD = SHA1()  # noqa: S303 - what programs take by mistake


def signed(alg: str, make: Callable[[bytes], bytes], **header: Any) -> str:
    """Return an assertion with the signature that `make` returns for its signing input."""
    signing_input = f"{part({'alg': alg, 'kid': alg} | header)}.{part(CLAIMS | {'jti': '?>~' * 4})}"
    return f"{signing_input}.{encode_url(make(signing_input.encode()))}"


def pss(data: bytes, *, salt: int, mask: HashAlgorithm = NEW, digest: HashAlgorithm = NEW) -> bytes:
    key = private_key("RSA")
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.sign(data, padding.PSS(MGF1(mask), salt), digest)


def rsa_private(block: bytes) -> bytes:
    """Return the block raised to the private exponent, as a raw RSA operation does."""
    key = private_key("RSA")
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    size = key.key_size // 8
    value = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n)
    return value.to_bytes(size, "big")


def ecdsa(data: bytes, digest: Any = None) -> tuple[int, int]:
    key = private_key("P-256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return decode_dss_signature(key.sign(data, ec.ECDSA(digest or SHA256())))


def raw(numbers: tuple[int, int], size: int = 32) -> bytes:
    return b"".join(number.to_bytes(size, "big") for number in numbers)


def with_short_number() -> str:
    """Return an assertion whose r begins with a zero byte, without that byte: 63 bytes."""
    signing_input = f"{part({'alg': 'ES256', 'kid': 'ES256'})}.{part(CLAIMS)}"
    while True:
        r, s = ecdsa(signing_input.encode())
        if r >> 248 == 0 and s >> 248:
            short = r.to_bytes(31, "big") + s.to_bytes(32, "big")
            return f"{signing_input}.{encode_url(short)}"


def padded(data: bytes) -> bytes:
    return b".".join(each + b"=" * (-len(each) % 4) for each in data.split(b"."))


def plain_base64(data: bytes) -> bytes:
    return b".".join(b64encode(decode_url(each) or b"") for each in data.split(b"."))


def bare_json(data: bytes) -> bytes:
    return b".".join(decode_url(each) or b"" for each in data.split(b"."))


def signature(alg: str, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return what signs a changed text in the right way."""
    return lambda data: raw_signature(alg, change(data))


SLIPS: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "hashed twice, RSA": (
        "PS256", signature("PS256", lambda d: hashlib.sha256(d).digest()), "hashed twice"),
    "hashed twice, ECDSA": (
        "ES256", signature("ES256", lambda d: hashlib.sha256(d).digest()), "hashed twice"),
    "hexadecimal digest, RSA": (
        "PS256", signature("PS256", lambda d: hashlib.sha256(d).hexdigest().encode()),
        "digest in hexadecimal"),
    "hexadecimal digest, ECDSA": (
        "ES256", signature("ES256", lambda d: hashlib.sha256(d).hexdigest().encode()),
        "digest in hexadecimal"),
    "digest, EdDSA": (
        "EdDSA", signature("EdDSA", lambda d: hashlib.sha256(d).digest()), "A digest was signed"),
    "salt of 20 bytes": ("PS256", lambda d: pss(d, salt=20), "Its salt has 20 bytes"),
    "salt of 0 bytes": (
        "PS256", lambda d: pss(d, salt=0), "Its salt has 0 bytes"),
    "MGF1 with SHA-1": (
        "PS256", lambda d: pss(d, salt=32, mask=OLD),
        "Its mask (MGF1) uses SHA-1 instead of SHA-256"),
    "PSS with SHA-1 throughout": (
        "PS256", lambda d: pss(d, salt=20, mask=OLD, digest=OLD), "It uses SHA-1"),
    "PSS with SHA-512": (
        "PS256", lambda d: raw_signature("PS512", d), "It is signed with PS512"),
    "PKCS#1 v1.5": (
        "PS256", lambda d: raw_signature("RS256", d), "It is signed with RS256"),
    "reverse order": (
        "PS256", lambda d: raw_signature("PS256", d)[::-1], "Its bytes are in reverse order"),
    "zero byte before": (
        "PS256", lambda d: b"\0" + raw_signature("PS256", d),
        "It has 257 bytes, and must have 256"),
    "PKCS#1 v1.5 without DigestInfo": (
        "PS256",
        lambda d: rsa_private(b"\0\1" + b"\xff" * (256 - 35) + b"\0" + hashlib.sha256(d).digest()),
        "the bare digest, without DigestInfo"),
    "ECDSA with SHA-512": (
        "ES256", lambda d: raw(ecdsa(d, SHA512())), "It uses SHA-512, and ES256 uses SHA-256"),
    "ECDSA with SHA-384 of a digest": (
        "ES256", lambda d: raw(ecdsa(hashlib.sha384(d).digest(), Prehashed(SHA384()))),
        "It uses SHA-384, and ES256 uses SHA-256"),
    "r and s in 33 bytes": (
        "ES256", lambda d: raw(ecdsa(d), 33), "r and s have 66 bytes together"),
    "line break, RSA": (
        "PS256", signature("PS256", lambda d: d + b"\n"), "A line break was signed"),
    "line break, ECDSA": (
        "ES256", signature("ES256", lambda d: d + b"\r\n"), "A line break was signed"),
    "line break, EdDSA": (
        "EdDSA", signature("EdDSA", lambda d: d + b"\n"), "A line break was signed"),
    "padding": ("ES256", signature("ES256", padded), "has base64 padding"),
    "base64": ("ES256", signature("ES256", plain_base64), "is base64"),
    "JSON": (
        "PS256", signature("PS256", bare_json), "The JSON of the header and claims was signed"),
    "claims": ("ES256", signature("ES256", lambda d: d.split(b".")[1]), "Only the claims"),
    "dot": ("EdDSA", signature("EdDSA", lambda d: d + b"."), "A dot was signed"),
    "UTF-16": (
        "PS256", signature("PS256", lambda d: d.decode().encode("utf-16-le")), "is UTF-16"),
}  # fmt: skip


def failed(assertion: str, expectation: Any = ALL) -> CheckResult:
    refusal = examine(assertion, expectation).refusal
    assert refusal is not None
    return refusal


@pytest.mark.parametrize("slip", SLIPS)
def test_slip_with_the_key_that_was_meant_is_named(slip: str) -> None:
    alg, make, what = SLIPS[slip]
    assertion = signed(alg, make)
    refusal = failed(assertion)
    assert refusal.reason is Reason.SIGNATURE_INVALID
    assert refusal.note.startswith(f"It is signed by the key that kid names, {alg}. ")
    assert what in refusal.note
    examination = examine(assertion, ALL)
    assert examination.made_by == alg
    assert examination.signed_by is None


def test_r_without_its_zero_byte() -> None:
    refusal = failed(with_short_number())
    assert "r and s have 63 bytes together, and must have 32 each" in refusal.note
    assert "Fill each with zero bytes on the left." in refusal.note


def test_rsa_signature_without_its_zero_byte() -> None:
    def short(data: bytes) -> bytes:
        while True:
            made = raw_signature("PS256", data)
            if made[0] == 0:
                return made[1:]

    refusal = failed(signed("PS256", short))
    assert refusal.reason is Reason.SIGNATURE_INVALID  # OpenSSL alone accepts it
    assert "It has 255 bytes, and must have 256: the zero bytes at the start" in refusal.note


@pytest.mark.parametrize("secret", ["{}", "{}\n"])
def test_hmac_with_the_public_key_as_the_secret(secret: str) -> None:
    key = secret.format(public_pem("P-256").decode().strip()).encode()
    assertion = signed("HS256", lambda data: hmac.digest(key, data, "sha256"), kid="ES256")
    refusal = failed(assertion)
    assert refusal.reason is Reason.HEADER_ALG_HMAC
    assert refusal.note.startswith("The secret is the public key in PEM, which everybody has.")


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_rsa_key_that_signed_other_claims_is_known_all_the_same(alg: str) -> None:
    other = raw_signature(alg, b"another text")
    refusal = failed(assemble({"alg": "PS256", "kid": "PS256"}, CLAIMS, other))
    assert refusal.note.startswith(
        "It is signed by the key that kid names, PS256. It signed another text: the header or the"
        " claims were changed after signing"
    )


@pytest.mark.parametrize(
    ("alg", "length", "what"),
    [
        ("PS256", 384, "It has 384 bytes, and a signature of that key has 256."),
        ("ES256", 32, "32 bytes may be an HMAC (HS256), made with a secret."),
        ("EdDSA", 63, "It has 63 bytes, and a signature of that key has 64."),
    ],
)  # fmt: skip
def test_length_of_a_signature_that_no_key_verifies(alg: str, length: int, what: str) -> None:
    refusal = failed(assemble({"alg": alg, "kid": alg}, CLAIMS, b"\1" * length))
    assert refusal.note.startswith("No registered key of this client verifies the signature.")
    assert what in refusal.note
    assert "The SHA-256 fingerprint of the key " in refusal.note


def test_slips_are_looked_for_with_another_key_of_the_client_too() -> None:
    assertion = signed("PS256", lambda data: raw_signature("PS256", data + b"\n"), kid="unknown")
    refusal = failed(assertion)
    assert refusal.reason is Reason.KID_UNKNOWN
    assert refusal.note.startswith("It is signed by the key PS256, but kid is unknown.")
    assert "A line break was signed" in refusal.note


def test_sound_signature_has_no_slip() -> None:
    for alg in ("PS256", "ES256", "EdDSA"):
        examination = examine(sign(alg), ALL)
        assert examination.verified
        assert examination.made_by == examination.signed_by == alg
    assert kind_of("PS256") == "RSA"

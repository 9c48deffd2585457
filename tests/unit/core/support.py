"""What the tests of the core share: openssl, keys of every kind, and the refusal of an input."""

from __future__ import annotations

import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from portal.core.formats import der, spki
from portal.core.key_policy.policy import KeyPolicy
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Refused

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)

GENERATE = {
    "RSA": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "RSA-PSS": ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
    "P-256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "P-384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "P-521": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
    "Ed25519": ("-algorithm", "ED25519"),
    "Ed448": ("-algorithm", "ED448"),
}
ML_DSA: dict[str, Callable[[], PrivateKey]] = {
    "ML-DSA-44": mldsa.MLDSA44PrivateKey.generate,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey.generate,
}
KINDS = (*GENERATE, *ML_DSA)
"""Every kind of key that is accepted. OpenSSL 3.0 makes all but ML-DSA."""


def openssl(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> bytes:
    """Run openssl and return what it prints."""
    run = subprocess.run(
        ["openssl", *arguments], input=stdin, capture_output=True, check=True, cwd=cwd
    )
    return run.stdout


@cache
def private_pem(kind: str) -> bytes:
    """Return a PKCS#8 private key of this kind, the same one in all tests."""
    if kind in ML_DSA:
        key = ML_DSA[kind]()
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return openssl("genpkey", *GENERATE[kind])


@cache
def private_key(kind: str) -> PrivateKey:
    """Return the private key of this kind as an object. To load one costs more than to sign."""
    key = load_pem_private_key(private_pem(kind), None)
    assert isinstance(key, PrivateKey)
    return key


def written(kind: str, form: PrivateFormat) -> bytes:
    """Return the private key of this kind as PEM of another form."""
    return private_key(kind).private_bytes(Encoding.PEM, form, NoEncryption())


@cache
def public_pem(kind: str) -> bytes:
    """Return its public key as SubjectPublicKeyInfo PEM."""
    if kind in ML_DSA:
        public = private_key(kind).public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return openssl("pkey", "-pubout", stdin=private_pem(kind))


@cache
def certificate_pem(kind: str) -> bytes:
    """Return a self-signed certificate of the key of this kind."""
    return openssl(
        *("req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=bank.example", "-days", "30"),
        stdin=private_pem(kind),
    )


def key_of(kind: str) -> PublicKey:
    """Return the key of this kind, parsed."""
    return parse_public_key(public_pem(kind))


def pem(label: str, encoded: bytes) -> bytes:
    """Return a PEM block of these bytes, whatever they are."""
    body = b64encode(encoded).decode("ascii")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", "")).encode()


def der_of(block: bytes) -> bytes:
    """Return the bytes in a PEM block."""
    return b64decode(b"".join(block.split(b"-----")[2].split()))


def spki_pem(algorithm: bytes, bits: bytes) -> bytes:
    """Return a public key block with this content of AlgorithmIdentifier and BIT STRING."""
    return pem(
        "PUBLIC KEY",
        der.encode(
            der.SEQUENCE,
            der.encode(der.SEQUENCE, algorithm),
            der.encode(der.BIT_STRING, b"\0", bits),
        ),
    )


def rsa_public(n: int, e: int = 65537) -> PublicKey:
    """Return the RSA key of these numbers, however bad."""
    return spki.rsa_key(n, e, Container.SPKI)


def outcome(data: bytes | str) -> PublicKey | Refused:
    """Return the key in an input, or why it is refused."""
    try:
        return parse_public_key(data)
    except Refused as refused:
        return refused


def refusal(data: bytes | str) -> Refused:
    """Return why an input is refused; fail when it is accepted."""
    refused = outcome(data)
    assert isinstance(refused, Refused)
    return refused


def verdict(key: PublicKey, policy: KeyPolicy | None = None) -> Refused | None:
    """Return why the policy refuses the key, or None when it does not."""
    try:
        (policy or KeyPolicy()).check_key(key)
    except Refused as refused:
        return refused
    return None


def certificate_key(block: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo that `cryptography` reads from a certificate."""
    public = x509.load_pem_x509_certificate(block).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

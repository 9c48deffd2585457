"""The value that parsing gives and everything else takes: a public key, free of its container."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum


class Container(StrEnum):
    """What a public key came in."""

    SPKI = "SubjectPublicKeyInfo PEM"
    PKCS1 = "PKCS#1 RSA public key PEM"
    CERTIFICATE = "X.509 certificate"
    JWK = "JWK"
    OPENSSH = "OpenSSH public key"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A well-formed public key. Well-formed is not yet trustworthy: that is for `KeyPolicy` to
    judge.

    `kty` is RSA, EC, OKP or AKP; `curve` as in `Algorithm.curve`; `bits` the size people speak of
    (RSA modulus, EC field, Ed25519 256, ML-DSA the length of the encoded key); `spki` the canonical
    DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), the same bytes whatever the container was.
    `only` names the algorithms that the container restricts the key to (empty: no restriction).
    `notes` are sentences worth showing, such as the validity of a certificate.
    """

    kty: str
    curve: str
    bits: int
    spki: bytes
    container: Container
    only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def spki_sha256(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo, 64 lower-case hexadecimal digits.

        For an accepted RSA key (e = 65537 always) this is one to one with the modulus.
        """
        return hashlib.sha256(self.spki).hexdigest()

    @property
    def pem(self) -> str:
        """The key re-encoded as SubjectPublicKeyInfo PEM (RFC 7468 §13), with a final newline."""
        # RFC 7468 §2: lines of exactly 64 characters, which no function of the standard library
        # gives.
        body = b64encode(self.spki).decode("ascii")
        lines = [body[at : at + 64] for at in range(0, len(body), 64)]
        return "\n".join(("-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""))

    @property
    def description(self) -> str:
        """The key in words, such as "RSA public key, 3072 bits"."""
        if self.kty == "RSA":
            return f"RSA public key, {self.bits} bits"
        return f"{self.curve} public key"

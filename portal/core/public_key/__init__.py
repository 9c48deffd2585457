"""The public key that parsing returns and all other code takes, without its container."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum

from portal.core.strict.base64url import encode_url


class Container(StrEnum):
    """The container of a public key in the input."""

    SPKI = "SubjectPublicKeyInfo PEM"
    PKCS1 = "PKCS#1 RSA public key PEM"
    CERTIFICATE = "X.509 certificate"
    REQUEST = "certificate signing request"
    JWK = "JWK"
    OPENSSH = "OpenSSH public key"
    XML = "XML key"
    POINT = "raw point of a curve"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A well-formed public key. `KeyPolicy` judges whether it is trustworthy.

    `kty` is RSA, EC, OKP or AKP; `curve` as in `Algorithm.curve`; `bits` the customary size (RSA
    modulus, EC field, Ed25519 256, ML-DSA the length of the encoded key); `spki` the canonical DER
    SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), the same bytes for every container. An RSA key has its
    modulus `n` and its exponent `e`, any other key its bytes in `raw`: the uncompressed point of EC
    (SEC 1 §2.3.3), or the encoded key. So no code parses `spki` again. `only` names the algorithms
    that the container restricts the key to (empty: no restriction). `notes` are sentences for the
    user, such as the validity of a certificate. `layers` names the encodings removed to read the
    key, the outermost first. `hint` distinguishes the key from others in the same input, such as
    "kid “a”"; it is empty for a single key. `choices` holds all keys of the input if this one was
    chosen from several.
    """

    kty: str
    curve: str
    bits: int
    spki: bytes
    container: Container
    only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    n: int = 0
    e: int = 0
    raw: bytes = b""

    @property
    def jwk_members(self) -> dict[str, str]:
        """The required public members of the key as a JWK, and no others.

        RFC 7518 §6.2.1 and §6.3.1 (EC, RSA), RFC 8037 §2 (OKP), RFC 9964 §3 (AKP).
        """
        match self.kty:
            case "RSA":
                return {"kty": "RSA", "n": _uint(self.n), "e": _uint(self.e)}
            case "EC":
                # RFC 7518 §6.2.1.2: coordinates have their full length, leading zeros included.
                middle = len(self.raw) // 2 + 1  # a first byte of 4, two coordinates of one length
                x, y = encode_url(self.raw[1:middle]), encode_url(self.raw[middle:])
                return {"kty": "EC", "crv": self.curve, "x": x, "y": y}
            case "OKP":
                return {"kty": "OKP", "crv": self.curve, "x": encode_url(self.raw)}
            case _:
                return {"kty": "AKP", "alg": self.curve, "pub": encode_url(self.raw)}

    @property
    def thumbprint(self) -> str:
        """The RFC 7638 SHA-256 thumbprint of the key, which is its `kid` everywhere."""
        # RFC 7638 §3.2: required members only, so metadata cannot change the kid. §3.3: sorted,
        # compact. RFC 9964 §6 counts `alg` among them for AKP, RFC 8037 §2 has crv, kty, x for OKP.
        members = json.dumps(self.jwk_members, sort_keys=True, separators=(",", ":"))
        return encode_url(hashlib.sha256(members.encode("ascii")).digest())

    layers: tuple[str, ...] = ()
    hint: str = ""
    choices: tuple[PublicKey, ...] = ()
    bound_by: str = ""

    @property
    def spki_sha256(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo, 64 lower-case hexadecimal digits.

        For an accepted RSA key (e = 65537 always) this is one to one with the modulus.
        """
        return hashlib.sha256(self.spki).hexdigest()

    @property
    def pem(self) -> str:
        """The key re-encoded as SubjectPublicKeyInfo PEM (RFC 7468 §13), with a final newline."""
        # RFC 7468 §2: lines of exactly 64 characters; the standard library has no function for it.
        body = b64encode(self.spki).decode("ascii")
        lines = [body[at : at + 64] for at in range(0, len(body), 64)]
        return "\n".join(("-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""))

    @property
    def origin(self) -> str:
        """A sentence on the encodings removed to read the key; empty if there were none.

        For example "Read from an AWS KMS answer, then base64."
        """
        return f"Read from {', then '.join(self.layers)}." if self.layers else ""

    @property
    def description(self) -> str:
        """The key in words, such as "RSA public key, 3072 bits"."""
        if self.kty == "RSA":
            return f"RSA public key, {self.bits} bits"
        return f"{self.curve} public key"


def _uint(value: int) -> str:
    # RFC 7518 §2, Base64urlUInt: as few octets as possible.
    return encode_url(value.to_bytes((value.bit_length() + 7) // 8, "big"))

"""What `make_forms.py` makes the forms with: keys, tools, and the list of the results."""

from __future__ import annotations

import hashlib
import json
import subprocess
from base64 import b64decode, b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

FORMS: Final = Path(__file__).parent / "forms"
INDEX: Final = FORMS / "index.json"

GENERATE: Final = {
    "rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "rsa2": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"),
    "pss": ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
    "p256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p256b": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "p521": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
    "ed": ("-algorithm", "ED25519"),
    "ed448": ("-algorithm", "ED448"),
    "k1": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"),
    "x25519": ("-algorithm", "X25519"),
    # Only for the forms of private keys.
    "leaked_rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "leaked_ec": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "leaked_ed": ("-algorithm", "ED25519"),
}


def run(*command: str, stdin: bytes = b"", cwd: Path | None = None) -> bytes:
    """Run a tool and return what it prints."""
    return subprocess.run(command, input=stdin, capture_output=True, check=True, cwd=cwd).stdout


def b64(data: bytes) -> str:
    """Return plain base64."""
    return b64encode(data).decode()


def b64url(data: bytes) -> str:
    """Return unpadded base64url."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int = 0) -> bytes:
    """Return a number as bytes, in full length where there is one."""
    return value.to_bytes(size or (value.bit_length() + 7) // 8, "big")


def block(label: str, data: bytes) -> bytes:
    """Return a PEM block."""
    body = b64(data)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", "")).encode()


class Key:
    """A key pair, and what the tools make of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.private = run("openssl", "genpkey", *GENERATE[name])
        self.pem = run("openssl", "pkey", "-pubout", stdin=self.private)
        self.der = b64decode(b"".join(self.pem.split(b"-----")[2].split()))
        self.object: Any = load_pem_private_key(self.private, None)

    @property
    def text(self) -> str:
        """The public key as PEM."""
        return self.pem.decode()

    def openssl(self, *arguments: str) -> bytes:
        """Run openssl on the private key."""
        return run("openssl", *arguments, stdin=self.private)

    def certificate(self, *options: str) -> bytes:
        """Return a certificate signed by the key itself."""
        subject = ("-subj", "/CN=client.example.com", "-days", "365")
        return self.openssl("req", "-x509", "-key", "/dev/stdin", *subject, *options)

    def request(self, *options: str) -> bytes:
        """Return a certificate signing request."""
        subject = ("-subj", "/CN=client.example.com")
        return self.openssl("req", "-new", "-key", "/dev/stdin", *subject, *options)

    def jwk(self, **members: object) -> dict[str, Any]:
        """Return the public JWK."""
        public = self.object.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            jwk = {"kty": "RSA", "n": b64url(number(numbers.n)), "e": b64url(number(numbers.e))}
        elif isinstance(public, ec.EllipticCurvePublicKey):
            size = (public.curve.key_size + 7) // 8
            point = public.public_numbers()
            x, y = b64url(number(point.x, size)), b64url(number(point.y, size))
            jwk = {"kty": "EC", "crv": f"P-{public.curve.key_size}", "x": x, "y": y}
        else:
            raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            jwk = {"kty": "OKP", "crv": "Ed25519" if len(raw) == 32 else "Ed448", "x": b64url(raw)}
        return jwk | members

    def private_jwk(self) -> dict[str, Any]:
        """Return the private JWK of an EC key."""
        secret = self.object.private_numbers().private_value
        return self.jwk(d=b64url(number(secret, 32)))

    def point(self) -> bytes:
        """Return the point of an EC key."""
        public = self.object.public_key()
        encoded: bytes = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return encoded

    def ssh(self) -> str:
        """Return the OpenSSH line."""
        line: bytes = self.object.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return line.decode()

    def pkcs8(self) -> bytes:
        """Return the private key as DER."""
        encoded: bytes = self.object.private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
        return encoded


class Forms:
    """The files, and what must come of each."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def add(self, name: str, content: bytes | str, **expected: Any) -> None:
        """Write a file, and what is expected of it."""
        data = content if isinstance(content, bytes) else content.encode()
        (FORMS / name).write_bytes(data)
        self.entries.append({"file": name, **expected})

    def key(self, name: str, content: bytes | str, key: Key, *says: str, **more: Any) -> None:
        """A form that is taken, for this key; the page says these words."""
        digest = hashlib.sha256(plain_spki(key)).hexdigest()
        self.add(name, content, outcome="accepted", spki_sha256=digest, says=list(says), **more)

    def refused(self, name: str, content: bytes | str, reason: str, *says: str) -> None:
        """A form that is refused for this reason; the page says these words."""
        self.add(name, content, outcome=reason, says=list(says))

    def private(self, name: str, content: bytes | str, key: Key | None, *says: str) -> None:
        """A form with a private key in it; its public key is blocked when it proves itself."""
        leaked = [hashlib.sha256(plain_spki(key)).hexdigest()] if key else []
        self.add(name, content, outcome="private_key", says=list(says), leaked=leaked)

    def choices(self, name: str, content: bytes | str, keys: list[Key], *says: str) -> None:
        """A form with several keys to choose from."""
        digests = [hashlib.sha256(plain_spki(key)).hexdigest() for key in keys]
        self.add(name, content, outcome="several_blocks", choices=digests, says=list(says))


def plain_spki(key: Key) -> bytes:
    """An RSA-PSS key is kept as the plain RSA key that its JWK says."""
    if key.name != "pss":
        return key.der
    numbers = key.object.public_key().public_numbers()
    plain = rsa.RSAPublicNumbers(numbers.e, numbers.n).public_key()
    encoded: bytes = plain.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def js(value: object, indent: int | None = 2) -> str:
    """Return JSON."""
    return json.dumps(value, indent=indent) + "\n"

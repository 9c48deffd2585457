"""What a case of a refused key is, and what makes the inputs."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core.formats import der, spki
from portal.core.reasons import Reason
from tests.unit.core.support import (
    certificate_pem,
    der_of,
    key_of,
    openssl,
    pem,
    private_key,
    private_pem,
    public_pem,
    spki_pem,
)


@dataclass(frozen=True)
class Case:
    """An input, and what is said of it."""

    name: str
    reason: Reason
    found: str
    make: Callable[[], bytes | str]
    command: str | None = None


def oid(content: bytes) -> bytes:
    return der.encode(der.OID, content)


def jwk(kind: str = "P-256", **members: object) -> str:
    merged = key_of(kind).jwk_members | members
    return json.dumps({name: value for name, value in merged.items() if value is not None})


def generated(*arguments: str) -> bytes:
    return openssl("pkey", "-pubout", stdin=openssl("genpkey", *arguments))


def ec_public(form: str = "uncompressed", curve: str = "named_curve", name: str = "P-256") -> bytes:
    parameters = ("-pkeyopt", f"ec_paramgen_curve:{name}")
    key = openssl("genpkey", "-algorithm", "EC", *parameters)
    return openssl("ec", "-pubout", "-conv_form", form, "-param_enc", curve, stdin=key)


def named_ec(curve: bytes, point: bytes) -> bytes:
    return spki_pem(oid(spki.EC_OID) + oid(curve), point)


def rsa_block(n: bytes, e: bytes = b"\x01\x00\x01") -> bytes:
    numbers = der.encode(der.INTEGER, n) + der.encode(der.INTEGER, e)
    return pem("RSA PUBLIC KEY", der.encode(der.SEQUENCE, numbers))


def pkcs1() -> bytes:
    _algorithm, bits = der.read(der_of(public_pem("RSA"))).children()
    return bits.bits()


def openssh(kind: str = "P-256") -> str:
    public = private_key(kind).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def dsa_public() -> bytes:
    return openssl("pkey", "-pubout", stdin=openssl("dsaparam", "-genkey", "-noout", "1024"))


def request() -> bytes:
    return openssl(
        "req", "-new", "-key", "/dev/stdin", "-subj", "/CN=b", stdin=private_pem("P-256")
    )


def damaged(encoded: bytes) -> bytes:
    """Return a CSR with another name in it."""
    changed = encoded.replace(b"\x0c\1b", b"\x0c\1c")
    assert changed != encoded
    return changed


def certificate(place: int, instead: bytes, signature: bytes | None = None) -> bytes:
    """Return a certificate with one field replaced, counted from the version, which is 0."""
    signed, algorithm, bits = der.read(der_of(certificate_pem("P-256"))).children()
    fields = [field.encoded for field in signed.children()]
    fields[place] = instead
    parts = der.encode(der.SEQUENCE, *fields), algorithm.encoded, signature or bits.encoded
    return pem("CERTIFICATE", der.encode(der.SEQUENCE, *parts))


def openssh_line(kind: str, *fields: bytes) -> str:
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return f"{kind} {b64encode(blob).decode()}"


def pkcs7() -> bytes:
    return openssl("crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin", stdin=certificate_pem("P-256"))


def ssh2() -> str:
    return "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n"


def lines(kind: str = "P-256") -> list[bytes]:
    return public_pem(kind).splitlines(keepends=True)

"""The programs of key services, as far as the portal's commands use them, with a key of a file.

Each takes only arguments that the real program takes, and prints what that prints. The sources are
those of portal/web/keys/key_stores.py. Run as: key_services.py PROGRAM PRIVATE_KEY ARGUMENTS…
"""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import ArgumentParser, Namespace
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

PROGRAMS: Final = ("aws", "gcloud", "az", "vault", "pkcs11-tool")
PIN: Final = "123456"
HASHES: Final = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
ARN: Final = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class Key:
    """The private key, and signatures in the formats of the services."""

    def __init__(self, pem: bytes) -> None:
        self.private: Any = load_pem_private_key(pem, None)
        self.public: Any = self.private.public_key()

    def der(self) -> bytes:
        return bytes(self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def pem(self) -> str:
        pem = self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return str(pem, "ascii")

    def rsa(self, data: bytes, size: str, scheme: str, *, salt: Any, digested: bool) -> bytes:
        digest = HASHES[size]
        used = padding.PSS(padding.MGF1(digest), salt) if scheme == "PSS" else padding.PKCS1v15()
        return bytes(self.private.sign(data, used, Prehashed(digest) if digested else digest))

    def ecdsa(self, data: bytes, size: str, *, digested: bool) -> bytes:
        """In DER."""
        assert self.private.curve.key_size == {"256": 256, "384": 384, "512": 521}[size]
        digest = HASHES[size]
        algorithm = ec.ECDSA(Prehashed(digest) if digested else digest)
        return bytes(self.private.sign(data, algorithm))

    def raw(self, signature: bytes) -> bytes:
        size = (self.private.key_size + 7) // 8
        return b"".join(each.to_bytes(size, "big") for each in decode_dss_signature(signature))


def options(arguments: list[str], *names: str, positional: int = 0) -> Namespace:
    """Return the options and `words`; any other argument ends the program."""
    parser = ArgumentParser(allow_abbrev=False)
    if positional:
        parser.add_argument("words", nargs=positional)
    for name in names:
        flag = name.removesuffix("?").removesuffix("!")
        action = {"action": "store_true"} if name.endswith("!") else {}
        parser.add_argument(flag, required=not name.endswith(("?", "!")), **action)
    return parser.parse_args(arguments)


def aws(key: Key, arguments: list[str]) -> bytes:
    """Print JSON indented by four spaces, or with --output text the bare base64."""
    if arguments[:2] == ["kms", "get-public-key"]:
        given = options(arguments[2:], "--key-id", "--output")
        assert (given.key_id, given.output) == ("alias/payments", "json")
        answer = {
            "KeyId": ARN,
            "PublicKey": b64encode(key.der()).decode(),
            "KeyUsage": "SIGN_VERIFY",
        }
        return (json.dumps(answer, indent=4) + "\n").encode()
    assert arguments[:2] == ["kms", "sign"]
    names = ("--key-id", "--message", "--message-type", "--signing-algorithm", "--query")
    given = options(arguments[2:], *names, "--output")
    assert (given.key_id, given.query, given.output) == ("alias/payments", "Signature", "text")
    data = Path(given.message.removeprefix("fileb://")).read_bytes()
    assert len(data) <= 4096
    digested = given.message_type == "DIGEST"
    match given.signing_algorithm.split("_"):
        case ["RSASSA", "PSS", "SHA", size]:
            salt = padding.PSS.DIGEST_LENGTH
            signature = key.rsa(data, size, "PSS", salt=salt, digested=digested)
        case ["RSASSA", "PKCS1", "V1", "5", "SHA", size]:
            signature = key.rsa(data, size, "PKCS1", salt=None, digested=digested)
        case ["ECDSA", "SHA", size]:
            signature = key.ecdsa(data, size, digested=digested)
        case ["ED25519", "SHA", "512"] | ["ML", "DSA", "SHAKE", "256"]:
            assert given.message_type == "RAW"
            signature = key.private.sign(data)
    return b64encode(signature) + b"\n"


def gcloud(key: Key, arguments: list[str]) -> bytes:
    """Print PEM, or the bytes of the signature: a key version has one algorithm."""
    names = ("--location", "--keyring", "--key")
    if arguments[:4] == ["kms", "keys", "versions", "get-public-key"]:
        given = options(arguments[4:], *names, positional=1)
        assert given.words == ["1"]
        return key.pem().encode()
    assert arguments[:2] == ["kms", "asymmetric-sign"]
    files = ("--input-file", "--signature-file")
    given = options(arguments[2:], *names, *files, "--version", "--digest-algorithm?")
    assert (given.location, given.keyring) == ("europe-west1", "clients")
    assert (given.key, given.version, given.signature_file) == ("payments", "1", "-")
    data = Path(given.input_file).read_bytes()
    if given.digest_algorithm is None:
        return bytes(key.private.sign(data))  # refuses RSA and EC, which need more
    size = given.digest_algorithm.removeprefix("sha")
    if isinstance(key.private, rsa.RSAPrivateKey):
        return key.rsa(data, size, "PSS", salt=padding.PSS.DIGEST_LENGTH, digested=False)
    return key.ecdsa(data, size, digested=False)


def az(key: Key, arguments: list[str]) -> bytes:
    """Print JSON; a string, if the query leads to one. Numbers are in base64, not base64url."""
    assert arguments[:2] == ["keyvault", "key"]
    names = ("--vault-name", "--name", "--output")
    if arguments[2] == "show":
        options(arguments[3:], *names)
        numbers = key.public.public_numbers()
        if isinstance(key.private, rsa.RSAPrivateKey):
            members = {"kty": "RSA", "n": _base64(numbers.n), "e": _base64(numbers.e)}
        else:
            size = (key.private.key_size + 7) // 8
            curve = f"P-{key.private.key_size}"
            x, y = _base64(numbers.x, size), _base64(numbers.y, size)
            members = {"kty": "EC", "crv": curve, "x": x, "y": y}
        kid = (
            "https://payments-vault.vault.azure.net/keys/payments/78deebed173b48e48f55abf87ed4cf71"
        )
        answer = {"key": members | {"kid": kid, "keyOps": ["sign", "verify"]}, "managed": None}
        return (json.dumps(answer, indent=2) + "\n").encode()
    assert arguments[2] == "sign"
    given = options(arguments[3:], *names, "--algorithm", "--digest", "--query")
    assert (given.vault_name, given.name) == ("payments-vault", "payments")
    assert (given.query, given.output) == ("signature", "json")
    digest, size = b64decode(given.digest, validate=True), given.algorithm[2:]
    match given.algorithm[:2]:
        case "PS":
            salt = padding.PSS.DIGEST_LENGTH
            signature = key.rsa(digest, size, "PSS", salt=salt, digested=True)
        case "RS":
            signature = key.rsa(digest, size, "PKCS1", salt=None, digested=True)
        case "ES":
            signature = key.raw(key.ecdsa(digest, size, digested=True))
    return f'"{b64encode(signature).decode()}"\n'.encode()


def _base64(number: int, size: int = 0) -> str:
    size = size or (number.bit_length() + 7) // 8
    return b64encode(number.to_bytes(size, "big")).decode()


def vault(key: Key, arguments: list[str]) -> bytes:
    """Print JSON, or the one field. By default ECDSA is in DER, and the salt of PSS the longest."""
    if arguments[0] == "read":
        assert arguments[1:] == ["-format=json", "transit/keys/payments"]
        is_ed25519 = not isinstance(key.private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        public = b64encode(key.der()[-32:]).decode() if is_ed25519 else key.pem()
        kind = "ed25519" if is_ed25519 else "of another type"
        versions = {"1": {"name": kind, "public_key": public}}
        described = {"keys": versions, "latest_version": 1, "name": "payments", "type": kind}
        return (json.dumps({"request_id": "", "data": described}, indent=2) + "\n").encode()
    assert arguments[:3] == ["write", "-field=signature", "transit/sign/payments"]
    given = dict(each.split("=", 1) for each in arguments[3:])
    data = b64decode(given.pop("input"), validate=True)
    size = given.pop("hash_algorithm", "sha2-256").removeprefix("sha2-")
    scheme = given.pop("signature_algorithm", "pss")
    salt: Any = {"auto": padding.PSS.MAX_LENGTH, "hash": padding.PSS.DIGEST_LENGTH}[
        given.pop("salt_length", "auto")
    ]
    assert not given
    if isinstance(key.private, rsa.RSAPrivateKey):
        scheme = {"pss": "PSS", "pkcs1v15": "PKCS1"}[scheme]
        signature = key.rsa(data, size, scheme, salt=salt, digested=False)
    elif isinstance(key.private, ec.EllipticCurvePrivateKey):
        signature = key.ecdsa(data, size, digested=False)
    else:
        signature = key.private.sign(data)
    return f"vault:v1:{b64encode(signature).decode()}".encode()


def pkcs11_tool(key: Key, arguments: list[str]) -> bytes:
    """Print the bytes, and to the other output what the real one says there."""
    sys.stderr.write("Using slot 0 with a present token (0x11dbcd98)\n")
    if "--read-object" in arguments:
        given = options(arguments, "--read-object!", "--module", "--type", "--id")
        assert (given.type, given.id) == ("pubkey", "01")
        return key.der()
    names = ("--module", "--pin", "--id", "--mechanism", "--mgf?", "--salt-len?")
    given = options(arguments, "--login!", "--sign!", *names, "--signature-format?")
    assert given.login
    assert given.sign
    assert given.id == "01"
    assert given.pin == "env:PIN"
    assert os.environ["PIN"] == PIN
    sys.stderr.write(f"Using signature algorithm {given.mechanism}\n")
    data = sys.stdin.buffer.read()
    if found := re.fullmatch(r"SHA(\d+)-RSA-PKCS-PSS", given.mechanism):
        assert (given.mgf, given.salt_len) == (f"MGF1-SHA{found[1]}", "-1")
        salt = padding.PSS.DIGEST_LENGTH
        return key.rsa(data, found[1], "PSS", salt=salt, digested=False)
    if found := re.fullmatch(r"SHA(\d+)-RSA-PKCS", given.mechanism):
        return key.rsa(data, found[1], "PKCS1", salt=None, digested=False)
    if given.mechanism == "ECDSA":  # which signs any text of the length of a digest
        assert given.signature_format == "rs"
        size = {32: "256", 48: "384", 64: "512"}[len(data)]
        return key.raw(key.ecdsa(data, size, digested=True))
    assert given.mechanism == "EDDSA"
    return bytes(key.private.sign(data))


if __name__ == "__main__":
    _, program, file, *given = sys.argv
    answer = globals()[program.replace("-", "_")](Key(Path(file).read_bytes()), given)
    sys.stdout.buffer.write(answer)

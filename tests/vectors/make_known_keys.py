"""Make portal/core/key_policy/known_keys.txt: the public keys whose private key everybody has.

    python -m tests.vectors.make_known_keys

Sources are sample_keys.json (RFCs and jwt.io, each taken from a public copy and checked: the public
half was computed from the private one), the package cryptography-vectors, in which private keys are
encrypted with the passwords of a test suite, and whatever a person who tries something out takes
for a private key: a small number, or one byte over and over. A key is listed when its private key
proves it and the policy would otherwise accept it; RSA keys with the exponent 65537, the only one
that can be registered. The same sources always give the same file.

Not listed is testRSA4096 of RFC 9500: no copy of it could be checked.
"""

from __future__ import annotations

import json
import re
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import cryptography_vectors
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)

from portal.core.formats.spki import (
    AKP_OIDS,
    COORDINATE_BYTES,
    CURVES,
    RAW_BYTES,
    raw_key,
    rsa_key,
)
from portal.core.key_policy import edwards
from portal.core.key_policy.policy import RSA_CEILING, KeyPolicy
from portal.core.private.to_public import ec_half, rsa_half, seed_half
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.parse import MAX_INPUT_BYTES, parse_public_key
from portal.core.reasons import Reason, Refused

SAMPLE_KEYS = Path(__file__).with_name("sample_keys.json")
KNOWN_KEYS = Path(__file__).parents[2] / "portal" / "core" / "key_policy" / "known_keys.txt"
VECTORS = Path(cryptography_vectors.__file__).parent
FILES = {".pem", ".der", ".key", ".p8", ".asc", ".p12", ".pfx"}

PASSWORDS = (
    *("123456", "a123456", "password", "foobar", "baz", "hunter2", "cryptography"),
    "",  # some PKCS#12 files are encrypted with none
)
SMALL = 256
"""So many multiples of its base point are known keys of a curve."""

# RFC 8032 §5.1 and §5.2: the base points, as public keys.
BASES = {
    "Ed25519": "58" + "66" * 31,
    "Ed448": "14fa30f25b790898adc8d74e2c13bdfdc4397ce61cffd33ad7c2a0051e9c78874098a36c7373ea4b"
    "62c7c9563720768824bcb66e71463f6900",
}

_HEADER = """\
# SHA-256 of the SubjectPublicKeyInfo of keys whose private key is published, and where.
# Made by tests/vectors/make_known_keys.py.
"""
_VALUE = re.compile(r"(\w+) = ([0-9a-fA-F]+)")
_CURVE = re.compile(r"\[(P-[0-9]+)")


def leaked(data: bytes | str) -> tuple[PublicKey, ...]:
    """Return the public halves of the private keys in a file."""
    try:
        parse_public_key(data)
    except Refused as refusal:
        return refusal.leaked
    return ()


def sample_keys() -> Iterator[tuple[str, PublicKey]]:
    """Yield the keys of RFCs and jwt.io, and where they are from."""
    for sample in json.loads(SAMPLE_KEYS.read_text("utf-8")):
        for key in leaked(json.dumps(sample["jwk"])):
            yield sample["origin"], key


def vector_keys() -> Iterator[tuple[str, PublicKey]]:
    """Yield the keys in files of cryptography-vectors, and in which."""
    for path in sorted(VECTORS.rglob("*")):
        if path.suffix in FILES or "OpenSSH" in path.parts:
            if path.is_file() and path.stat().st_size <= MAX_INPUT_BYTES:
                keys: Iterator[PublicKey] = chain(
                    leaked(path.read_bytes()), opened(path.read_bytes())
                )
            else:
                continue
        elif path.name == "sign.input":
            lines = path.read_text("ascii").splitlines()
            keys = _found(seed_half("Ed25519", bytes.fromhex(line[:64])) for line in lines)
        elif path.suffix in {".rsp", ".txt"} and path.parent.name != "RSA":
            keys = _found(_listed_keys(path))
        else:
            continue
        for key in keys:
            yield f"cryptography-vectors {path.relative_to(VECTORS).as_posix()}", key


def opened(data: bytes) -> Iterator[PublicKey]:
    """Yield the public key of a private key that one of the passwords opens."""
    if b"OPENSSH PRIVATE" in data:
        yield from _opened_by_ssh(data)
    for password in map(str.encode, PASSWORDS):
        for load in (load_pem_private_key, load_der_private_key, _load_pkcs12):
            key: Any = None
            with suppress(ValueError, TypeError, UnsupportedAlgorithm), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the ciphers are old, and so is DSA
                key = load(data, password)
            if key is None:
                continue
            with suppress(Refused):
                block = key.public_key().public_bytes(
                    Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
                )
                yield _usual(parse_public_key(block))
            return


def _load_pkcs12(data: bytes, password: bytes) -> Any:
    return pkcs12.load_key_and_certificates(data, password)[0]


def _opened_by_ssh(data: bytes) -> Iterator[PublicKey]:
    with NamedTemporaryFile() as file:  # which nobody else may read, as ssh-keygen asks for
        file.write(data)
        file.flush()
        for password in PASSWORDS:
            command = ["ssh-keygen", "-y", "-P", password, "-f", file.name]
            run = subprocess.run(command, capture_output=True, check=False)
            if run.returncode == 0:
                with suppress(Refused):
                    yield _usual(parse_public_key(run.stdout))
                return


def _usual(key: PublicKey) -> PublicKey:
    """Return an RSA key with the exponent that can be registered, any other as it is."""
    if key.kty != "RSA":
        return key
    n = key.n
    return rsa_key(n, 65537, Container.SPKI)


def obvious_keys() -> Iterator[tuple[str, PublicKey]]:
    """Yield the keys of private values that come to mind at once."""
    for curve, size in COORDINATE_BYTES.items():
        for number in range(1, SMALL + 1):
            yield from _named(f"private key {number} of {curve}", ec_half(curve, number))
        for byte in range(1, 256):
            scalar = int.from_bytes(bytes((byte,)) * size, "big")
            yield from _named(f"private key of bytes {byte:02x} of {curve}", ec_half(curve, scalar))
    for name, base in BASES.items():
        for number, key in enumerate(_multiples(name, bytes.fromhex(base)), 1):
            yield f"base point of {name} times {number}", key
    for name in (*BASES, *AKP_OIDS):
        size = RAW_BYTES[name] if name in BASES else 32
        for byte in range(256):
            seed = bytes((byte,)) * size
            yield from _named(f"seed of bytes {byte:02x} of {name}", seed_half(name, seed))
        for first in (0, 1):
            seed = bytes(range(first, first + size))
            yield from _named(
                f"seed of bytes that count from {first} of {name}", seed_half(name, seed)
            )


def _named(origin: str, key: PublicKey | None) -> Iterator[tuple[str, PublicKey]]:
    if key is not None:
        yield origin, key


def _multiples(name: str, base: bytes) -> Iterator[PublicKey]:
    curve = edwards._CURVES[name]
    point = edwards._decode(curve, base)
    assert point is not None
    for number in range(1, SMALL + 1):
        x, y, z = edwards._multiply(curve, number, point)
        inverse = pow(z, -1, curve.p)
        x, y = x * inverse % curve.p, y * inverse % curve.p
        encoded = y | (x & 1) << 8 * curve.size - 1
        yield raw_key(name, encoded.to_bytes(curve.size, "little"), Container.SPKI)


def _found(halves: Iterator[PublicKey | None]) -> Iterator[PublicKey]:
    return (half for half in halves if half is not None)


def _listed_keys(path: Path) -> Iterator[PublicKey | None]:
    """Yield the keys of a list of `name = hexadecimal value` lines, as NIST writes them."""
    folder, file = path.parts[-2:]
    seeds = re.search(r"kat_MLDSA_([0-9]+)", file)
    curve = n = e = None
    for line in path.read_text("utf-8", "replace").splitlines():
        if header := _CURVE.match(line):
            curve = header[1]
        if not (value := _VALUE.fullmatch(line.strip())):
            continue
        name, digits = value[1], value[2]
        match name:
            case "n":
                n = int(digits, 16)
            case "e":
                e = int(digits, 16)
            case "d" if "RSA" in path.parts and n and e:
                yield rsa_half(n, e, int(digits, 16))
            case "d" if "ECDSA" in path.parts and curve in CURVES:
                yield ec_half(str(curve), int(digits, 16))
            case "xi" if seeds:
                yield seed_half(f"ML-DSA-{seeds[1]}", bytes.fromhex(digits))
            case "SECRET" if folder == "Ed448":
                yield seed_half("Ed448", bytes.fromhex(digits))


def acceptable(key: PublicKey) -> bool:
    """Tell whether the policy in its widest form accepts the key, apart from being a known one."""
    try:
        KeyPolicy(rsa_max_bits=RSA_CEILING).check_key(key)
    except Refused as refusal:
        return refusal.reason is Reason.BLOCKED
    return True


def known_keys_text() -> str:
    """Return the content of known_keys.txt."""
    origins: dict[str, str] = {}
    for origin, key in (*sample_keys(), *vector_keys(), *obvious_keys()):
        if key.spki_sha256 not in origins and acceptable(key):
            origins[key.spki_sha256] = origin
    return _HEADER + "".join(f"{digest} {origin}\n" for digest, origin in sorted(origins.items()))


if __name__ == "__main__":
    KNOWN_KEYS.write_text(known_keys_text(), "ascii")

"""Make portal/core/known_keys.txt: the public keys whose private half everybody has.

    python -m tests.vectors.make_known_keys

Sources are sample_keys.json (RFCs and jwt.io, each taken from a public copy and checked: the public
half was computed from the private one) and the package cryptography-vectors. A key is listed when
its private half proves it and the policy would otherwise accept it; RSA keys with the exponent
65537, the only one that can be registered. The same sources always give the same file.

Not listed is testRSA4096 of RFC 9500: no copy of it could be checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import cryptography_vectors

from portal.core.keys import PublicKey
from portal.core.pem import MAX_INPUT_BYTES, parse_public_key
from portal.core.policy import RSA_CEILING, KeyPolicy
from portal.core.proof import ec_half, rsa_half, seed_half
from portal.core.reasons import Reason, Refused
from portal.core.spki import CURVES

SAMPLE_KEYS = Path(__file__).with_name("sample_keys.json")
KNOWN_KEYS = Path(__file__).parents[2] / "portal" / "core" / "known_keys.txt"
VECTORS = Path(cryptography_vectors.__file__).parent

_HEADER = """\
# SHA-256 of the SubjectPublicKeyInfo of keys whose private half is published, and where.
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
        if path.suffix in {".pem", ".der", ".key", ".p8", ".asc"} or "OpenSSH" in path.parts:
            if path.is_file() and path.stat().st_size <= MAX_INPUT_BYTES:
                keys: Iterator[PublicKey] = iter(leaked(path.read_bytes()))
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
    for origin, key in (*sample_keys(), *vector_keys()):
        if key.spki_sha256 not in origins and acceptable(key):
            origins[key.spki_sha256] = origin
    return _HEADER + "".join(f"{digest} {origin}\n" for digest, origin in sorted(origins.items()))


if __name__ == "__main__":
    KNOWN_KEYS.write_text(known_keys_text(), "ascii")

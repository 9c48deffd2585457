"""How fast an assertion is verified: `python bench/assertion.py`.

For each key it measures, in alternating rounds, `cryptography` alone with the key object ready, and
`parse_unverified` and `verify` of a whole assertion. It prints the least processor times in µs, and
their ratio: other work on the machine only adds to them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from portal.core.assertion import CandidateKey, Expectation, parse_unverified, verify
from portal.core.strict.base64url import encode_url

ROUNDS, CALLS = 60, 100
NOW = 1_800_000_000.0
ISSUER = "https://keys.example.com"
# Clients send whole seconds.
DATES = {"iat": int(NOW), "exp": int(NOW) + 60}
CLAIMS = {"iss": "c", "sub": "c", "aud": ISSUER, **DATES, "jti": "x" * 36}
PADDING = PSS(MGF1(SHA256()), 32)

Signed = tuple[bytes, Callable[[], object]]
"""A JWS signature, and its verification by `cryptography` alone."""


def with_rsa(key: rsa.RSAPrivateKey, message: bytes) -> Signed:
    signature, public = key.sign(message, PADDING, SHA256()), key.public_key()
    return signature, lambda: public.verify(signature, message, PADDING, SHA256())


def with_ec(key: ec.EllipticCurvePrivateKey, message: bytes) -> Signed:
    encoded, public = key.sign(message, ec.ECDSA(SHA256())), key.public_key()
    signature = b"".join(each.to_bytes(32, "big") for each in decode_dss_signature(encoded))
    return signature, lambda: public.verify(encoded, message, ec.ECDSA(SHA256()))


def plain(key: Any, message: bytes) -> Signed:
    signature, public = key.sign(message), key.public_key()
    return signature, lambda: public.verify(signature, message)


def microseconds(call: Callable[[], object], calls: int) -> float:
    """Return the mean processor time of one call."""
    start = time.process_time_ns()
    for _ in range(calls):
        call()
    return (time.process_time_ns() - start) / calls / 1000


def measure(
    name: str, alg: str, key: Any, sign: Callable[[Any, bytes], Signed], *, smoke: bool
) -> None:
    """Print the figures for one key."""
    header = {"alg": alg, "kid": "k" * 43, "typ": "client-authentication+jwt"}
    signing_input = ".".join(encode_url(json.dumps(each).encode()) for each in (header, CLAIMS))
    signature, raw = sign(key, signing_input.encode())
    assertion = f"{signing_input}.{encode_url(signature)}"
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    expectation = Expectation("c", ISSUER, (CandidateKey("k" * 43, alg, pem),), NOW)

    def ours() -> object:
        return verify(parse_unverified(assertion), expectation)

    def reading() -> object:
        return parse_unverified(assertion)

    calls = (raw, ours, reading)
    rounds, number = (1, 1) if smoke else (ROUNDS, CALLS)
    times = [[microseconds(call, number) for call in calls] for _ in range(rounds)]
    alone, whole, parsing = (min(each) for each in zip(*times, strict=True))
    print(f"{name:12} {alone:10.1f} {whole:14.1f} {parsing:10.1f} {whole / alone:7.2f}")


def main() -> None:
    """Measure each type of key."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    smoke = parser.parse_args().smoke
    print(f"{'µs':12} {'raw verify':>10} {'parse + verify':>14} {'parse':>10} {'ratio':>7}")
    for bits in (2048, 3072):
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        measure(f"PS256 {bits}", "PS256", key, with_rsa, smoke=smoke)
    measure("ES256", "ES256", ec.generate_private_key(ec.SECP256R1()), with_ec, smoke=smoke)
    measure("EdDSA", "EdDSA", ed25519.Ed25519PrivateKey.generate(), plain, smoke=smoke)
    measure("ML-DSA-65", "ML-DSA-65", mldsa.MLDSA65PrivateKey.generate(), plain, smoke=smoke)


if __name__ == "__main__":
    main()

"""Keys for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Final, Literal, overload

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

REUSED: Final = 8

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)


def private_pem(private: PrivateKey | None = None) -> str:
    """Return a private key as PKCS#8 PEM, as a user may paste it by mistake."""
    private = private or new_private_key()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(private: PrivateKey) -> str:
    """Return the public key as SubjectPublicKeyInfo PEM."""
    return (
        private.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii")
    )


@overload
def new_private_key(alg: Literal["ES256", "ES384", "ES512"]) -> ec.EllipticCurvePrivateKey: ...
@overload
def new_private_key(alg: str = "EdDSA") -> PrivateKey: ...
def new_private_key(alg: str = "EdDSA") -> PrivateKey:
    """Return a new private key for the algorithm, which may be any that the portal supports."""
    match alg:
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ES384":
            return ec.generate_private_key(ec.SECP384R1())
        case "ES512":
            return ec.generate_private_key(ec.SECP521R1())
        case "EdDSA" | "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "Ed448":
            return ed448.Ed448PrivateKey.generate()
        case "ML-DSA-44":
            return mldsa.MLDSA44PrivateKey.generate()
        case "ML-DSA-65":
            return mldsa.MLDSA65PrivateKey.generate()
        case "ML-DSA-87":
            return mldsa.MLDSA87PrivateKey.generate()
        case _:
            return next(_reused) if _reused else _new_rsa_key()


def _new_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


_reused: Iterator[rsa.RSAPrivateKey] | None = None


@contextmanager
def reused_rsa_keys() -> Iterator[None]:
    """Reuse a few RSA keys in turn inside the block, as each takes 0.1 s to make.

    For tests whose rows are rolled back. No test needs more keys than these.
    """
    global _reused  # noqa: PLW0603 - one for the process
    made: list[rsa.RSAPrivateKey] = []

    def turns() -> Iterator[rsa.RSAPrivateKey]:
        while len(made) < REUSED:
            made.append(_new_rsa_key())
            yield made[-1]
        yield from cycle(made)

    _reused = turns()
    yield
    _reused = None

"""Keys that the tests of every room make."""

from __future__ import annotations

from typing import Literal, overload

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)


def public_pem(private: PrivateKey) -> str:
    """Return the public half as SubjectPublicKeyInfo PEM."""
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
    """Return a fresh private key for the algorithm, any that the portal knows."""
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
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)

"""Public keys as JWK (RFC 7517): the members, the thumbprint, and the JWK as it is published."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from portal.core.formats.spki import key_bytes, rsa_numbers
from portal.core.public_key import PublicKey
from portal.core.strict.base64url import encode_url

PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv")
"""The members of a JWK that only its owner may know: RFC 7518 §6.2.2, §6.3.2, §6.4, RFC 9964 §3."""


def to_jwk(key: PublicKey) -> dict[str, str]:
    """Return the required public members of the key, and no others.

    RFC 7518 §6.2.1 and §6.3.1 (EC, RSA), RFC 8037 §2 (OKP), RFC 9964 §3 (AKP).
    """
    match key.kty:
        case "RSA":
            n, e = rsa_numbers(key)
            return {"kty": "RSA", "n": _uint(n), "e": _uint(e)}
        case "EC":
            point = key_bytes(key)
            # RFC 7518 §6.2.1.2: coordinates have their full length, leading zeros included.
            middle = len(point) // 2 + 1  # a first byte of 4, then two coordinates of one length
            x, y = point[1:middle], point[middle:]
            return {"kty": "EC", "crv": key.curve, "x": encode_url(x), "y": encode_url(y)}
        case "OKP":
            return {"kty": "OKP", "crv": key.curve, "x": encode_url(key_bytes(key))}
        case _:
            return {"kty": "AKP", "alg": key.curve, "pub": encode_url(key_bytes(key))}


def thumbprint(key: PublicKey) -> str:
    """Return the RFC 7638 SHA-256 thumbprint of the key, which is its `kid` everywhere."""
    # RFC 7638 §3.2: required members only, so metadata cannot change the kid. §3.3: sorted,
    # compact. RFC 9964 §6 counts `alg` among them for AKP, RFC 8037 §2 has crv, kty, x for OKP.
    members = json.dumps(to_jwk(key), sort_keys=True, separators=(",", ":"))
    return encode_url(hashlib.sha256(members.encode("ascii")).digest())


def published_jwk(key: PublicKey, alg: str) -> dict[str, str]:
    """Return the JWK that verifiers get: public members, `kid`, `use`, and `alg` except for OKP.

    No `key_ops` beside `use` (RFC 7517 §4.3). RSA and EC always carry `alg`, as PyJWT and Keycloak
    assume one otherwise; OKP never does, so that the headers `EdDSA` and `Ed25519` both verify.
    """
    jwk = to_jwk(key) | {"kid": thumbprint(key), "use": "sig"}
    return jwk | {"alg": alg} if key.kty in {"RSA", "EC"} else jwk


def _uint(value: int) -> str:
    # RFC 7518 §2, Base64urlUInt: as few octets as it takes.
    return encode_url(value.to_bytes((value.bit_length() + 7) // 8, "big"))

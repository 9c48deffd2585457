"""Client assertions for all tests: valid ones, and invalid ones of every kind.

They use only `cryptography`, because a JWT library would refuse to make many of them.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from typing import Any, Final
from uuid import uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.keys import PrivateKey

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_HASHES: Final = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def claims_of(client_id: str, issuer: str, **changes: Any) -> dict[str, Any]:
    """Return valid claims; a change to None omits the claim."""
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": issuer, "jti": uuid4().hex}
    claims |= {"iat": now, "exp": now + 120} | changes
    return {name: value for name, value in claims.items() if value is not None}


def sign(private: PrivateKey, alg: str, claims: dict[str, Any], **header: Any) -> str:
    """Return the claims as a JWS in compact form; a header member of None is omitted."""
    members = {"alg": alg, "typ": "client-authentication+jwt"} | header
    head = json.dumps({name: value for name, value in members.items() if value is not None})
    signing_input = f"{encode(head.encode())}.{encode(json.dumps(claims).encode())}"
    return f"{signing_input}.{encode(signature_of(private, alg, signing_input.encode()))}"


def signature_of(private: PrivateKey, alg: str, data: bytes) -> bytes:
    """Return the signature in the format of JWS (RFC 7518 §3, RFC 8037 §3.1, RFC 9964 §4)."""
    if isinstance(private, rsa.RSAPrivateKey):
        digest = _HASHES[alg[2:]]
        if alg.startswith("RS"):
            return private.sign(data, padding.PKCS1v15(), digest)
        pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
        return private.sign(data, pss, digest)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        size = (private.key_size + 7) // 8
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(_HASHES[alg[2:]])))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return private.sign(data)


def encode(data: bytes) -> str:
    """Return unpadded base64url (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def form_of(assertion: str, **more: str) -> dict[str, str]:
    """Return the parameters of a token request for the client's own access (RFC 7523 §2.2)."""
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **more,
    }

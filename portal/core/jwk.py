"""Public keys as JWK (RFC 7517): the members that are private, and the JWK as it is published."""

from __future__ import annotations

from typing import Final

from portal.core.public_key import PublicKey

PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv")
"""The members of a JWK that only its owner may know: RFC 7518 §6.2.2, §6.3.2, §6.4, RFC 9964 §3."""


def published_jwk(key: PublicKey, alg: str) -> dict[str, str]:
    """Return the JWK that verifiers get: public members, `kid`, `use`, and `alg` except for OKP.

    No `key_ops` beside `use` (RFC 7517 §4.3). RSA and EC always carry `alg`, as PyJWT and Keycloak
    assume one otherwise; OKP never does, so that the headers `EdDSA` and `Ed25519` both verify.
    """
    jwk = key.jwk_members | {"kid": key.thumbprint, "use": "sig"}
    return jwk | {"alg": alg} if key.kty in {"RSA", "EC"} else jwk

"""JWK (RFC 7517): the names of private members, and the published form of a public key."""

from __future__ import annotations

from typing import Final

from portal.core.public_key import PublicKey

PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv")
"""The private members of a JWK: RFC 7518 §6.2.2, §6.3.2, §6.4, RFC 9964 §3."""


def published_jwk(key: PublicKey, alg: str) -> dict[str, str]:
    """Return the published JWK: public members, `kid`, `use`, and `alg` except for OKP.

    No `key_ops` beside `use` (RFC 7517 §4.3). RSA and EC always have `alg`, because PyJWT and
    Keycloak otherwise assume one; OKP never has, so that the headers `EdDSA` and `Ed25519` both
    verify.
    """
    jwk = key.jwk_members | {"kid": key.thumbprint, "use": "sig"}
    return jwk | {"alg": alg} if key.kty in {"RSA", "EC"} else jwk

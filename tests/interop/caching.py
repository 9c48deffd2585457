"""Verifiers that keep a key set: how each is given its own cache and what it answers in refusal."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import jwt

from tests.interop.peers import Claims, Jose, Refusal

LIBRARIES = ["PyJWT", "jose"]
CACHE_S = 0.5
"""A cache time that a test can wait for."""

REFUSED = (jwt.PyJWKClientError, jwt.PyJWKSetError, jwt.InvalidAlgorithmError, Refusal)
"""What the libraries raise when no key fits, or the set cannot be read."""


def caching_verifier(
    library: str, jose: Jose, url: str, *, cache_s: float | None = None
) -> Callable[[str, str], Claims]:
    """Return a function from a token and its alg to the claims, with a cache of its own.

    It keeps a set for `cache_s`, or as long as the library does by default (PyJWT 300 s, jose
    600 s). The pause between two refreshes for an unknown kid (30 s in both) is switched off.
    """
    if library == "PyJWT":
        client = jwt.PyJWKClient(url, lifespan=cache_s or 300, cooldown_duration=0)

        def verify(token: str, alg: str) -> Claims:
            key = client.get_signing_key_from_jwt(token)
            claims: Claims = jwt.decode(token, key, algorithms=[alg])
            return claims

        return verify
    name = uuid4().hex
    options = {"cooldownDuration": 0}
    if cache_s:
        options["cacheMaxAge"] = int(cache_s * 1000)
    return lambda token, alg: jose.verify(url, token, alg, name, **options)

"""An example assertion of a client, with the values of the client where they are known."""

from __future__ import annotations

import json
from dataclasses import dataclass

from portal.core.algorithms import ALGORITHMS
from portal.registry.endpoints import issuer
from portal.registry.models import Client
from portal.web.keys.lists import KeyLists


@dataclass(frozen=True, slots=True)
class Example:
    """The header and the claims of an assertion (RFC 7523 §3, RFC 10070), as JSON to read."""

    header: str
    claims: str
    kid: str


def example_of(client: Client, lists: KeyLists) -> Example:
    """Return an example that uses the newest current key, or PS256 when there is none."""
    key = lists.current[0].key if lists.current else None
    header = {"alg": "PS256", "typ": "client-authentication+jwt"}
    if key:
        header["alg"] = ALGORITHMS[key.alg].headers[0]
        header["kid"] = key.kid
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": issuer(),
        "iat": 1900000000,
        "exp": 1900000120,
        "jti": "random-and-never-used-twice",
    }
    return Example(
        json.dumps(header, indent=2), json.dumps(claims, indent=2), key.kid if key else ""
    )

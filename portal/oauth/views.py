"""The JWKS of each client, and the metadata of this server."""

from __future__ import annotations

import json

from django.conf import settings
from django.utils import timezone

from portal.core.algorithms import ALGORITHMS
from portal.oauth.caching import cache_control
from portal.oauth.documents import Document, PublicDocument, problem
from portal.registry.publishing import publish

_UNKNOWN_CLIENT = problem(
    404,
    "not_found",
    "There is no client with the client_id in this address. "
    "Its JWKS URL is shown on the client's Settings page in the portal.",
    # Takes the weight off a loop of requests, and is over soon for a client made just now.
    cache_control="public, max-age=10",
)


@PublicDocument
def jwks(client_id: str) -> Document:
    """Return the live keys of the kinds that every verifier knows: RSA, EC and Ed25519."""
    return _key_set(client_id, extended=False)


@PublicDocument
def jwks_extended(client_id: str) -> Document:
    """Return all live keys, with Ed448 and ML-DSA, which break verifiers that do not know them."""
    return _key_set(client_id, extended=True)


def _key_set(client_id: str, *, extended: bool) -> Document:
    publication = publish(client_id, timezone.now(), extended=extended)
    if publication is None:
        return _UNKNOWN_CLIENT
    reuse = cache_control(
        # The time after reading, as caches count from when they get the answer.
        timezone.now(),
        max_age=settings.JWKS_MAX_AGE,
        stale_if_error=settings.JWKS_STALE_IF_ERROR,
        next_start=publication.next_start,
        next_end=publication.next_end,
    )
    # RFC 7517 §8.5.2
    return Document(publication.jwks, reuse, content_type="application/jwk-set+json")


@PublicDocument
def metadata() -> Document:
    """Return the authorization server metadata (RFC 8414 §3.2): what exists, and nothing else.

    There is no endpoint yet. `response_types_supported` is required even when it is empty (§2), and
    `grant_types_supported` must be left out when it is (§3.2). How clients authenticate is told,
    because leaving it out would mean `client_secret_basic` (§2), which the portal never takes; the
    algorithms must go with it (§2), and are those that keys can be registered for.
    """
    algorithms = [
        header
        for algorithm in ALGORITHMS.values()
        if settings.ALLOW_LEGACY_ALGORITHMS or not algorithm.legacy
        for header in algorithm.headers
    ]
    body = {
        "issuer": settings.PUBLIC_URL,
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(dict.fromkeys(algorithms)),
    }
    reuse = f"public, max-age={settings.JWKS_MAX_AGE}"
    return Document(json.dumps(body, indent=2).encode("ascii"), reuse)

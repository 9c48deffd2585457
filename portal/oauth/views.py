"""The JWKS of each client, the metadata of this server, and whom its weaknesses are reported to."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.utils import timezone

from portal import bulkhead
from portal.core.algorithms import ALGORITHMS
from portal.oauth.grants import GRANT_TYPES, RESPONSE_TYPES
from portal.publishing.caching import Reuse, cache_control, constant_until
from portal.publishing.jwks_cache import cache, path_of, prepare
from portal.publishing.public_endpoint import (
    BUSY,
    DATABASE_FAILED,
    Document,
    PublicDocument,
    problem,
)
from portal.publishing.replica import publish_current
from portal.registry import endpoints
from portal.registry.ledger_source import follower

SECURITY_PATH: Final = ".well-known/security.txt"
_JWKS: Final = "application/jwk-set+json"  # RFC 7517 §8.5.2

_UNKNOWN_CLIENT = problem(
    404,
    "not_found",
    "No client has the client_id in this URL. The client's Settings page in the portal shows "
    "its JWKS URL.",
    # Takes the weight off a loop of requests, and is over soon for a client made just now.
    cache_control="public, max-age=10",
)

_NO_CONTACT = problem(
    404, "not_found", "This portal names no security contact (the setting SECURITY_CONTACT)."
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
    if follower.gone:
        # Known already: nobody has to wait until a connection has failed once more.
        return DATABASE_FAILED
    version = cache.version(client_id)
    try:
        with bulkhead.lookups:
            publication = publish_current(client_id, timezone.now(), extended=extended)
    except (bulkhead.BulkheadFull, DatabaseFailure) as failure:
        # No event says that it has changed: only hand-written SQL may be missing in it.
        kept = cache.find(path_of(client_id, extended=extended))
        if kept:
            return Document(kept[-1], dict(kept[3])["Cache-Control"], content_type=_JWKS)
        if isinstance(failure, bulkhead.BulkheadFull):
            return BUSY
        raise
    if publication is None:
        cache.drop(client_id)
        return _UNKNOWN_CLIENT
    reuse: Reuse = {
        "max_age": settings.JWKS_MAX_AGE,
        "stale_if_error": settings.JWKS_STALE_IF_ERROR,
        "next_start": publication.next_start,
        "next_end": publication.next_end,
    }
    # The time after reading, as caches count from when they get the answer.
    reused = cache_control(timezone.now(), **reuse)
    # RFC 7517 §8.5.2
    document = Document(publication.jwks, reused, content_type="application/jwk-set+json")
    cache.put(client_id, version, prepare(document, constant_until(**reuse)), extended=extended)
    return document


@PublicDocument
def metadata() -> Document:
    """Return the authorization server metadata (RFC 8414 §2): what works, and nothing else.

    Clients authenticate with their keys at each endpoint, so each says so: leaving it out would
    mean `client_secret_basic`. There is no `jwks_uri`, as that would be keys of this server, which
    signs nothing.
    """
    algorithms = [
        header
        for algorithm in ALGORITHMS.values()
        if settings.ALLOW_LEGACY_ALGORITHMS or not algorithm.legacy
        for header in algorithm.headers
    ]
    authentication = {
        "auth_methods_supported": ["private_key_jwt"],
        "auth_signing_alg_values_supported": list(dict.fromkeys(algorithms)),
    }
    body = {
        "issuer": endpoints.issuer(),
        "authorization_endpoint": endpoints.authorization_endpoint(),
        "token_endpoint": endpoints.token_endpoint(),
        "introspection_endpoint": endpoints.introspection_endpoint(),
        "revocation_endpoint": endpoints.revocation_endpoint(),
        "scopes_supported": list(settings.SCOPES),
        # RFC 9728 §4
        **({"protected_resources": list(settings.RESOURCES)} if settings.RESOURCES else {}),
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        **{
            f"{endpoint}_endpoint_{name}": value
            for endpoint in ("token", "introspection", "revocation")
            for name, value in authentication.items()
        },
    }
    reuse = f"public, max-age={settings.JWKS_MAX_AGE}"
    return Document(json.dumps(body, indent=2).encode("ascii"), reuse)


@PublicDocument
def security() -> Document:
    """Return where weaknesses of the portal are reported (RFC 9116), 404 where nobody is named."""
    if not settings.SECURITY_CONTACT:
        return _NO_CONTACT
    # RFC 9116 §2.5.5: less than a year. Whole days, so that it changes once a day.
    expires = timezone.now().date() + timedelta(days=180)
    lines = [
        *(f"Contact: {each}" for each in settings.SECURITY_CONTACT),
        f"Expires: {expires}T00:00:00Z",
        f"Canonical: {settings.PUBLIC_URL}/{SECURITY_PATH}",
    ]
    body = "".join(f"{line}\n" for line in lines).encode("ascii")
    return Document(body, "public, max-age=86400", content_type="text/plain; charset=utf-8")

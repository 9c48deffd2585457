"""Read a client's key set from the database into the cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.utils import timezone

from portal import bulkhead
from portal.publishing.caching import Reuse, constant_until, reuse_headers
from portal.publishing.jwks_cache import JwksCache, prepare
from portal.publishing.public_endpoint import Document
from portal.publishing.replica import publish_current

CONTENT_TYPE: Final = "application/jwk-set+json"  # RFC 7517 §8.5.2


def jwks_document(body: bytes, headers: Mapping[str, str]) -> Document:
    """Return a key set as a document. `headers` must contain those of `reuse_headers`."""
    for_nginx = {"X-Accel-Expires": headers["X-Accel-Expires"]}
    return Document(body, headers["Cache-Control"], content_type=CONTENT_TYPE, headers=for_nginx)


def read_into(
    cache: JwksCache, client_id: str, *, extended: bool, may_evict: bool = True
) -> Document | None:
    """Return the key set as a document, or None if there is no such client; cache it if possible.

    Raises `BulkheadFull` or a database error. `may_evict` is passed to `JwksCache.put`.
    """
    version = cache.version(client_id)
    with bulkhead.lookups:
        publication = publish_current(client_id, timezone.now(), extended=extended)
    if publication is None:
        cache.drop(client_id)
        return None
    reuse: Reuse = {
        "max_age": settings.JWKS_MAX_AGE,
        "stale_if_error": settings.JWKS_STALE_IF_ERROR,
        "next_start": publication.next_start,
        "next_end": publication.next_end,
    }
    # The time after reading, because caches count from when they receive the response.
    document = jwks_document(publication.jwks, reuse_headers(timezone.now(), **reuse))
    entry = prepare(document, constant_until(**reuse))
    cache.put(client_id, version, entry, extended=extended, may_evict=may_evict)
    return document

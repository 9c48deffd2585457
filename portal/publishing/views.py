"""The views of a client's key sets, for requests that the WSGI middleware does not answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import Error as DatabaseFailure

from portal import bulkhead
from portal.publishing.jwks_cache import NAMES, cache, path_of
from portal.publishing.public_endpoint import (
    BUSY,
    DATABASE_FAILED,
    Document,
    PublicDocument,
    problem,
)
from portal.publishing.reading import jwks_document, read_into
from portal.registry.ledger_source import follower

_UNKNOWN_CLIENT = problem(
    404,
    "not_found",
    "No client has the client_id in this URL. The client's Settings page in the portal shows "
    "its JWKS URL.",
    # Limits the load of a request loop, and expires soon enough for a new client.
    cache_control="public, max-age=10",
)


@PublicDocument
def jwks(client_id: str) -> Document:
    """Return the live keys of the types that every verifier knows: RSA, EC and Ed25519."""
    return _key_set(client_id, extended=False)


@PublicDocument
def jwks_extended(client_id: str) -> Document:
    """Return all live keys, including Ed448 and ML-DSA, which break verifiers without them."""
    return _key_set(client_id, extended=True)


VIEWS: Final[Mapping[str, PublicDocument]] = dict(zip(NAMES, (jwks, jwks_extended), strict=True))
"""The views by the last part of their paths."""


def _key_set(client_id: str, *, extended: bool) -> Document:
    if follower.gone:
        # The database is unreachable: do not wait for another connection attempt to fail.
        return DATABASE_FAILED
    try:
        document = read_into(cache, client_id, extended=extended)
    except (bulkhead.BulkheadFull, DatabaseFailure) as failure:
        # No event has changed it, so it can only lack changes by hand-written SQL.
        kept = cache.find(path_of(client_id, extended=extended))
        if kept:
            return jwks_document(kept[-1], dict(kept[3]))
        if isinstance(failure, bulkhead.BulkheadFull):
            return BUSY
        raise
    if document is None:
        return _UNKNOWN_CLIENT
    cache.note_request(client_id, extended=extended)
    return document

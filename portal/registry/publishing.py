"""What verifiers are served for a client: its rows, handed to the pure function that publishes."""

from __future__ import annotations

from datetime import datetime

from portal.core.jwks import jwk_set
from portal.registry.models import Client


def published_jwk_set(client_id: str, now: datetime, *, extended: bool) -> bytes | None:
    """Return the JWKS of the client at `now` as bytes, or None when there is no such client.

    Always read from the database: a revocation shows on the next request.
    """
    client = Client.objects.filter(client_id=client_id).first()
    if client is None:
        return None
    keys = [] if client.is_suspended else client.keys.live(now)
    return jwk_set((key.publishable for key in keys), now, extended=extended)

"""What verifiers are served for a client: its rows, handed to the pure function that publishes.

The whole path from a client_id to the published bytes is this module and `portal.core.jwks`. It
needs no request and no settings, so that it can be served without entering the rest of Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.core.jwks import jwk_set
from portal.core.lifecycle import KeyStatus
from portal.registry.models import Client


@dataclass(frozen=True, slots=True)
class Publication:
    """What a client publishes at one moment, and when that next changes by itself.

    `jwks` is the body; `next_start` is when a registered key begins and `next_end` when a live one
    expires or retires, None when there is no such date.
    """

    jwks: bytes
    next_start: datetime | None
    next_end: datetime | None


def publish(client_id: str, now: datetime, *, extended: bool) -> Publication | None:
    """Return what the client publishes at `now`, or None when there is no such client.

    Always read from the database.
    """
    # PostgreSQL takes no NUL in a text, and no client_id has one.
    client = None if "\0" in client_id else Client.objects.filter(client_id=client_id).first()
    if client is None:
        return None
    rows = client.keys.none() if client.is_suspended else client.keys.current(now)
    keys = [key for key in (row.publishable for row in rows) if extended or not key.extended]
    lives = [(key.lifecycle, change) for key in keys if (change := key.lifecycle.next_change(now))]
    starts = [change for life, change in lives if life.status(now) == KeyStatus.PENDING]
    ends = [change for life, change in lives if life.is_live(now)]
    return Publication(
        jwks=jwk_set(keys, now, extended=extended),
        next_start=min(starts, default=None),
        next_end=min(ends, default=None),
    )

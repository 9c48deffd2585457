"""Build a client's key set: read its rows and pass them to the pure function that publishes.

This module and `portal.core.jwks` are the whole path from a client_id to the published bytes. They
need no request and no settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.core.jwks import jwk_set
from portal.core.lifecycle import KeyStatus
from portal.registry.models import Client


@dataclass(frozen=True, slots=True)
class Publication:
    """What a client publishes at one time, and when that next changes without an action.

    `jwks` is the body. `next_start` is when the next pending key becomes live, and `next_end` when
    the next live key expires or retires. None if there is no such date.
    """

    jwks: bytes
    next_start: datetime | None
    next_end: datetime | None


def publish(client_id: str, now: datetime, *, extended: bool) -> Publication | None:
    """Return what the client publishes at `now`, or None if there is no such client.

    Always reads the database.
    """
    # PostgreSQL refuses NUL in texts, and no client_id contains it.
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

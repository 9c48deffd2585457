"""How a process that keeps key sets in memory learns that they have changed (ADR 0011)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from django.conf import settings
from django.db import connection

from portal.registry.changes.notifications import BOUND_S, Listener
from portal.registry.changes.proof import Replica
from portal.registry.changes.versions import Versions
from portal.registry.changes.watcher import Watcher
from portal.registry.changes.wire import conninfo_of
from portal.registry.routing import REPLICA

__all__ = ["BOUND_S", "Keeper", "Look", "replica", "watch"]

Look = Callable[[], object]
"""To be called before each answer from memory."""

replica: Final = Replica() if REPLICA in settings.DATABASES else None
"""What this process knows of its replica, where there is one. Nobody reads it before `watch`."""


class Keeper(Protocol):
    """Who keeps something of clients in memory. Moments are those of `time.monotonic`, in seconds.

    Called from a thread of its own.
    """

    def drop(self, client_id: str) -> None:
        """Forget a client, which has changed."""

    def clear(self) -> None:
        """Forget everything."""

    def trust(self, until: float) -> None:
        """Believe up to this moment that every change has been told."""

    def distrust(self) -> None:
        """Forget everything and keep nothing, until `trust`: changes are not told."""

    def serve_on(self, until: float) -> None:
        """Go on up to this moment: the database is gone, and takes no changes."""


def watch(keeper: Keeper) -> Look | None:
    """Tell the keeper from now on what changes in this process's database, and whether it is told.

    For processes that serve; each calls this once, after it was forked. Returns what has to be
    called before each answer, None on PostgreSQL, which tells by itself.
    """
    if connection.vendor == "postgresql":
        Listener(keeper, stale_s=settings.JWKS_STALE_IF_ERROR, replica=replica).start()
        if replica:
            Watcher(replica, conninfo_of(REPLICA, "portal: replica")).start()
        return None
    return Versions(keeper, str(settings.DATABASES["default"]["NAME"])).look

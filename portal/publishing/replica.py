"""Read key sets from the replica while it is as current as the primary (ADR 0020)."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connections

from portal.publishing.key_set import Publication, publish
from portal.registry.follower import Follower
from portal.registry.ledger_source import bounded, follower
from portal.registry.routing import REPLICA

logger = logging.getLogger(__name__)

_BEHIND_PAUSE_S: Final = 0.1
_FAILED_PAUSE_S: Final = 5.0


class Replica:
    """The replica as this process knows it: when to try it next, and why not before."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._next = 0.0
        self._state: str | None = None

    def read(self, client_id: str, now: datetime, *, extended: bool) -> Publication | None:
        """Return what `publish` returns. None if the replica has no such client or may be behind.

        One statement reads the set and the head of the replica's ledger. That must equal the head
        that this process knows, before and after the read.
        """
        head = self._follower.current_head
        if head is None or time.monotonic() < self._next:
            return None
        try:
            # After a failure only one thread tries it; the others read the primary meanwhile.
            self._pause(_FAILED_PAUSE_S if self._state else 0.0)
            connections[REPLICA].ensure_connection()
            bounded(connections[REPLICA].connection)
            found = publish(client_id, now, extended=extended, using=REPLICA)
        except (DatabaseFailure, OSError) as failure:
            # Otherwise Django would check the connection and wait for a response.
            connections[REPLICA].close()
            self._pause(_FAILED_PAUSE_S)
            self._say(str(failure))
            return None
        if found is None:
            self._pause(0.0)
            return None
        is_current = found.is_of_replica and found.head == head
        self._pause(0.0 if is_current else _BEHIND_PAUSE_S)
        self._say("" if is_current else "it is behind, or does not follow this primary")
        return found if is_current and self._follower.current_head == head else None

    def _pause(self, seconds: float) -> None:
        self._next = time.monotonic() + seconds

    def _say(self, why_not: str) -> None:
        """Log a state only when it begins."""
        if why_not != self._state:
            self._state = why_not
            if why_not:
                logger.warning("The replica is not read: %s", why_not)
            else:
                logger.info("Key sets are read from the replica.")


_replica: Final = Replica(follower) if REPLICA in settings.DATABASES else None


def publish_current(client_id: str, now: datetime, *, extended: bool) -> Publication | None:
    """Return what `publish` returns, from the replica if it is current, else from the primary.

    The result contains every change that this process has seen. Other code uses the primary.
    """
    found = _replica and _replica.read(client_id, now, extended=extended)
    # A client that the replica does not have may be new.
    return found or publish(client_id, now, extended=extended)

"""Key sets from the replica, while it is as good as the primary (ADR 0012)."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import Error as DatabaseFailure
from django.db import connections

from portal.registry.changes import replica
from portal.registry.changes.proof import REPLAYED, Position, Replica
from portal.registry.publishing import Publication, publish
from portal.registry.routing import REPLICA, reading_replica

logger = logging.getLogger(__name__)


def publish_current(client_id: str, now: datetime, *, extended: bool) -> Publication | None:
    """Return what `publish` does. Nothing that this process has been told of is missing in it.

    Everybody else calls `publish` or the ORM, and reads the primary.
    """
    found = replica and _read(replica, client_id, now, extended=extended)
    # A client that the replica does not know may have been made just now.
    return found or publish(client_id, now, extended=extended)


def _read(replica: Replica, client_id: str, now: datetime, *, extended: bool) -> Publication | None:
    """Return what the replica has, None when it has nothing or cannot be believed."""
    if not replica.proof(client_id):
        return None
    try:
        with replica.readers.reading(_descriptor()), reading_replica():
            # Once more: who is here by now is cut off when the replica fails.
            proof = replica.proof(client_id)
            if not proof or not _has_reached(proof.position):
                return None
            found = publish(client_id, now, extended=extended)
    except (DatabaseFailure, OSError) as failure:
        replica.leave_out()
        # Django would ask it whether it is well, and wait for the answer.
        connections[REPLICA].close()
        logger.warning("The replica could not be read, and the primary is: %s", failure)
        return None
    return found if replica.holds(proof, client_id) else None


def _descriptor() -> int:
    """Return the file descriptor of this thread's connection. Raises `DatabaseFailure`."""
    connection = connections[REPLICA]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        descriptor: int = connection.connection.fileno()
    return descriptor


def _has_reached(position: Position) -> bool:
    """Tell whether this very connection leads to where that is contained.

    The watcher's may lead to another server behind the same address, and to the same one before it
    fell and began anew further back.
    """
    with connections[REPLICA].cursor() as cursor:
        cursor.execute(REPLAYED)
        row = cursor.fetchone()
    reached = Position.read(row[0]) if row else None
    return reached is not None and reached.contains(position)

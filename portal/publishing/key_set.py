"""Build a client's key set: read its rows and pass them to the pure function that publishes.

This module and `portal.core.jwks` are the whole path from a client_id to the published bytes. They
need no request and no settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections

from portal.core.algorithms import ALGORITHMS
from portal.core.jwks import PublishableKey, jwk_set
from portal.core.lifecycle import KeyStatus, Lifecycle
from portal.registry.follower import Head
from portal.registry.models import Client, ClientKey
from portal.registry.statements import Columns, condition, fetch

_HEAD: Final = 3
"""How many columns of a row come before those of the key."""

_DATES: Final = tuple(each.name for each in fields(Lifecycle))
_KEY: Final = Columns(ClientKey, ("kid", "alg", "jwk", *_DATES))


@dataclass(frozen=True, slots=True)
class Publication:
    """What a client publishes at one time, and when that next changes without an action.

    `jwks` is the body. `next_start` is when the next pending key becomes live, and `next_end` when
    the next live key expires or retires. None if there is no such date. `head` is that of the
    ledger when the keys were read, and `is_of_replica` whether a replica was read.
    """

    jwks: bytes
    next_start: datetime | None
    next_end: datetime | None
    head: Head
    is_of_replica: bool


def publish(
    client_id: str, now: datetime, *, extended: bool, using: str = DEFAULT_DB_ALIAS
) -> Publication | None:
    """Return what the client publishes at `now`, or None if there is no such client.

    Always reads the database `using`, in one statement, so all of it is of one moment.
    """
    # PostgreSQL refuses NUL in texts, and no client_id contains it.
    if "\0" in client_id:
        return None
    connection = connections[using]
    sql, parameters = _statement(connection.vendor)
    moment = connection.ops.adapt_datetimefield_value(now)
    rows = fetch(sql, {**parameters, "client_id": client_id, "now": moment}, using=using)
    if not rows:
        return None
    is_of_replica, size, root = rows[0][:_HEAD]
    found = [
        _publishable(_KEY.values(row[_HEAD:], connection)) for row in rows if row[_HEAD] is not None
    ]
    keys = [key for key in found if extended or not key.extended]
    lives = [(key.lifecycle, change) for key in keys if (change := key.lifecycle.next_change(now))]
    starts = [change for life, change in lives if life.status(now) == KeyStatus.PENDING]
    ends = [change for life, change in lives if life.is_live(now)]
    return Publication(
        jwks=jwk_set(keys, now, extended=extended),
        next_start=min(starts, default=None),
        next_end=min(ends, default=None),
        head=Head(size, root),
        is_of_replica=is_of_replica,
    )


def _publishable(values: list[Any]) -> PublishableKey:
    kid, alg, jwk, *dates = values
    return PublishableKey(kid, jwk, Lifecycle(*dates), extended=ALGORITHMS[alg].extended)


@cache
def _statement(vendor: str) -> tuple[str, Mapping[str, Any]]:
    """Return the statement, with the parameters that are always the same."""
    existing = condition(lambda _: Client.objects.existing())
    usable = condition(lambda _: Client.objects.usable())
    current = condition(ClientKey.objects.current)
    is_of_replica = "pg_is_in_recovery()" if vendor == "postgresql" else "FALSE"
    sql = f"""\
SELECT {is_of_replica}, "registry_ledger"."size", "registry_ledger"."root", {_KEY.sql}
FROM "registry_client"
LEFT JOIN "registry_ledger" ON "registry_ledger"."id" = 1
LEFT JOIN "registry_clientkey" ON "registry_clientkey"."client_id" = "registry_client"."id"
    AND {usable.sql} AND {current.sql}
WHERE "registry_client"."client_id" = %(client_id)s AND {existing.sql}"""  # noqa: S608 - only SQL of Django's is put in
    return sql, {**existing.parameters, **usable.parameters, **current.parameters}

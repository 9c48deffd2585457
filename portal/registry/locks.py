"""Row locks and advisory locks, held until the transaction ends.

To avoid deadlocks, take them in this order: the client, the fingerprints (sorted), the keys (by
primary key, each together with those that it replaces, as their retirement may depend on it). Read
the rows that a decision depends on after locking: in READ COMMITTED, the read then sees what the
previous holder committed.

SQLite has no such locks. There each transaction begins IMMEDIATE (settings), so there is one writer
at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.utils import timezone

from portal.core.lifecycle import OVER
from portal.registry.errors import ClientDeleted, KeyNotLive
from portal.registry.models import Client, ClientKey, Replacement


def lock_client(client: Client) -> Client:
    """Return the client's current row, locked, so that its verbs run one at a time."""
    # no_key: rows that refer to the client (events, keys) can be inserted meanwhile.
    return Client.objects.select_for_update(no_key=True).get(pk=client.pk)


def lock_existing_client(client: Client) -> Client:
    """Return the client's current row, locked. Raises `ClientDeleted`."""
    client = lock_client(client)
    if client.deleted:
        raise ClientDeleted(f"{client.name} was deleted.")
    return client


def lock_current_key(key: ClientKey) -> ClientKey:
    """Return the key's current row, locked with its client. Raises `KeyNotLive` if it has ended."""
    # Lock the client too: once the key ends, another key may take its place in the limit.
    client = lock_client(key.client)
    key = lock_with_replaced(key.pk)[key.pk]
    if client.is_archived:
        raise KeyNotLive(f"{client.name} is archived, so “{key.label}” cannot be changed.")
    status = key.lifecycle.status(timezone.now())
    if status in OVER:
        message = f"“{key.label}” is already {status.label.lower()}, so it cannot be changed."
        raise KeyNotLive(message)
    return key


def lock_with_replaced(*keys: int) -> dict[int, ClientKey]:
    """Return these keys and those that they replace, by primary key: current rows, locked."""
    # Two queries: for a choice between keys and a subquery, PostgreSQL reads all keys.
    replaced = Replacement.objects.standing().filter(new__in=keys).values_list("old", flat=True)
    queryset = ClientKey.objects.select_for_update(no_key=True, of=("self",))
    rows = queryset.select_related("client").filter(pk__in={*keys, *replaced})
    return {row.pk: row for row in rows.order_by("pk")}


def lock_fingerprints(spki_sha256s: Iterable[str]) -> None:
    """Let only one transaction at a time register or block these public keys.

    Without this, a key could be registered while it is being blocked: neither has a row of the
    other to lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for spki_sha256 in sorted(spki_sha256s):
                number = int.from_bytes(bytes.fromhex(spki_sha256)[:8], signed=True)
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])

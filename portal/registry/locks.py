"""Row and key locks, held to the end of the transaction.

Who takes several takes them in this order, so that nobody waits in a ring: the client, then the
fingerprints (sorted), then the key. Each look that a decision rests on comes after the
lock: in READ COMMITTED it then sees what the one before has committed.

SQLite has no such locks; there every transaction begins IMMEDIATE (settings), one writer at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from portal.registry.models import Client, ClientKey


def lock_client(client: Client) -> Client:
    """Return the client as it stands now, locked: its verbs come one after another."""
    # no_key: a row that points at the client (an event, a key) can be inserted meanwhile.
    return Client.objects.select_for_update(no_key=True).get(pk=client.pk)


def lock_key(key: ClientKey) -> ClientKey:
    """Return the key as it stands now, locked."""
    queryset = ClientKey.objects.select_for_update(no_key=True, of=("self",))
    return queryset.select_related("client").get(pk=key.pk)


def lock_fingerprints(spki_sha256s: Iterable[str]) -> None:
    """Make all registering and blocking of these public keys come one after another.

    Neither finds a row of the other to lock, so a key could otherwise slip in while it is blocked.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for spki_sha256 in sorted(spki_sha256s):
                number = int.from_bytes(bytes.fromhex(spki_sha256)[:8], signed=True)
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])

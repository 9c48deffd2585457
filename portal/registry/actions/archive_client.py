"""Archive a client that had keys, take it back, and delete a client that never had one."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from portal.accounts.models import User
from portal.registry.actions.retire_key import retire_key
from portal.registry.choices import Verb
from portal.registry.errors import ClientHasKeys, ClientSuspended, KeyNotLive
from portal.registry.locks import lock_client, lock_with_replaced
from portal.registry.models import Client, Event, recording


@recording()
def archive_client(client: Client, *, by: User) -> Client:
    """Retire all keys of the client now and take it out of the lists. Idempotent.

    The client gets no keys and no tokens, and its tokens count as inactive, until it is taken back.
    """
    client = lock_client(client)
    if client.is_archived:
        return client
    keys = client.keys.current(timezone.now())
    lock_with_replaced(*keys.values_list("pk", flat=True))
    # Those that retire soonest first: no key is then kept because the one that replaces it ends.
    for key in keys.order_by(F("retires_at").asc(nulls_last=True), "pk"):
        with suppress(KeyNotLive):  # it has expired since
            retire_key(key, grace=timedelta(0), by=by)
    _archive(client, by)
    Event.objects.record(Verb.ARCHIVE_CLIENT, by=by, client=client)
    return client


@recording()
def unarchive_client(client: Client, *, by: User) -> Client:
    """Take an archived client back. Its keys have ended; it can register new ones. Idempotent.

    Raises `ClientSuspended`.
    """
    client = lock_client(client)
    if client.deleted or not client.is_archived:
        return client
    if client.is_suspended:
        message = f"{client.name} is suspended. It stays archived until an admin resumes it."
        raise ClientSuspended(message)
    client.archived_at, client.archived_by = None, None
    client.save(update_fields=["archived_at", "archived_by"])
    Event.objects.record(Verb.UNARCHIVE_CLIENT, by=by, client=client)
    return client


@recording()
def delete_client(client: Client, *, by: User) -> None:
    """Delete a client that never had a key, with its members. Idempotent.

    Its row remains, because events name it; nobody sees it. Raises `ClientHasKeys`.
    """
    client = lock_client(client)
    if client.deleted:
        return
    if client.keys.exists():
        raise ClientHasKeys(f"{client.name} has had a key, so it can only be archived.")
    client.memberships.all().delete()
    client.pending_members.all().delete()
    client.deleted = True
    _archive(client, by)
    Event.objects.record(Verb.DELETE_CLIENT, by=by, client=client)


def _archive(client: Client, by: User) -> None:
    client.archived_at, client.archived_by = timezone.now(), by
    client.save(update_fields=["archived_at", "archived_by", "deleted"])

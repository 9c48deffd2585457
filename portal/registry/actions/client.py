"""Create, change, suspend and resume a client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.accounts.models import User
from portal.registry.choices import Role, Verb
from portal.registry.errors import ClientLimitReached
from portal.registry.locks import lock_client, lock_existing_client
from portal.registry.models import Actor, Client, Event, Membership, recording
from portal.registry.models.event import difference
from portal.registry.redirect_uris import clean_redirect_uris
from portal.registry.validation import clean_client_name, clean_contacts, clean_note


@recording()
def create_client(
    *, name: str, contacts: Sequence[str] = (), redirect_uris: Sequence[str] = (), by: User
) -> Client:
    """Create a client with a random client_id; its creator becomes its first owner.

    Raises `ClientLimitReached` if the person has created the maximum number, and `UnfitInput`.
    """
    name, contacts = clean_client_name(name), clean_contacts(contacts)
    redirect_uris = clean_redirect_uris(redirect_uris)
    # The lock makes two concurrent requests count one after the other.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    limit = settings.CLIENT_LIMIT
    if not by.is_staff and by.created_clients.filter(deleted=False).count() >= limit:
        message = f"You have created the maximum number of clients ({limit})."
        raise ClientLimitReached(message)
    client = Client.objects.create(
        name=name, contacts=contacts, redirect_uris=redirect_uris, created_by=by
    )
    Membership.objects.create(client=client, user=by, role=Role.OWNER)
    detail = {"name": name, "contacts": contacts, "redirect_uris": redirect_uris}
    Event.objects.record(Verb.CREATE_CLIENT, by=by, client=client, detail=detail)
    return client


@recording()
def change_client(
    client: Client,
    *,
    name: str,
    contacts: Sequence[str],
    redirect_uris: Sequence[str],
    wants_successor: bool | None = None,
    by: Actor,
) -> Client:
    """Change the client's name, contacts and redirect URIs, and whether it wants a successor.

    Without a change it records nothing. Raises `ClientDeleted` or `UnfitInput`.
    """
    after: dict[str, Any] = {
        "name": clean_client_name(name),
        "contacts": clean_contacts(contacts),
        "redirect_uris": clean_redirect_uris(redirect_uris),
    }
    client = lock_existing_client(client)
    if wants_successor is not None:
        after["wants_successor"] = wants_successor
    before = {field: getattr(client, field) for field in after}
    if before == after:
        return client
    for field, value in after.items():
        setattr(client, field, value)
    client.save(update_fields=list(after))
    detail = {
        field: {"before": before[field], "after": value}
        if field in {"name", "wants_successor"}
        else difference(before[field], value)
        for field, value in after.items()
        if before[field] != value
    }
    Event.objects.record(Verb.CHANGE_CLIENT, by=by, client=client, detail=detail)
    return client


@recording()
def suspend_client(client: Client, *, note: str, by: User) -> Client:
    """Stop publishing all keys of the client, within the bound of ADR 0020. Idempotent.

    Raises `UnfitInput`.
    """
    note = clean_note(note)
    client = lock_client(client)
    if client.deleted or client.is_suspended:
        return client
    client.suspended_at, client.suspended_by, client.suspension_note = timezone.now(), by, note
    client.save(update_fields=["suspended_at", "suspended_by", "suspension_note"])
    Event.objects.record(Verb.SUSPEND_CLIENT, by=by, client=client, detail={"note": note})
    return client


@recording()
def resume_client(client: Client, *, by: Actor) -> Client:
    """Publish the keys of a suspended client again. Idempotent."""
    client = lock_client(client)
    if not client.is_suspended:
        return client
    client.suspended_at, client.suspended_by, client.suspension_note = None, None, ""
    client.save(update_fields=["suspended_at", "suspended_by", "suspension_note"])
    Event.objects.record(Verb.RESUME_CLIENT, by=by, client=client)
    return client

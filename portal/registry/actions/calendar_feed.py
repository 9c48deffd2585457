"""Make and revoke the secret address of a client's calendar."""

from __future__ import annotations

import secrets

from portal.accounts.models import User
from portal.registry.choices import Verb
from portal.registry.errors import CalendarExists, ClientArchived
from portal.registry.locks import lock_existing_client
from portal.registry.models import Actor, CalendarFeed, Client, Event, recording
from portal.registry.models.calendar_feed import hash_of


@recording()
def make_calendar_feed(client: Client, *, by: User) -> str:
    """Make the client's calendar address; return its secret, of which only a hash is stored.

    Raises `CalendarExists`, `ClientArchived` or `ClientDeleted`.
    """
    client = lock_existing_client(client)
    if client.is_archived:
        raise ClientArchived(f"{client.name} is archived, so all its keys have ended.")
    if CalendarFeed.objects.filter(client=client).exists():
        message = (
            f"{client.name} already has a calendar address. If nobody knows it any more, revoke it "
            "and make another one."
        )
        raise CalendarExists(message)
    secret = secrets.token_urlsafe(32)
    feed = CalendarFeed.objects.create(client=client, secret_sha256=hash_of(secret), made_by=by)
    detail = {"secret_sha256": feed.secret_sha256}
    Event.objects.record(Verb.MAKE_CALENDAR, by=by, client=client, detail=detail)
    return secret


@recording()
def revoke_calendar_feed(client: Client, *, by: Actor) -> bool:
    """Revoke the client's calendar address; return whether there was one."""
    client = lock_existing_client(client)
    number, _ = CalendarFeed.objects.filter(client=client).delete()
    if number:
        Event.objects.record(Verb.REVOKE_CALENDAR, by=by, client=client)
    return bool(number)

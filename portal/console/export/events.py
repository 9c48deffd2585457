"""The export of events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from portal.accounts.models import User
from portal.console.event_text import event_text
from portal.console.export.table import Table, timestamp
from portal.console.filters import EventFilter
from portal.registry.models import Actor, ClientKey, Event

_COLUMNS: Final = {
    "id": "the event's id in the database; later events have higher ids",
    "at": "time, in UTC (RFC 3339)",
    "person": "e-mail address of the actor; empty if the actor is not a person",
    "verb": "what was done, as a fixed code such as revoke_key",
    "client_id": "client_id of the client, if the event is about one",
    "client_name": "the client's current name",
    "kid": "kid of the key, if the event is about one",
    "key_label": "the key's label",
    "sentence": "the event as a sentence",
    "detail": "further details, as JSON",
    "actor": "kind of the actor: person, client or portal",
    "actor_client_id": "client_id of the actor; empty if the actor is not a client",
    "actor_kid": "kid of the key that this client authenticated with",
    "number": "the event's number in the ledger: from 1, without gaps, in the order of commit",
    "leaf_hash": "the event's hash in the ledger, in hexadecimal",
    "ledger_version": "version of the hashed form",
    "salts": "the salt of each private text of detail, by JSON Pointer, as JSON",
    "person_id": "id of the actor; empty if the actor is not a person",
}


def _row(event: Event, now: datetime) -> dict[str, Any]:  # noqa: ARG001 - events do not change
    """Return the columns of an event, with `detail` as recorded."""
    actor = event.actor
    return {
        "id": event.pk,
        "at": timestamp(event.at),
        "person": actor.email if isinstance(actor, User) else "",
        "verb": event.verb,
        "client_id": event.client.client_id if event.client else "",
        "client_name": event.client.name if event.client else "",
        "kid": event.key.kid if event.key else "",
        "key_label": event.key.label if event.key else "",
        "sentence": event_text(event),
        "detail": event.detail,
        "actor": _kind(actor),
        "actor_client_id": actor.client.client_id if isinstance(actor, ClientKey) else "",
        "actor_kid": actor.kid if isinstance(actor, ClientKey) else "",
        "number": event.number,
        "leaf_hash": event.leaf,
        "ledger_version": event.version,
        "salts": event.salts,
        "person_id": actor.pk if isinstance(actor, User) else None,
    }


def _kind(actor: Actor) -> str:
    if isinstance(actor, ClientKey):
        return "client"
    return "person" if isinstance(actor, User) else "portal"


EVENTS: Final = Table("events", EventFilter, _COLUMNS, _row)

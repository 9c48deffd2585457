"""The export of events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Model, QuerySet, TextField
from django.db.models.functions import Cast

from portal.accounts.models import User
from portal.console.event_text import EventFacts, sentence
from portal.console.export.table import Table
from portal.console.filters import EventFilter
from portal.registry.models import PORTAL, Client, ClientKey, Event, describe_client

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


def _load(events: QuerySet[Event]) -> QuerySet[Any]:
    """Return the events as tuples with times and JSON as text, as objects would take most time."""
    texts = {f"{name}_text": Cast(name, TextField()) for name in ("at", "detail", "salts")}
    ids = ("client_id", "key_id", "actor_user_id", "actor_key_id")
    fields = ("pk", "verb", "number", "leaf", "version", "actor_portal", *ids, *texts)
    return events.prefetch_related(None).annotate(**texts).values_list(*fields, named=True)


def _rows(events: Sequence[Any], now: datetime) -> Iterator[dict[str, Any]]:  # noqa: ARG001 - events do not change
    """Yield the columns of the events, with `detail` as recorded.

    `events` are tuples of `_load`. Keys, clients and people of all of them are looked up together.
    """
    keys = _found(
        ClientKey,
        {pk for event in events for pk in (event.key_id, event.actor_key_id)},
        *("kid", "label", "client_id"),
    )
    clients = _found(
        Client,
        {event.client_id for event in events} | {client for _, _, client in keys.values()},
        *("client_id", "name"),
    )
    people = _found(User, {event.actor_user_id for event in events}, "email")
    for event in events:
        client_id, client = clients.get(event.client_id, ("", None))
        kid, key, _ = keys.get(event.key_id, ("", None, None))
        [person] = people.get(event.actor_user_id, ("",))
        actor_kid, _, actor_client = keys.get(event.actor_key_id, ("", "", None))
        actor_client_id, actor_name = clients.get(actor_client, ("", ""))
        kind, actor = "person", person
        if event.actor_portal:
            kind, actor = "portal", str(PORTAL)
        elif event.actor_key_id is not None:
            kind, actor = "client", describe_client(actor_name)
        detail, person_id = json.loads(event.detail_text), event.actor_user_id
        facts = EventFacts(event.verb, detail, actor, person_id, event.actor_portal, client, key)
        yield {
            "id": event.pk,
            "at": _timestamp(event.at_text),
            "person": person,
            "verb": event.verb,
            "client_id": client_id,
            "client_name": client or "",
            "kid": kid,
            "key_label": key or "",
            "sentence": sentence(facts),
            "detail": detail,
            "actor": kind,
            "actor_client_id": actor_client_id,
            "actor_kid": actor_kid,
            "number": event.number,
            "leaf_hash": event.leaf,
            "ledger_version": event.version,
            "salts": event.salts_text and json.loads(event.salts_text),
            "person_id": person_id,
        }


def _timestamp(text: str) -> str:
    """Return a time that a database wrote in UTC as `timestamp` does."""
    return datetime.fromisoformat(text).replace(tzinfo=None).isoformat() + "Z"


def _found(model: type[Model], pks: set[int | None], *fields: str) -> dict[int | None, Any]:
    """Return these fields of the rows, by primary key."""
    rows = model._default_manager.filter(pk__in=pks - {None})  # noqa: SLF001 - Django's name
    return {pk: values for pk, *values in rows.values_list("pk", *fields)}


EVENTS: Final = Table("events", EventFilter, _COLUMNS, _rows, load=_load)

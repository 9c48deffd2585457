"""The occasion of one event of the ledger, and the words that its letters share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.dateparse import parse_datetime

from portal.core.dates import time_text
from portal.notices.kinds import NoticeKind
from portal.notices.occasions import Facts, Letter, Occasion, moment
from portal.notices.quoting import address, quoted, unlinked
from portal.registry.models import PORTAL, Actor, Client, ClientKey, Event


def event_occasion(
    kind: NoticeKind,
    event: Event,
    now: datetime,
    *,
    what: str,
    sentence: str,
    paragraphs: Sequence[str],
    step: tuple[str, str],
    facts: Facts = (),
    concerned: tuple[int, ...] = (),
) -> Occasion:
    """Return the occasion of an event about a key, or about a client and no key."""
    client, key = client_of(event), event.key
    about = f"key {quoted(key.label)} {what}" if key else what
    facts = (("When", moment(event.at, now)), *facts)
    return Occasion(
        kind,
        f"key {key.pk}" if key else f"client {client.pk}",
        f"event {event.number}",
        Letter(f"{client_prefix(client)}{about}", sentence, tuple(paragraphs), facts, *step),
        client=client,
        actor_id=event.actor_user_id,
        concerned=concerned,
    )


def on_key(did: str, event: Event) -> str:
    """Return a sentence with the actor, the deed, the key of the event, and the time."""
    key = key_of(event)
    return (
        f"{actor_text(event.actor)} {did} the key {quoted(key.label)} of {quoted(key.client.name)} "
        f"on {time_text(event.at)}."
    )


def on_client(did: str, event: Event) -> str:
    """Return a sentence with the actor, the deed, the client of the event, and the time."""
    name = quoted(client_of(event).name)
    return f"{actor_text(event.actor)} {did} {name} on {time_text(event.at)}."


def key_of(event: Event) -> ClientKey:
    """Return the key of an event whose verb always has one."""
    assert event.key, f"Event {event.number} names no key."  # noqa: S101 - for the type
    return event.key


def client_of(event: Event) -> Client:
    """Return the client of an event whose verb always has one."""
    assert event.client, f"Event {event.number} names no client."  # noqa: S101 - for the type
    return event.client


def client_prefix(client: Client | None) -> str:
    """Return the beginning of a subject: the name of the client, if there is one."""
    return f"{unlinked(client.name)}: " if client else ""


def key_facts(key: ClientKey) -> Facts:
    """Return what identifies a key, and its algorithm."""
    return (("Algorithm", f"{key.alg}, {key.size}"), ("kid", key.kid))


def actor_text(actor: Actor) -> str:
    """Return the actor for the start of a sentence."""
    if actor is PORTAL:
        return "The portal"
    if isinstance(actor, ClientKey):
        return f"The client {quoted(actor.client.name)}"
    return address(str(actor))


def recorded_date(recorded: object) -> datetime | None:
    """Return a date of an event's detail; None if there is none."""
    return parse_datetime(recorded) if isinstance(recorded, str) else None

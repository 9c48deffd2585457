"""What the event log says, as the tests compare it."""

from __future__ import annotations

from typing import Any

from portal.registry.choices import Verb
from portal.registry.models import Actor, Client, ClientKey, Event


def events(verb: Verb) -> list[tuple[Actor, Client | None, ClientKey | None, dict[str, Any]]]:
    """Return actor, client, key and detail of every event with this verb, the oldest first."""
    rows = Event.objects.filter(verb=verb).order_by("id")
    return [(event.actor, event.client, event.key, event.detail) for event in rows]

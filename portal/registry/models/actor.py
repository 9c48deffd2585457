"""Who did something: a person, a client, or the portal itself."""

from __future__ import annotations

from typing import TypeAlias

from portal.accounts.models import User
from portal.registry.models.actor_fields import Portal
from portal.registry.models.client_key import ClientKey

Actor: TypeAlias = User | ClientKey | Portal
"""A person; a client, named by the key that it signed in with; or `PORTAL`."""


def describe_actor(actor: Actor) -> str:
    """Return the actor as text for a sentence. Load a key together with its client."""
    return describe_client(actor.client.name) if isinstance(actor, ClientKey) else str(actor)


def describe_client(name: str) -> str:
    """Return a client that acts as text for a sentence."""
    return f"the client “{name}”"

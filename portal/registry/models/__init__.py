"""The tables. State is kept as facts (who did what when); status is derived, never stored."""

from portal.registry.models.blocked_key import BlockedKey
from portal.registry.models.client import Client, Membership, new_client_id
from portal.registry.models.client_key import LEGACY_ALGORITHMS, ClientKey
from portal.registry.models.event import Event

__all__ = [
    "LEGACY_ALGORITHMS",
    "BlockedKey",
    "Client",
    "ClientKey",
    "Event",
    "Membership",
    "new_client_id",
]

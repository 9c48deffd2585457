"""The keys that a private key in a request has revoked, as far as its sender may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portal.accounts.models import User
from portal.core.public_key.negation import fingerprints
from portal.core.reasons import Refused
from portal.registry.models import Client, ClientKey

_NAMED: Final = 20
"""The maximum number of keys that are named: several clients may have a key (ADR 0015)."""


@dataclass(frozen=True, slots=True)
class LeakedKey:
    """A key that is revoked because its private key was sent."""

    key: ClientKey
    is_last: bool
    """Whether its client has no live key left."""


def leaked_keys_of(refused: Refused | None, user: User, now: datetime) -> list[LeakedKey]:
    """Return the keys that the refusal has revoked, of clients that the user may see."""
    names = [name for key in (refused.leaked if refused else ()) for name in fingerprints(key)]
    if not names:
        return []
    keys = ClientKey.objects.filter(
        spki_sha256__in=names,
        revoked_at__isnull=False,
        client__in=Client.objects.visible_to(user),
    ).select_related("client")
    return [
        LeakedKey(key, is_last=not key.client.keys.live(now).exists())
        for key in keys.order_by("pk")[:_NAMED]
    ]

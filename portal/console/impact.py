"""The effects of revoking keys on their clients, shown before the revocation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count

from portal.registry.models import Client, ClientKey


@dataclass(slots=True)
class Impact:
    """The effect on one client: `keys` will be revoked, `revoked` already are."""

    client: Client
    keys: list[ClientKey] = field(default_factory=list)
    revoked: list[ClientKey] = field(default_factory=list)
    live_now: int = 0
    """How many of `keys` are live."""
    live_left: int = 0
    """How many other live keys the client keeps."""

    @property
    def loses_last(self) -> bool:
        """Whether the client can sign in now, but not after the revocation."""
        return bool(self.live_now) and not self.live_left


def impact_of(keys: Iterable[ClientKey], now: datetime) -> list[Impact]:
    """Return the effect of revoking the keys (with clients loaded) on each client, by name."""
    impacts: dict[int, Impact] = {}
    chosen: list[int] = []
    for key in keys:
        impact = impacts.setdefault(key.client_id, Impact(key.client))
        (impact.revoked if key.revoked_at else impact.keys).append(key)
        impact.live_now += key.lifecycle.is_live(now)
        chosen.append(key.pk)
    left = (
        ClientKey.objects.live(now)
        .filter(client__in=impacts)
        .exclude(pk__in=chosen)
        .values_list("client")
        .annotate(number=Count("pk"))
    )
    for client, number in left:
        impacts[client].live_left = number
    return sorted(impacts.values(), key=lambda impact: (impact.client.name, impact.client.pk))

"""The effects of revoking keys on their clients, shown before the revocation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a job on the keys or clients of its list.

    `keys` leave the key sets. `clients` have some of them, and `keyless` are the primary keys of
    those that cannot authenticate afterwards.
    """

    number: int
    keys: int
    clients: int
    keyless: frozenset[int]


def effect_of_revoking(ids: Sequence[int], now: datetime) -> Effect:
    """Return the effect of revoking the keys with these primary keys."""
    chosen = ClientKey.objects.filter(pk__in=ids, revoked_at=None)
    numbers = chosen.aggregate(number=Count("pk"), clients=Count("client", distinct=True))
    live = list(chosen.live(now).values_list("client_id", flat=True))
    with_others = ClientKey.objects.live(now).filter(client__in=set(live)).exclude(pk__in=ids)
    kept = with_others.order_by().values_list("client_id", flat=True).distinct()
    return Effect(
        numbers["number"], len(live), numbers["clients"], frozenset(live) - frozenset(kept)
    )


def effect_of_suspending(ids: Sequence[int], now: datetime) -> Effect:
    """Return the effect of suspending the clients with these primary keys."""
    number = Client.objects.filter(pk__in=ids, suspended_at=None, archived_at=None).count()
    live = ClientKey.objects.live(now).filter(client__in=ids, client__suspended_at=None)
    of_clients = list(live.values_list("client_id", flat=True))
    return Effect(number, len(of_clients), number, frozenset(of_clients))

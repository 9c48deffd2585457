"""The number of a key in its client, from 1 in the order of registration, and how many there are.

Keys of versions before migration 0024 have no number, so those are counted. The first registration
with this version ends that: its key has a number, from which later ones go on.
"""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from portal.registry.errors import KeyLimitReached
from portal.registry.models import Client, ClientKey
from portal.registry.paging import newest_of


def count_keys(client: Client) -> int:
    """Return how many keys the client has or had. Reads one row, whatever their number."""
    return _count(client)


def number_of(key: ClientKey) -> int:
    """Return the number of a key in its client."""
    return key.number or _count(key.client, up_to=key.pk)


def _count(client: Client, up_to: int | None = None) -> int:
    keys = ClientKey.objects.all() if up_to is None else ClientKey.objects.filter(pk__lte=up_to)
    newest_first = newest_of(keys, "client", client.pk).values_list("number", "pk")
    newest, _ = newest_first.first() or (0, 0)
    if newest is not None:
        return newest
    number, pk = newest_first.filter(number__isnull=False).first() or (0, 0)
    return (number or 0) + keys.filter(client=client, pk__gt=pk).count()


def check_limit(client: Client) -> None:
    """Raise `KeyLimitReached` if the client has the maximum number of keys that have not ended."""
    limit = settings.KEY_LIMIT
    if client.keys.current(timezone.now()).count() >= limit:
        message = (
            f"{client.name} has the maximum number of keys ({limit}). Retire or revoke an "
            "unused key first."
        )
        raise KeyLimitReached(message)

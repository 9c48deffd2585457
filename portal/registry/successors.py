"""Keys that end, and the keys that can take their place."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q

from portal.registry.models import ClientKey
from portal.registry.models.client_key import ENDS, ClientKeyQuerySet

DAYS_BEFORE: Final = (30, 14, 7, 3, 1)
"""How many days before the end of a key its team hears of it, by e-mail and by webhook."""

RECENTLY: Final = timedelta(days=7)
"""A key that signed within this time is in use."""


def successors(key: ClientKey, now: datetime) -> ClientKeyQuerySet:
    """Return the keys with which the client can go on when this key ends, newest first.

    A successor is confirmed and live, and ends later. Read all, which are few: to find the first,
    PostgreSQL would read all keys of the client that have ended.
    """
    return _ending_later(key, key.client.keys.live(now)).filter(confirmed_at__isnull=False)


def without_successor(keys: ClientKeyQuerySet, now: datetime) -> ClientKeyQuerySet:
    """Return those of the keys whose client has to do something before the key ends.

    It has no successor. Or the key itself signs at the token endpoint, and no successor signs there
    too. Otherwise none need sign: the portal does not see what signs for other servers.
    """
    others = ClientKey.objects.live(now).filter(
        ~Q(pk=OuterRef("pk")), client=OuterRef("client"), confirmed_at__isnull=False
    )
    later = others.alias(ends=ENDS).filter(ends__gt=OuterRef("ends"))
    since = now - RECENTLY
    signs = ClientKey.objects.used_since(since).filter(pk=OuterRef("pk"))
    lacks_use = Exists(signs) & ~Exists(later.used_since(since))
    return keys.alias(ends=ENDS).filter(~Exists(later) | lacks_use)


def has_successor_in_use(key: ClientKey, now: datetime) -> bool:
    """Return whether nobody has to do anything before this key ends: see `without_successor`."""
    return not without_successor(ClientKey.objects.filter(pk=key.pk), now).exists()


def unconfirmed_successors(key: ClientKey, now: datetime) -> ClientKeyQuerySet:
    """Return the keys that would be successors if they were confirmed, newest first."""
    return _ending_later(key, key.client.keys.current(now)).filter(confirmed_at=None)


def keys_ending(*periods: tuple[datetime, datetime]) -> ClientKeyQuerySet:
    """Return the keys that a date ends in one of the periods (exclusive start, inclusive end).

    The earlier of its two dates ends a key. Revoked keys are left out, and those that were never
    confirmed although they had to be.
    """
    ends = Q()
    for after, until in periods:
        ends |= Q(ends__gt=after, ends__lte=until)
    keys = ClientKey.objects.filter(revoked_at=None).alias(ends=ENDS).filter(ends)
    return keys.exclude(confirmation_required=True, confirmed_at=None)


def _ending_later(key: ClientKey, keys: ClientKeyQuerySet) -> ClientKeyQuerySet:
    ends_at = key.lifecycle.ends_at
    if ends_at is None:
        return keys.none()
    return keys.alias(ends=ENDS).filter(ends__gt=ends_at).exclude(pk=key.pk).order_by("-pk")

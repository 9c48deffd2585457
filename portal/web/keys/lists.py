"""The keys of a client, sorted for display."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from portal.core.algorithms import ALGORITHMS
from portal.core.lifecycle import LIVE, OVER, KeyStatus
from portal.registry.models import Client, ClientKey

_ORDER: Final = (
    KeyStatus.ACTIVE,
    KeyStatus.RETIRING,
    KeyStatus.UNCONFIRMED,
    KeyStatus.PENDING,
)

NEWS: Final = timedelta(days=30)
"""How long the Settings page reports that the portal has revoked a key."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key with what the list shows about it at one moment."""

    key: ClientKey
    status: KeyStatus
    expires_soon: bool

    @property
    def is_current(self) -> bool:
        """Whether the key counts against the limit."""
        return self.status not in OVER


@dataclass(frozen=True, slots=True)
class KeyLists:
    """The keys that count against the limit, the past keys, and facts about all of them."""

    current: list[KeyRow]
    past: list[KeyRow]

    @property
    def total(self) -> int:
        """How many keys the client has or had."""
        return len(self.current) + len(self.past)

    @property
    def live(self) -> int:
        """How many keys are trusted now."""
        return sum(row.status in LIVE for row in self.current)

    @property
    def needs_extended(self) -> bool:
        """Whether a current key is published in the extended set only."""
        return any(ALGORITHMS[row.key.alg].extended for row in self.current)


def key_lists(client: Client, now: datetime) -> KeyLists:
    """Return the active, retiring and starting keys, then the past keys, newest first in each."""
    keys = client.keys.select_related("registered_by", "client").with_last_used()
    keys = keys.order_by("-registered_at", "-pk")
    rows = [_row(key, now) for key in keys]
    current = [row for status in _ORDER for row in rows if row.status == status]
    return KeyLists(current=current, past=[row for row in rows if not row.is_current])


def ended_by_portal(lists: KeyLists, now: datetime) -> list[ClientKey]:
    """Return the keys that the portal itself has revoked recently, for the Settings page."""
    revoked = [row.key for row in lists.past if row.status == KeyStatus.REVOKED]
    return [key for key in revoked if ClientKey.revoked_by.is_portal(key) and _is_news(key, now)]


def _is_news(key: ClientKey, now: datetime) -> bool:
    return key.revoked_at is not None and key.revoked_at > now - NEWS


def _row(key: ClientKey, now: datetime) -> KeyRow:
    status = key.lifecycle.status(now)
    soon = now + settings.KEY_EXPIRY_WARNING
    expires_soon = status not in OVER and key.expires_at is not None and key.expires_at <= soon
    return KeyRow(key, status, expires_soon)


def stays_without(key: ClientKey, now: datetime) -> int:
    """Return how many other keys of the client are live and not retiring."""
    return key.client.keys.in_status(KeyStatus.ACTIVE, now).exclude(pk=key.pk).count()


def is_last_live(key: ClientKey, now: datetime) -> bool:
    """Return whether the client cannot sign in without this key."""
    return key.lifecycle.is_live(now) and stays_without(key, now) == 0

"""The keys of a client, sorted for display."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from portal.core.algorithms import ALGORITHMS
from portal.core.lifecycle import LIVE, OVER, KeyStatus
from portal.registry.key_numbers import count_keys
from portal.registry.models import Client, ClientKey, PolicyRule
from portal.registry.paging import IndexFilter, Page, page_of
from portal.registry.policy_rules import OutsideRule, outside_of
from portal.registry.replacements import with_replaced

_ORDER: Final = (
    KeyStatus.ACTIVE,
    KeyStatus.RETIRING,
    KeyStatus.UNCONFIRMED,
    KeyStatus.PENDING,
)

NEWS: Final = timedelta(days=30)
"""How long the Settings page reports that the portal has revoked a key."""
_NEWS_SHOWN: Final = 5

ENDED_SHOWN: Final = 10
"""How many ended keys a page shows."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key with what the list shows about it at one moment."""

    key: ClientKey
    status: KeyStatus
    since: datetime | None
    """When an ended key ended."""
    expires_soon: bool
    outside: list[OutsideRule]
    """The rules of the key policy that a current key does not meet."""

    @property
    def is_current(self) -> bool:
        """Whether the key counts against the limit."""
        return self.status not in OVER


@dataclass(frozen=True, slots=True)
class KeyLists:
    """The keys that count against the limit, one page of the ended keys, and how many there are."""

    current: list[KeyRow]
    ended: Page[KeyRow]
    total: int
    """How many keys the client has or had."""

    @property
    def ended_count(self) -> str:
        """How many keys have expired, or are retired or revoked: "10,000", or "" for none."""
        count = self.total - len(self.current)
        return f"{count:,}" if count else ""

    @property
    def is_full(self) -> bool:
        """Whether the client has as many keys as it may have."""
        return len(self.current) >= settings.KEY_LIMIT

    @property
    def live(self) -> int:
        """How many keys are trusted now."""
        return sum(row.status in LIVE for row in self.current)

    @property
    def has_standing_successor(self) -> bool:
        """Whether a key is live and confirmed and was never used."""
        return any(
            row.status in LIVE and row.key.confirmed_at and not row.key.last_used_at
            for row in self.current
        )

    @property
    def needs_extended(self) -> bool:
        """Whether a current key is published in the extended set only."""
        return any(ALGORITHMS[row.key.alg].extended for row in self.current)


def key_lists(
    client: Client,
    now: datetime,
    rules: list[PolicyRule],
    *,
    before: int | None = None,
    after: int | None = None,
) -> KeyLists:
    """Return the active, retiring and starting keys, and one page of the ended ones.

    The former have those of the rules that they do not meet. Each is ordered newest first. `before`
    and `after` choose the page, see `page_of`.
    """
    total = count_keys(client)
    if not total:
        return KeyLists([], Page([]), 0)
    keys = client.keys.current(now).select_related("registered_by", "client").with_last_used()
    keys = with_replaced(keys)
    rows = [_row(key, now, rules) for key in keys.order_by("-registered_at", "-pk")]
    current = [row for status in _ORDER for row in rows if row.status == status]
    if total == len(current):
        return KeyLists(current, Page([]), total)
    ended = page_of(
        ClientKey.objects.ended(now).prefetch_related("registered_by", "client").with_last_used(),
        size=ENDED_SHOWN,
        index_filter=IndexFilter("client", [client.pk]),
        before=before,
        after=after,
    )
    page = Page([_row(key, now, []) for key in ended.rows], ended.before, ended.after)
    return KeyLists(current, page, total)


def ended_by_portal(client: Client, now: datetime) -> list[ClientKey]:
    """Return the newest keys that the portal itself has revoked recently, for the Settings page."""
    keys = client.keys.filter(revoked_by_portal=True, revoked_at__gt=now - NEWS)
    return list(keys.select_related("client").order_by("-revoked_at")[:_NEWS_SHOWN])


def _row(key: ClientKey, now: datetime, rules: list[PolicyRule]) -> KeyRow:
    status = key.lifecycle.status(now)
    soon = now + settings.KEY_EXPIRY_WARNING
    expires_soon = status not in OVER and key.expires_at is not None and key.expires_at <= soon
    since = key.lifecycle.since(now)
    return KeyRow(key, status, since, expires_soon, outside_of(key, rules))


def stays_without(key: ClientKey, now: datetime) -> int:
    """Return how many other keys of the client are live and not retiring."""
    return key.client.keys.in_status(KeyStatus.ACTIVE, now).exclude(pk=key.pk).count()


def is_last_live(key: ClientKey, now: datetime) -> bool:
    """Return whether the client cannot sign in without this key."""
    return key.lifecycle.is_live(now) and stays_without(key, now) == 0

"""What the portal has seen of a key's use, as evidence for whoever is about to end it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from portal.registry.models import ClientKey

RECENT: Final = timedelta(days=1)
"""Within this time of its last use a key counts as in use."""


@dataclass(frozen=True, slots=True)
class Usage:
    """When the key was used last (None: never), and the other live key that was used since.

    `is_recent`: used within `RECENT`. `is_new`: never used, and registered so lately that perhaps
    nobody has switched to it yet. Only what came to our own token endpoint counts: other
    authorization servers tell us nothing.
    """

    last_used_at: datetime | None
    is_recent: bool
    is_new: bool
    successor: ClientKey | None

    @property
    def is_safe(self) -> bool:
        """Whether the client has visibly switched: it signs with another key, and not this one."""
        return not self.is_recent and not self.is_new and self.successor is not None


def usage_of(key: ClientKey, now: datetime) -> Usage:
    """Return the evidence about a key that was asked for `with_last_used`."""
    last = key.last_used_at
    others = key.client.keys.live(now).exclude(pk=key.pk).with_last_used()
    since = last or key.registered_at
    used = [each for each in others if each.last_used_at and each.last_used_at > since]
    return Usage(
        last_used_at=last,
        is_recent=last is not None and now - last < RECENT,
        is_new=last is None and now - key.registered_at < RECENT,
        successor=max(used, key=lambda each: each.last_used_at or since, default=None),
    )

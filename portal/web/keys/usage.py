"""When a key was used, as evidence for a user who retires or revokes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from portal.registry.models import ClientKey

RECENT: Final = timedelta(days=1)
"""A key counts as in use for this long after its last use."""


@dataclass(frozen=True, slots=True)
class Usage:
    """When the key was last used (None: never), and another live key that was used since.

    `is_recent`: used within `RECENT`. `is_new`: never used, and registered within `RECENT`, so the
    client may not have switched to it yet. Only requests to our own token endpoint count: other
    authorization servers report nothing to us.
    """

    last_used_at: datetime | None
    is_recent: bool
    is_new: bool
    successor: ClientKey | None

    @property
    def is_safe(self) -> bool:
        """Whether the client has switched: it signs with another key, no longer with this one."""
        return not self.is_recent and not self.is_new and self.successor is not None


def usage_of(key: ClientKey, now: datetime) -> Usage:
    """Return the evidence about a key from a queryset `with_last_used`."""
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

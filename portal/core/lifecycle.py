"""The lifecycle of a key: its status at a time, and the next change, computed from its dates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class KeyStatus(StrEnum):
    """The status of a key at a time; derived from its dates, never stored (ADR 0002)."""

    ACTIVE = "active"
    UNCONFIRMED = "unconfirmed"
    PENDING = "pending"
    RETIRING = "retiring"
    EXPIRED = "expired"
    RETIRED = "retired"
    REVOKED = "revoked"

    @property
    def label(self) -> str:
        """The status as pages write it: "Pending"."""
        return _LABELS.get(self) or self.value.capitalize()


_LABELS: Final = {
    KeyStatus.UNCONFIRMED: "Unconfirmed",
    KeyStatus.PENDING: "Pending",
}

LIVE: Final = frozenset({KeyStatus.ACTIVE, KeyStatus.RETIRING})
"""The statuses in which a key is published and accepted, unless its client is suspended."""

OVER: Final = frozenset({KeyStatus.EXPIRED, KeyStatus.RETIRED, KeyStatus.REVOKED})
"""The statuses from which a key never becomes live. All other keys count against the limit."""

UNDONE_FOR: Final = timedelta(hours=1)
"""How long after its end a retirement can be cancelled."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The dates that determine the status of a key: aware datetimes, or None if there is none.

    A start is inclusive, an end exclusive. Suspension belongs to the client and is not included.
    """

    not_before: datetime | None = None
    expires_at: datetime | None = None
    retires_at: datetime | None = None
    revoked_at: datetime | None = None
    confirmed_at: datetime | None = None
    confirmation_required: bool = False

    def status(self, now: datetime) -> KeyStatus:
        """Return the status at `now`; `ClientKeyQuerySet` has the same rules in SQL."""
        # A revocation counts even if the clock that wrote its date is ahead of ours.
        if self.revoked_at:
            return KeyStatus.REVOKED
        if self.retires_at and self.retires_at <= now:
            return KeyStatus.RETIRED
        if self.expires_at and self.expires_at <= now:
            return KeyStatus.EXPIRED
        if self.confirmation_required and not self.confirmed_at:
            return KeyStatus.UNCONFIRMED
        if self.not_before and self.not_before > now:
            return KeyStatus.PENDING
        return KeyStatus.RETIRING if self.retires_at else KeyStatus.ACTIVE

    def is_live(self, now: datetime) -> bool:
        """Return whether the key is published and accepted at `now`."""
        return self.status(now) in LIVE

    def is_over(self, now: datetime) -> bool:
        """Return whether the key has left the JWKS permanently."""
        return self.status(now) in OVER

    @property
    def ends_at(self) -> datetime | None:
        """When the key ends or has ended, by its dates, or None if no date ends it."""
        return min(filter(None, (self.expires_at, self.retires_at, self.revoked_at)), default=None)

    def seconds_left(self, now: datetime) -> int | None:
        """Return for how many whole seconds a date still lets the key live; None without one.

        None also for a key that has ended.
        """
        if self.ends_at is None or self.is_over(now):
            return None
        return int((self.ends_at - now).total_seconds())

    def undo_until(self, now: datetime) -> datetime | None:
        """Return until when a retirement can be cancelled; None if there is none, or it is late.

        A key that has expired or was revoked stays as it is.
        """
        if self.retires_at is None or replace(self, retires_at=None).is_over(now):
            return None
        until = self.retires_at + UNDONE_FOR
        return until if now < until else None

    def since(self, now: datetime) -> datetime | None:
        """Return the date behind the status: when the key ended, or when a pending key starts."""
        return {
            KeyStatus.PENDING: self.not_before,
            KeyStatus.EXPIRED: self.expires_at,
            KeyStatus.RETIRED: self.retires_at,
            KeyStatus.REVOKED: self.revoked_at,
        }.get(self.status(now))

    def next_change(self, now: datetime) -> datetime | None:
        """Return when the status next changes without any action, or None if it does not."""
        status = self.status(now)
        dates = (self.not_before, self.expires_at, self.retires_at)
        later = sorted(date for date in dates if date and date > now)
        return next((date for date in later if self.status(date) != status), None)

"""The limits of a key's dates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from portal.registry.errors import UnfitInput

YEARS_AHEAD: Final = 20
"""How far ahead a key may start or expire."""


def check_expiry(not_before: datetime | None, expires_at: datetime | None, now: datetime) -> None:
    """Raise `UnfitInput` unless the key can be live for some time and expires within the limit."""
    if expires_at is None:
        return
    if expires_at <= now:
        message = "This expiry date is in the past. Choose a later date, or none."
        raise UnfitInput(message, field="expires_at")
    if expires_at > latest_date(now):
        message = f"Choose an expiry date before {latest_date(now):%Y}, or none."
        raise UnfitInput(message, field="expires_at")
    if not_before and expires_at <= not_before:
        message = "The key would expire before it starts. Choose a later expiry date."
        raise UnfitInput(message, field="expires_at")


def latest_date(now: datetime) -> datetime:
    """Return the latest date that a key may have."""
    return now + timedelta(days=365 * YEARS_AHEAD)

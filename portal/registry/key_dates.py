"""The limits of a key's dates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from portal.core.dates import date_text
from portal.core.key_policy.policy import KeyPolicy
from portal.registry.errors import LifeTooLong, UnfitInput

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


def check_life(expires_at: datetime | None, registered_at: datetime, policy: KeyPolicy) -> None:
    """Raise `LifeTooLong` if the policy does not let a key live from `registered_at` so long."""
    required = policy.required
    if required.longest is None or not required.is_too_long(registered_at, expires_at):
        return
    found = "never expire" if expires_at is None else f"live until {date_text(expires_at)}"
    message = (
        f"This key would {found}. The key policy lets it live for at most {required.longest.days} "
        f"days: choose an expiry date until {date_text(registered_at + required.longest)}."
    )
    raise LifeTooLong(message, field="expires_at")


def latest_date(now: datetime) -> datetime:
    """Return the latest date that a key may have."""
    return now + timedelta(days=365 * YEARS_AHEAD)

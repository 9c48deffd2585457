"""Formats dates and times for people, in UTC, everywhere in the same way."""

from __future__ import annotations

from datetime import UTC, datetime


def date_text(when: datetime) -> str:
    """Return a date: "1 Mar 2026"."""
    when = when.astimezone(UTC)
    return f"{when.day} {when:%b %Y}"


def time_text(when: datetime, *, seconds: bool = False) -> str:
    """Return a date and time: "1 Mar 2026, 08:05 UTC", or "1 Mar 2026, 08:05:09 UTC"."""
    clock = "%H:%M:%S" if seconds else "%H:%M"
    return f"{date_text(when)}, {when.astimezone(UTC):{clock}} UTC"

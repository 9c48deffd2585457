"""The header and the claims of an assertion, formatted for people to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from portal.core.assertion.formatting import brief, span
from portal.core.dates import time_text

_MAX_MEMBERS: Final = 100
_DATES: Final = frozenset({"exp", "iat", "nbf"})
_KEYS: Final = frozenset({"jwk", "x5c"})


@dataclass(frozen=True, slots=True)
class DecodedMember:
    """A member with its value as JSON. For a date: also the time, and its distance from now."""

    name: str
    value: str
    time: str = ""
    distance: str = ""


def decode_members(values: Mapping[str, object], now: datetime) -> list[DecodedMember]:
    """Return the first members in the order given. Long values are shortened."""
    shown = islice(values.items(), _MAX_MEMBERS)
    members = [_decode_member(name, value, now) for name, value in shown]
    rest = len(values) - len(members)
    return [*members, DecodedMember("…", f"{rest:,} more not shown")] if rest else members


def _decode_member(name: str, value: object, now: datetime) -> DecodedMember:
    # A key in a header may contain the private key, so nothing of it is shown.
    text = "(not shown)" if name in _KEYS else brief(json.dumps(value, ensure_ascii=False))
    name = brief(name)
    when = _time(value) if name in _DATES else None
    if when is None:
        return DecodedMember(name, text)
    return DecodedMember(name, text, time_text(when, seconds=True), distance(when, now))


def _time(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def distance(when: datetime, now: datetime) -> str:
    """Return the distance between `when` and now, to the second."""
    seconds = round((when - now).total_seconds())
    if seconds == 0:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"

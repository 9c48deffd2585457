"""Formats values of an assertion as short text that is safe to show, and times for people."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Final

from portal.core.dates import time_text
from portal.core.private.detect import refuse_private
from portal.core.reasons import Refused

MAX_SHOWN: Final = 100
"""How many characters of a value are shown; the rest is an ellipsis."""

MAX_READ: Final = 2048
"""The longest value that is read, in characters: every value of a real client is shorter."""

_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]{8}")
_LAST_SECOND: Final = 253402300799  # of the year 9999, the last year of datetime


def brief(value: object) -> str:
    """Return a value as JSON, truncated; a string is without its quotes.

    Hides what looks like a private key or a token. Shows only the length of a value longer than
    `MAX_READ`. Escapes characters that are not printable, such as one that changes the direction of
    the text.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not text:
        return "an empty string"
    if len(text) > MAX_READ:
        return f"a value of {len(text):,} characters, which is not shown"
    try:
        refuse_private(text.encode("utf-8", "replace"))
    except Refused:
        return "something that must not be shown"
    if _TOKEN.search(text):
        return "a token, which is not shown"
    cut = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
    return "".join(each if each.isprintable() else _escape(each) for each in cut)


def _escape(letter: str) -> str:
    return f"\\u{ord(letter):04x}"


def kind(value: object) -> str:
    """Return the type and value of a JSON value: "the string “300”", "true", "an array"."""
    match value:
        case None | bool():
            return json.dumps(value)
        case str():
            return f"the string “{brief(value)}”"
        case int() | float():
            return f"the number {brief(value)}"
        case list():
            return f"an array: {brief(value)}"
        case _:
            return f"an object: {brief(value)}"


def moment(seconds: float) -> str:
    """Return a date claim with its meaning: "1711910700 (31 Mar 2024, 18:45:00 UTC)"."""
    whole = int(seconds)
    if not 0 <= whole <= _LAST_SECOND:
        return brief(seconds)
    return f"{brief(seconds)} ({time_text(datetime.fromtimestamp(whole, UTC), seconds=True)})"


def span(seconds: float) -> str:
    """Return a duration: "1 second", "90 seconds", "3,700 seconds (1 h 1 min)"."""
    whole = max(round(seconds), 1)
    text = "1 second" if whole == 1 else f"{whole:,} seconds"
    if whole < 120:
        return text
    hours, minutes = divmod(whole // 60, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min")]
    return f"{text} ({' '.join(f'{count:,} {unit}' for count, unit in units if count)})"

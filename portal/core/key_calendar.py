"""The ends of keys as a calendar (RFC 5545, RFC 7986).

The same ends give the same bytes, so caches can compare them. A program that reads the calendar
again recognises an event by its UID, and learns by LAST-MODIFIED that it has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from icalendar import Alarm, Calendar, Event, vText

CONTENT_TYPE: Final = "text/calendar; charset=utf-8"

_REFRESH: Final = timedelta(hours=12)
_ALARMS: Final = (timedelta(days=14), timedelta(days=1))
"""How long before an end a calendar reminds its owner."""


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """The end of a key. `uid` never changes; `changed_at` is when the key last changed.

    `title` and `text` may have any characters. `url` is the page of the key.
    """

    uid: str
    title: str
    text: str
    url: str
    ends_at: datetime
    changed_at: datetime


def key_calendar(name: str, ends: Iterable[KeyEnd]) -> bytes:
    """Return a calendar with this name and an event for each end."""
    calendar = Calendar()
    calendar.add("prodid", "-//Key portal//Key ends//EN")
    calendar.add("version", "2.0")
    # The library escapes only the texts of properties that it knows.
    calendar.add("name", vText(name))
    # Older programs know only these names of the name and of the interval.
    calendar.add("x-wr-calname", vText(name))
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", _REFRESH)
    for each in ends:
        calendar.add_component(_event(each))
    content: bytes = calendar.to_ical()
    return content


def _event(end: KeyEnd) -> Event:
    event = Event()
    event.add("uid", end.uid)
    # RFC 5545 §3.8.7.2: without a METHOD, DTSTAMP is when the event last changed.
    event.add("dtstamp", end.changed_at)
    event.add("last-modified", end.changed_at)
    event.add("dtstart", end.ends_at)
    event.add("summary", end.title)
    event.add("description", end.text)
    event.add("url", end.url)
    # The end takes no time of the reader's day.
    event.add("transp", "TRANSPARENT")
    for before in _ALARMS:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("trigger", -before)
        alarm.add("description", end.title)
        event.add_component(alarm)
    return event

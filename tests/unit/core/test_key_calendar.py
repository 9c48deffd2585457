"""The calendar of key ends, read as calendar programs read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, vText

from portal.core.key_calendar import KeyEnd, key_calendar

END = datetime(2026, 12, 31, 12, tzinfo=UTC)
KEY_END = KeyEnd(
    uid="kid@client",
    title="Key “Blue” of Payments ends",
    text="First line.\n\nSecond; with, signs\\n",
    url="https://keys.example.com/clients/client/keys/kid/",
    ends_at=END,
    changed_at=END - timedelta(days=90),
)


def events(calendar: Any) -> list[Any]:
    return list(calendar.walk("VEVENT"))


def test_an_end_is_an_event_with_reminders() -> None:
    calendar = Calendar.from_ical(key_calendar("Key ends of Payments", [KEY_END]))
    assert str(calendar["x-wr-calname"]) == str(calendar["name"]) == "Key ends of Payments"
    [event] = events(calendar)
    assert event["uid"] == KEY_END.uid
    assert event["dtstart"].dt == END
    assert event["last-modified"].dt == event["dtstamp"].dt == KEY_END.changed_at
    assert event["description"] == KEY_END.text
    assert [each["trigger"].dt.days for each in event.walk("VALARM")] == [-14, -1]
    # UTC, as calendars of all time zones understand it.
    assert b"\r\nDTSTART:20261231T120000Z\r\n" in key_calendar("x", [KEY_END])


def test_the_same_ends_are_the_same_bytes() -> None:
    assert key_calendar("x", [KEY_END]) == key_calendar("x", [KEY_END])


@given(
    st.text(
        st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"),
        min_size=1,
        max_size=100,
    )
)
def test_a_label_stays_a_text(label: str) -> None:
    """Whatever it says: it adds no event, no alarm and no line."""
    content = key_calendar(label, [replace(KEY_END, title=f"{label}X")])
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    calendar = Calendar.from_ical(content)
    assert calendar["x-wr-calname"].to_ical() == vText(label).to_ical()
    [event] = events(calendar)
    assert event["summary"] == f"{label}X"
    assert len(event.subcomponents) == 2


def test_a_label_cannot_begin_a_line() -> None:
    label = "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:forged"
    content = key_calendar(label, [replace(KEY_END, title=label)])
    assert content.count(b"\r\nBEGIN:VEVENT\r\n") == 1
    assert b"\r\nSUMMARY:forged" not in content

"""The small pieces that many pages show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template

from portal.web.templatetags.portal import relative

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=-59), "just now"),
        (timedelta(seconds=30), "in a moment"),
        (timedelta(minutes=-5), "5 minutes ago"),
        (timedelta(hours=24) - timedelta(seconds=2), "in 1 day"),
        (timedelta(hours=5), "in 5 hours"),
        (timedelta(days=-1), "1 day ago"),
        (timedelta(days=-12), "1 week, 5 days ago"),
        (timedelta(days=90), "in 2 months, 4 weeks"),
        (timedelta(days=376), "in 1 year"),
    ],
)
def test_distances_are_said_in_two_units_at_most(distance: timedelta, words: str) -> None:
    assert relative(NOW + distance, NOW).replace("\xa0", " ") == words


def rendered(source: str, **context: object) -> str:
    """Return what a template gives."""
    return Template("{% load portal %}" + source).render(Context(context))


def test_a_time_is_utc_for_people_and_machines() -> None:
    text = rendered("{% moment when %}", when=datetime(2026, 3, 1, 8, 5, tzinfo=UTC))
    assert 'datetime="2026-03-01T08:05:00Z"' in text
    assert "1 Mar 2026, 08:05 UTC" in text


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        ("https://a.example/b", ["https://", "a.", "example/", "b"]),
        ("ann.lee@example.com", ["ann.", "lee@", "example.", "com"]),
        ("a-kid_of-43.letters", ["a-kid_of-43.letters"]),
        ("<b>@x", ["&lt;b&gt;@", "x"]),
    ],
)
def test_addresses_break_after_their_punctuation(address: str, lines: list[str]) -> None:
    assert rendered("{{ value|breakable }}", value=address) == "<wbr>".join(lines)


def test_what_is_copied_is_the_whole_value() -> None:
    text = rendered("{% copyable value 'the kid' 4 %}", value="abcdefgh")
    assert ">abcd…<" in text
    assert 'data-copy="abcdefgh"' in text
    assert 'aria-label="Copy the kid"' in text

"""Cache-Control of a JWKS: no cache may keep a key past an end that was known."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from portal.publishing.caching import Reuse, constant_until, reuse_headers

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, "public, max-age=60, stale-while-revalidate=1, stale-if-error=600"),
        (None, 3600, "public, max-age=60, stale-while-revalidate=1, stale-if-error=600"),
        (None, 660, "public, max-age=60, stale-while-revalidate=1, stale-if-error=600"),
        (None, 400, "public, max-age=60, stale-while-revalidate=1, stale-if-error=340"),
        (None, 61, "public, max-age=60, stale-while-revalidate=1, stale-if-error=1"),
        (None, 60, "public, max-age=60, must-revalidate"),
        (None, 30, "public, max-age=30, must-revalidate"),
        (None, 29.9, "public, max-age=29, must-revalidate"),
        (None, 0.5, "public, max-age=0, must-revalidate"),
        (None, -5, "public, max-age=0, must-revalidate"),
        (20, None, "public, max-age=20, stale-while-revalidate=1, stale-if-error=600"),
        (20, 40, "public, max-age=20, stale-while-revalidate=1, stale-if-error=20"),
        (40, 20, "public, max-age=20, must-revalidate"),
        (0.5, None, "public, max-age=0, stale-while-revalidate=1, stale-if-error=600"),
        (3600, None, "public, max-age=60, stale-while-revalidate=1, stale-if-error=600"),
    ],
)
def test_reuse_ends_with_the_next_change(
    start: float | None, end: float | None, expected: str
) -> None:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOW + timedelta(seconds=seconds)

    given = reuse_headers(
        NOW, max_age=60, stale_if_error=600, next_start=at(start), next_end=at(end)
    )
    assert given["Cache-Control"] == expected


@pytest.mark.parametrize(
    ("end", "expected"), [(None, "1"), (30, "1"), (1.9, "1"), (0.9, "0"), (-5, "0")]
)
def test_nginx_keeps_a_set_for_a_second_and_not_past_its_end(
    end: float | None, expected: str
) -> None:
    ends = None if end is None else NOW + timedelta(seconds=end)
    given = reuse_headers(NOW, max_age=60, stale_if_error=600, next_end=ends)
    # nginx 1.22 needs them in this order.
    assert list(given) == ["Cache-Control", "X-Accel-Expires"]
    assert given["X-Accel-Expires"] == expected


@pytest.mark.parametrize(
    ("start", "end", "until"),
    [
        (100, None, 40),
        (None, 1000, 340),
        (100, 1000, 40),
        (1000, 1000, 340),
        (1000, 100, -560),
        (30, None, -30),
        (None, None, None),
    ],
)
def test_it_is_known_until_when_the_answer_stays_the_same(
    start: float | None, end: float | None, until: float | None
) -> None:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOW + timedelta(seconds=seconds)

    given: Reuse = {
        "max_age": 60,
        "stale_if_error": 600,
        "next_start": at(start),
        "next_end": at(end),
    }
    if until is None:
        assert constant_until(**given) == math.inf
        return
    assert constant_until(**given) == NOW.timestamp() + until
    moment = NOW + timedelta(seconds=until)
    before, after = (
        reuse_headers(moment + timedelta(seconds=seconds), **given)["Cache-Control"]
        for seconds in (-0.5, 0.5)
    )
    assert before == "public, max-age=60, stale-while-revalidate=1, stale-if-error=600"
    assert after != before


def test_nothing_stale_when_the_setting_says_so() -> None:
    given = reuse_headers(NOW, max_age=0, stale_if_error=0)
    assert given == {
        "Cache-Control": "public, max-age=0, must-revalidate",
        "X-Accel-Expires": "0",
    }

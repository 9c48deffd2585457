"""Spans in which keys were live, and the gaps between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.core.lifecycle import Lifecycle
from portal.core.timeline import Span, gaps_between, live_span

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = Span(START, START + 100 * DAY)


def day(number: int) -> datetime:
    return START + number * DAY


@pytest.mark.parametrize(
    ("life", "registered", "span"),
    [
        (Lifecycle(), -5, (0, 100)),
        (Lifecycle(not_before=day(7)), 3, (7, 100)),
        (Lifecycle(expires_at=day(50), retires_at=day(40)), 3, (3, 40)),
        (Lifecycle(retires_at=day(-1)), -5, None),
        (Lifecycle(not_before=day(50), revoked_at=day(40)), 3, None),
        (Lifecycle(expires_at=day(200)), 3, (3, 100)),
        (Lifecycle(confirmation_required=True), 3, None),
        (Lifecycle(confirmation_required=True, confirmed_at=day(9)), 3, (9, 100)),
        (Lifecycle(confirmed_at=day(9)), 3, (3, 100)),
    ],
)
def test_a_key_is_live_between_its_dates(
    life: Lifecycle, registered: int, span: tuple[int, int] | None
) -> None:
    expected = Span(day(span[0]), day(span[1])) if span else None
    assert live_span(life, day(registered), WINDOW) == expected


@pytest.mark.parametrize(
    ("spans", "gaps"),
    [
        ([], []),
        ([(0, 100)], []),
        ([(10, 100)], []),
        ([(0, 40), (40, 100)], []),
        ([(50, 100), (0, 40)], [(40, 50)]),
        ([(0, 80), (10, 20), (90, 95)], [(80, 90), (95, 100)]),
    ],
)
def test_a_gap_is_where_no_key_is_live(
    spans: list[tuple[int, int]], gaps: list[tuple[int, int]]
) -> None:
    given = [Span(day(start), day(end)) for start, end in spans]
    assert gaps_between(given, WINDOW) == [Span(day(start), day(end)) for start, end in gaps]

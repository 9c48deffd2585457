"""The timeline of a client: its keys as bars over a year, their uses, and the gaps between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import log1p
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.core.timeline import Span, gaps_between, live_span
from portal.registry.models import Client, ClientKey
from portal.registry.models.client_key import ENDS
from portal.registry.uses import uses_by_day
from portal.web.render import show
from portal.web.shortcuts import get_client_or_404

MAX_KEYS: Final = 12
"""How many keys the timeline shows: those that end last."""

YEAR: Final = timedelta(days=365)

WIDTH: Final = 1000
"""The width of a drawing in its own units; the page stretches it."""

_LINE_TOP: Final = 22
_LINE_BOTTOM: Final = 38


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle over time, in units of the drawing, and the span that it stands for."""

    x: float
    width: float
    span: Span


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key of the timeline: when it was live, and its uses by day."""

    key: ClientKey
    bar: Bar | None
    points: str
    """The line of its uses, as the points of a polyline."""
    uses: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A window of at most a year, that ends now."""

    window: Span
    lines: list[KeyLine]
    gaps: list[Bar]
    is_cut: bool
    """Whether the client had more keys, which the timeline leaves out."""


@require_safe
def client_timeline(request: HttpRequest, client_id: str) -> HttpResponse:
    """Show the timeline of the client."""
    client = get_client_or_404(request, client_id)
    now = timezone.now()
    context = {
        "section": "clients",
        "client": client,
        "timeline": timeline_of(client, now),
        "now": now,
        "width": WIDTH,
        "most": MAX_KEYS,
    }
    return show(request, "web/keys/timeline.html", context)


def timeline_of(client: Client, now: datetime) -> Timeline:
    """Return the timeline: the keys that end last, newest first, in the year before `now`.

    If there are more keys, it begins when the last of those that are left out ended: before that it
    could show a gap where there was none.
    """
    found = list(client.keys.annotate(ends=ENDS).order_by("-ends", "-pk")[: MAX_KEYS + 1])
    keys, more = found[:MAX_KEYS], found[MAX_KEYS:]
    start = now - YEAR
    if keys:
        start = max(start, min(key.registered_at for key in keys))
    if more:
        ends: datetime = more[0].ends  # type: ignore[attr-defined]  # annotated
        start = max(start, ends)
    window = Span(min(start, now - timedelta(minutes=1)), now)
    keys.sort(key=lambda key: (key.registered_at, key.pk), reverse=True)
    spans = {key.pk: live_span(key.lifecycle, key.registered_at, window) for key in keys}
    uses = uses_by_day(keys, window.start.astimezone(UTC).date())
    most = max((number for days in uses.values() for number in days.values()), default=0)
    return Timeline(
        window=window,
        lines=[_line(key, spans[key.pk], uses[key.pk], most, window) for key in keys],
        gaps=[
            _bar(gap, window)
            for gap in gaps_between([span for span in spans.values() if span], window)
        ],
        is_cut=bool(more),
    )


def _line(
    key: ClientKey, span: Span | None, uses: dict[date, int], most: int, window: Span
) -> KeyLine:
    return KeyLine(
        key=key,
        bar=_bar(span, window) if span else None,
        points=_points(uses, most, window),
        uses=f"{sum(uses.values()):,}",
    )


def _bar(span: Span, window: Span) -> Bar:
    start = _x(span.start, window)
    return Bar(start, max(round(_x(span.end, window) - start, 1), 1), span)


def _x(when: datetime, window: Span) -> float:
    share = (when - window.start) / (window.end - window.start)
    return round(min(max(share, 0), 1) * WIDTH, 1)


def _points(uses: dict[date, int], most: int, window: Span) -> str:
    """Return a line from day to day; a tenth of the uses is still visible below the most."""
    if not uses:
        return ""
    points = []
    day, last = min(uses), max(uses)
    while day <= last:
        noon = datetime.combine(day, time(12), UTC)
        height = log1p(uses.get(day, 0)) / log1p(most) * (_LINE_BOTTOM - _LINE_TOP)
        points.append(f"{_x(noon, window)},{round(_LINE_BOTTOM - height, 1)}")
        day += timedelta(days=1)
    if len(points) == 1:  # a line needs two points
        points.append(f"{_x(noon, window) + 2},{points[0].split(',')[1]}")
    return " ".join(points)

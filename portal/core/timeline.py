"""When keys were live, as spans of time, and the gaps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.core.lifecycle import Lifecycle


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to just before `end`."""

    start: datetime
    end: datetime

    def within(self, other: Span) -> Span | None:
        """Return the part of the span that is in another one, or None if there is none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start, end) if start < end else None


def live_span(life: Lifecycle, registered_at: datetime, window: Span) -> Span | None:
    """Return when a key was or is live within a window, or None if never.

    A suspension of its client is not included.
    """
    if life.confirmation_required and life.confirmed_at is None:
        return None
    starts = [registered_at, life.not_before]
    if life.confirmation_required:
        starts.append(life.confirmed_at)
    start = max(each for each in starts if each)
    return Span(start, life.ends_at or window.end).within(window)


def gaps_between(spans: Sequence[Span], window: Span) -> list[Span]:
    """Return when none of the spans holds, after the first of them and within the window."""
    if not spans:
        return []
    in_order = sorted(spans, key=lambda span: span.start)
    gaps, covered = [], in_order[0].start
    for span in in_order:
        if span.start > covered:
            gaps.append(Span(covered, span.start))
        covered = max(covered, span.end)
    if covered < window.end:
        gaps.append(Span(covered, window.end))
    return gaps

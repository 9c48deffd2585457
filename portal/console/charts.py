"""Bar charts as SVG, in numbers that a template writes: no scripts, and no styles (CSP)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 480
HEIGHT: Final = 96
_GAP: Final = 4
_LEAST: Final = 2
"""The height of the smallest number that is not 0."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A number and its name. `is_urgent` chooses the colour; the name must say the same."""

    name: str
    number: int
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A bar as it is drawn, in units of the view box."""

    bar: Bar
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars beside each other, the highest as high as the chart. `most` bounds what they count.

    `unit` is what a bar stands for, such as "week", and `url` the list of what it counts.
    """

    title: str
    bars: Sequence[Bar]
    unit: str
    url: str
    most: int

    @property
    def highest(self) -> int:
        """The largest number."""
        return max((bar.number for bar in self.bars), default=0)

    @property
    def total(self) -> int:
        """The sum of the numbers."""
        return sum(bar.number for bar in self.bars)

    @property
    def is_bounded(self) -> bool:
        """Whether there may be more than the chart counts."""
        return self.total >= self.most

    @property
    def view_box(self) -> str:
        """The view box of the SVG."""
        return f"0 0 {WIDTH} {HEIGHT}"

    @property
    def rectangles(self) -> list[Rectangle]:
        """The bars that are not 0."""
        step = WIDTH / max(len(self.bars), 1)
        return [
            Rectangle(
                bar,
                x=round(number * step + _GAP / 2, 2),
                y=round(HEIGHT - height, 2),
                width=round(step - _GAP, 2),
                height=round(height, 2),
            )
            for number, bar in enumerate(self.bars)
            if bar.number
            for height in [max(_LEAST, HEIGHT * bar.number / self.highest)]
        ]

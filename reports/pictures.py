"""Pictures as plain numbers: where the bars of a chart stand, for the template that draws them.

Lengths are per cent of the picture's width and positions are whole pixels, so a picture is as wide
as its page and its text keeps its size; the largest count fills the width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ROW_HEIGHT = 38
_LABEL_BASELINE, _BAR_TOP = 14, 20


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its label above it."""

    label: str
    count: int
    width: str
    """Such as `43.2%`."""
    label_y: int
    bar_y: int


@dataclass(frozen=True, slots=True)
class BarChart:
    """Horizontal bars from top to bottom, and what they say in words."""

    bars: tuple[Bar, ...]
    height: int
    description: str


def bar_chart(counts: Sequence[tuple[str, int]]) -> BarChart:
    """A chart of (label, count) pairs in the order given; counts are not negative."""
    largest = max((count for _, count in counts), default=0) or 1
    bars = tuple(
        Bar(label, count, _per_cent(count, largest), top + _LABEL_BASELINE, top + _BAR_TOP)
        for top, (label, count) in zip(
            range(0, ROW_HEIGHT * len(counts), ROW_HEIGHT), counts, strict=True
        )
    )
    words = ", ".join(f"{label} {count}" for label, count in counts)
    return BarChart(bars, ROW_HEIGHT * len(counts), words)


def _per_cent(count: int, largest: int) -> str:
    whole, tenths = divmod(count * 1000 // largest, 10)
    return f"{whole}.{tenths}%"

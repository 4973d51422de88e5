"""Pictures as plain numbers: where bars and lines stand, for the renderers that draw them.

Bars: lengths are thousandths of the picture's width, the largest size fills it. Trends: a grid of
1,000 by 200, the origin at the top left, as SVG has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.safe_text import safe_text
from reports.document import Amount, Bars, Kind, Share, Trend
from reports.writing import Writing

WIDTH, HEIGHT = 1_000, 200
"""The grid of a trend."""

BARS_SHOWN = 12
"""More bars than this are no picture; the others stand in one bar together."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its label."""

    label: str
    words: str
    thousandths: int


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of days without a gap, as points of the grid."""

    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A trend as it is drawn."""

    lines: tuple[Line, ...]
    top: str
    """The height of the scale in words."""
    first: date
    last: date
    newest: str
    """The last figure there is, in words."""
    newest_at: tuple[int, int] | None
    words: str
    """What the picture says, for those who do not see it."""


def bars_drawn(picture: Bars) -> list[Bar]:
    """The bars in their order; those beyond `BARS_SHOWN` stand together in the last one."""
    bars, others = list(picture.bars[:BARS_SHOWN]), picture.bars[BARS_SHOWN:]
    if others:
        rest = sum(size for _, size, _ in others)
        bars.append((f"{len(others)} others", rest, f"{rest:,}"))
    largest = picture.top or max((size for _, size, _ in bars), default=0) or 1
    return [
        Bar(safe_text(label), safe_text(words), size * 1000 // largest)
        for label, size, words in bars
    ]


def bars_words(picture: Bars) -> str:
    """What a picture of bars says in one sentence."""
    said = ", ".join(f"{label}: {words}" for label, _, words in picture.bars)
    return f"{safe_text(said)}." if said else "Nothing to picture."


def curve(picture: Trend, writing: Writing) -> Curve | None:
    """A trend as it is drawn; None where no day has a figure."""
    known = [(on, height) for on, height, _ in picture.points if height is not None]
    if not known:
        return None
    top = picture.top or max(height for _, height in known) or 1
    spots = [
        None if height is None else (_x(i, len(picture.points)), HEIGHT - HEIGHT * height // top)
        for i, (_, height, _) in enumerate(picture.points)
    ]
    newest = height_words(picture, known[-1][1], writing)
    highest, lowest = (
        height_words(picture, pick(height for _, height in known), writing) for pick in (max, min)
    )
    return Curve(
        lines=tuple(_lines(spots)),
        top=height_words(picture, top, writing),
        first=picture.points[0][0],
        last=picture.points[-1][0],
        newest=newest,
        newest_at=next(spot for spot in reversed(spots) if spot),
        words=f"{picture.title}, {picture.points[0][0]} to {picture.points[-1][0]}: "
        + (
            f"between {lowest} and {highest}, last {newest}." if lowest != highest else f"{newest}."
        ),
    )


def height_words(picture: Trend, height: int, writing: Writing) -> str:
    """A height of a trend as people write it."""
    if picture.kind is Kind.SHARE:
        return writing.share(Share(height, 10_000))
    if picture.kind is Kind.AMOUNT:
        return writing.amount(Amount(height, picture.currency))
    return writing.count(height)


def _x(place: int, days: int) -> int:
    return WIDTH // 2 if days == 1 else place * WIDTH // (days - 1)


def _lines(spots: Sequence[tuple[int, int] | None]) -> list[Line]:
    lines: list[list[tuple[int, int]]] = [[]]
    for spot in spots:
        if spot is None:
            lines.append([])
        else:
            lines[-1].append(spot)
    return [Line(tuple(points)) for points in lines if points]

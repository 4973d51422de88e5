"""A report on the terminal: verdict first, then every table and picture in the width there is."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.safe_text import safe_text
from tscli.render.tables import cells_table, fits
from tscli.render.view import Column

if TYPE_CHECKING:
    from reports.document import Bars, Block, Document, Table, Trend
    from reports.writing import Writing

_MARKS = {"good": "\u2713", "bad": "!", "neutral": "\u2013"}
_BLOCKS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_BAR = 30
"""Characters of the longest bar."""


def document_text(document: "Document", writing: "Writing", width: int) -> str:
    """The whole report in lines of plain text, none longer than `width` where words allow."""
    return "\n".join(_lines(document, writing, width)).rstrip("\n") + "\n"


def _lines(document: "Document", writing: "Writing", width: int) -> Iterator[str]:
    yield from _wrapped(document.title, width)
    yield from _wrapped(f"{_MARKS[document.tone.value]} {document.headline}", width)
    yield ""
    longest = max((len(fact.title) for fact in document.facts), default=0)
    for fact in document.facts:
        first, *others = _wrapped(writing.cell(fact.value, fact.kind), width - longest - 2)
        yield f"{safe_text(fact.title):<{longest}}  {first}"
        yield from (f"{'':<{longest + 2}}{line}" for line in others)
    for warning in document.warnings:
        yield from _wrapped(f"! {warning}", width)
    for section in document.sections:
        title = safe_text(section.title)
        yield from ("", title, "\u2500" * len(title))
        if section.text:
            yield from _wrapped(section.text, width)
        for block in section.blocks:
            yield from _block(block, writing, width)
    yield ""
    for line in document.footer:
        yield from _wrapped(line, width)


def _block(block: "Block", writing: "Writing", width: int) -> Iterator[str]:
    from reports.document import Bars, Table

    if isinstance(block, Table):
        yield from _table(block, writing, width)
    elif isinstance(block, Bars):
        yield from _bars(block, width)
    else:
        yield from _trend(block, writing, width)


def _table(table: "Table", writing: "Writing", width: int) -> Iterator[str]:
    if not table.rows:
        yield from _wrapped(table.empty, width)
        return
    columns = [
        Column(
            column.key,
            column.title,
            number=column.kind.is_number,
            stack=column.kind in _STACK,
        )
        for column in table.columns
    ]
    rows = [writing.row(table, row) for row in table.rows[: table.shown]]
    totals = [writing.row(table, row) for row in table.totals]
    if fits([*rows, *totals], columns, width):
        yield cells_table(columns, rows, totals, table.title, width).rstrip("\n")
    else:
        yield from ("", table.title)
        for cells in [*rows, *totals]:
            yield from _card(table, cells, width)
    if len(table.rows) > table.shown:
        said = f"The first {writing.count(table.shown)} of {writing.count(len(table.rows))} rows."
        yield f"{said} Use --format csv for all."
    if table.note:
        yield from _wrapped(table.note, width)


def _card(table: "Table", cells: list[str], width: int) -> Iterator[str]:
    """A row whose cells stand under each other: how a table is told where it has no room."""
    yield ""
    longest = max(len(column.title) for column in table.columns)
    for column, cell in zip(table.columns, cells, strict=True):
        if cell:
            first, *others = _wrapped(cell, width - longest - 4)
            yield f"  {column.title:<{longest}}  {first}"
            yield from (f"{'':<{longest + 4}}{line}" for line in others)


_STACK = ("code", "instant", "day")
"""Kinds of columns that may stand under each other where room is short."""


def _bars(picture: "Bars", width: int) -> Iterator[str]:
    from reports.pictures import bars_drawn

    bars = bars_drawn(picture)
    if not bars:
        return
    yield from ("", picture.title)
    labels = max(len(bar.label) for bar in bars)
    room = max(min(_BAR, width - labels - max(len(bar.words) for bar in bars) - 3), 1)
    for bar in bars:
        length = max(round(bar.thousandths * room / 1000), 1 if bar.thousandths else 0)
        yield f"{bar.label:<{labels}}  {_BLOCKS[-1] * length} {bar.words}"


def _trend(picture: "Trend", writing: "Writing", width: int) -> Iterator[str]:
    from reports.pictures import curve

    drawn = curve(picture, writing)
    if drawn is None:
        return
    heights = [height for _, height, _ in picture.points]
    top = picture.top or max(height for height in heights if height is not None) or 1
    line = "".join(" " if h is None else _BLOCKS[min(h * 8 // top, 7)] for h in heights)
    yield from ("", *_wrapped(drawn.words, width), line)


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(safe_text(text), max(width, 20), break_on_hyphens=False) or [""]

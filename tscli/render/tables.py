"""Tables for people, by Rich: text is never markup, colour and width only on a terminal."""

import io
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.safe_text import safe_text
from tscli.render.view import Column

_WIDTH_WITHOUT_TERMINAL = 160
_GAP = 2
"""Blanks between two columns."""

_WORDS: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
_PLAIN: dict[str, Any] = {**_WORDS, "color_system": None, "force_terminal": False}

_LONG = ("id", "reference", "_at", "message", "digest", "status", "origin")
"""Endings of names whose values are long; they stand under each other when room is short."""

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z")

_STYLES = {
    "succeeded": "green", "matched": "green", "ok": "green", "open": "yellow", "failed": "red",
    "processing": "yellow", "requires_action": "yellow", "authorized": "cyan",
    "refunded": "magenta", "cancelled": "dim", "broken": "red", "unknown": "red",
}  # fmt: skip
"""States that are worth a colour."""


def table(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[Column],
    title: str,
    notes: Sequence[str],
    *,
    plain: bool,
) -> str:
    """Rows as a table; without rows, one sentence that says so."""
    if not rows:
        return _render([Text("Nothing to show.")], notes, plain=plain)
    shown = columns or [Column(name, name) for name in rows[0]]
    cells = [[_text(row.get(column.key)) for column in shown] for row in rows]
    width = _console_width(plain)
    grid = _grid(shown, cells, title, width)
    return _render([grid], notes, plain=plain, least=_least_width(shown, cells, width))


def cells_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    totals: Sequence[Sequence[str]],
    title: str,
    width: int,
) -> str:
    """Cells that are written already, without colour, in so many columns of the terminal; totals
    stand under a line of their own."""
    cells = [[Text(cell) for cell in row] for row in rows]
    sums = [[Text(cell) for cell in row] for row in totals]
    grid = _grid(columns, [*cells, *sums], title, width, ruled=len(cells) if sums else None)
    least = _least_width(columns, [*cells, *sums], width)
    return _write([grid], Console(file=io.StringIO(), width=max(width, least), **_PLAIN))


def fits(rows: Sequence[Sequence[str]], columns: Sequence[Column], width: int) -> bool:
    """Whether a table of these cells can stand in the width with every figure and id whole."""
    return _least_width(columns, [[Text(cell) for cell in row] for row in rows], width) <= width


def _grid(
    columns: Sequence[Column],
    cells: Sequence[Sequence[Text]],
    title: str,
    width: int,
    *,
    ruled: int | None = None,
) -> Table:
    """Cells under their titles; where room is short, the stacking ones stand in one column. After
    `ruled` rows comes a line."""
    if _natural_width(columns, cells) > width:
        columns, cells = _stacked(columns, cells)
    grid = Table(
        box=SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        collapse_padding=True,
    )
    for column in columns:
        grid.add_column(
            column.title,
            justify="right" if column.number else "left",
            no_wrap=column.number or column.stack,
            overflow="fold",
        )
    for number, line in enumerate(cells, 1):
        grid.add_row(*line, end_section=number == ruled)
    return grid


def _least_width(columns: Sequence[Column], cells: Sequence[Sequence[Text]], width: int) -> int:
    """Columns without which figures would be cut: a narrower terminal folds the lines itself."""
    if _natural_width(columns, cells) > width:
        columns, cells = _stacked(columns, cells)
    kept = [i for i, column in enumerate(columns) if column.number or column.stack]
    chosen = [columns[i] for i in kept]
    fixed = _natural_width(chosen, [[row[i] for i in kept] for row in cells]) if kept else 0
    return fixed + 6 * (len(columns) - len(kept)) + _GAP * len(columns)


def _natural_width(columns: Sequence[Column], cells: Sequence[Sequence[Text]]) -> int:
    """Columns of the terminal that the table takes when nothing is folded."""
    widths = [
        max([len(column.title), *(row[i].cell_len for row in cells)])
        for i, column in enumerate(columns)
    ]
    return sum(widths) + _GAP * (len(widths) - 1)


def _stacked(
    columns: Sequence[Column], cells: Sequence[Sequence[Text]]
) -> tuple[list[Column], list[list[Text]]]:
    """The stacking columns under each other in one, the others beside it."""
    under = [i for i, column in enumerate(columns) if column.stack]
    beside = [i for i, column in enumerate(columns) if not column.stack]
    if len(under) < 2:
        return list(columns), [list(row) for row in cells]
    stacked = [
        [Text("\n").join(row[i] for i in under if row[i].plain), *(row[i] for i in beside)]
        for row in cells
    ]
    width = max(row[0].cell_len for row in cells)
    title = " / ".join(columns[i].title for i in under)
    first = Column("", title if len(title) <= width else f"{columns[under[0]].title} …", stack=True)
    return [first, *(columns[i] for i in beside)], stacked


def document(data: Mapping[str, Any], title: str, notes: Sequence[str], *, plain: bool) -> str:
    """One document as a list of names and values; lists of rows inside it as tables."""
    facts = Table(box=None, show_header=False, title=title or None, title_justify="left")
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    parts: list[Any] = [facts]
    for name, value in data.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            own = [_without_repetition(row, data) for row in value]
            parts.append(_inner(name, own, _console_width(plain)))
        elif value not in (None, "", [], {}):
            facts.add_row(name.replace("_", " "), _text(_line(value)))
    return _render(parts, notes, plain=plain)


def _without_repetition(row: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """A row without the words that its document says already, its id among them."""
    said = {v for v in document.values() if isinstance(v, str)}
    return {k: v for k, v in row.items() if not (isinstance(v, str) and v in said)}


def _inner(name: str, rows: Sequence[Mapping[str, Any]], width: int) -> Table:
    """A list inside a document: columns that say nothing are left out, ids may stand in one."""
    names = dict.fromkeys(k for row in rows for k, v in row.items() if v not in (None, "", [], {}))
    columns = [
        Column(
            key,
            key.replace("_", " "),
            number=all(isinstance(row.get(key), int) for row in rows),
            stack=key.endswith(_LONG),
        )
        for key in names
    ]
    cells = [[_text(_line(row.get(key))) for key in names] for row in rows]
    return _grid(columns, cells, name.replace("_", " "), width)


def _line(value: object) -> object:
    """A nested value in one line; an amount as people write it."""
    if isinstance(value, Mapping):
        if {"value", "currency"} <= value.keys():
            return f"{value['value']} {value['currency']}"
        return ", ".join(f"{k}: {_line(v)}" for k, v in value.items() if v not in (None, ""))
    if isinstance(value, list | tuple):
        return ", ".join(str(_line(v)) for v in value)
    return value


def _text(value: object) -> Text:
    if value is None:
        return Text("")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    text = _INSTANT.sub(r"\1 \2Z", safe_text(str(value)))
    return Text(text, style=_STYLES.get(text, ""))


def _console_width(plain: bool) -> int:
    """Columns to write in: the terminal's, or plenty where there is none."""
    if plain or not sys.stdout.isatty():
        return _WIDTH_WITHOUT_TERMINAL
    return shutil.get_terminal_size().columns


def _render(parts: Sequence[Any], notes: Sequence[str], *, plain: bool, least: int = 0) -> str:
    terminal = sys.stdout.isatty() and not plain
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal and not os.environ.get("NO_COLOR"),
        color_system="auto" if terminal else None,
        width=max(_console_width(plain), least),
        **_WORDS,
    )
    return _write([*parts, *(Text(safe_text(note)) for note in notes)], console)


def _write(parts: Sequence[Any], console: Console) -> str:
    for part in parts:
        console.print(part)
    out = console.file
    assert isinstance(out, io.StringIO)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"

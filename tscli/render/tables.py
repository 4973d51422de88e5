"""Tables for people, by Rich: text is never markup, colour and width only on a terminal."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tscli.render.inert import inert
from tscli.render.view import Column

_WIDTH_WITHOUT_TERMINAL = 160

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
    shown = columns or [Column(name, name) for row in rows[:1] for name in row]
    grid = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for column in shown:
        grid.add_column(
            column.title,
            justify="right" if column.number else "left",
            no_wrap=column.number,
            overflow="fold",
        )
    for row in rows:
        grid.add_row(*(_text(row.get(column.key)) for column in shown))
    return _render([grid] if rows else [Text("Nothing to show.")], notes, plain=plain)


def document(data: Mapping[str, Any], title: str, notes: Sequence[str], *, plain: bool) -> str:
    """One document as a list of names and values; lists of rows inside it as tables."""
    facts = Table(box=None, show_header=False, title=title or None, title_justify="left")
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    parts: list[Any] = [facts]
    for name, value in data.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            parts.append(_inner(name, value))
        elif value not in (None, "", [], {}):
            facts.add_row(name.replace("_", " "), _text(_line(value)))
    return _render(parts, notes, plain=plain)


def _inner(name: str, rows: list[Mapping[str, Any]]) -> Table:
    grid = Table(
        box=SIMPLE_HEAD, title=name.replace("_", " "), title_justify="left", pad_edge=False
    )
    names = list(dict.fromkeys(key for row in rows for key in row))
    for key in names:
        numeric = all(isinstance(row.get(key), int) for row in rows)
        grid.add_column(
            key.replace("_", " "), justify="right" if numeric else "left", overflow="fold"
        )
    for row in rows:
        grid.add_row(*(_text(_line(row.get(key))) for key in names))
    return grid


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
    text = inert(str(value))
    return Text(text, style=_STYLES.get(text, ""))


def _render(parts: Sequence[Any], notes: Sequence[str], *, plain: bool) -> str:
    terminal = sys.stdout.isatty() and not plain
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=terminal and not os.environ.get("NO_COLOR"),
        color_system="auto" if terminal else None,
        width=None if terminal else _WIDTH_WITHOUT_TERMINAL,
        markup=False,
        emoji=False,
        highlight=False,
    )
    for part in parts:
        console.print(part)
    for note in notes:
        console.print(Text(inert(note)))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"

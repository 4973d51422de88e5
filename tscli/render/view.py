"""A result on its way out: one value, shown as a table, JSON or CSV, to stdout or to a file."""

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from domain.safe_text import inert_cell
from tscli.render.write import write_file


class Format(StrEnum):
    """How a result is shown."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table for people: dotted key into a row, title, and whether it is a number.

    On a narrow terminal the columns with `stack` stand under each other in the first one.
    """

    key: str
    title: str
    number: bool = False
    stack: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A command's result: a list of rows or one document, with how people want to see it."""

    command: str
    """Slug of the command, such as `payments.create`; names the JSON schema."""
    data: Sequence[Mapping[str, Any]] | Mapping[str, Any]
    columns: tuple[Column, ...] = ()
    title: str = ""
    notes: tuple[str, ...] = ()
    """Sentences under the table for people."""
    version: int = 1


def show(view: View, form: Format, output: Path | None = None) -> None:
    """Write a view to stdout or a file.

    Raises:
        InvalidRequest: the file cannot be written.
    """
    if form is Format.JSON:
        text = as_json(view)
    elif form is Format.CSV:
        text = as_csv(view)
    else:
        text = _as_table(view, to_file=output is not None)
    if output is not None:
        write_file(output, text.encode())
        return
    sys.stdout.write(text)
    sys.stdout.flush()


def as_json(view: View) -> str:
    """The versioned envelope."""
    document = {"schema": f"tscli/{view.command}/{view.version}", "data": view.data}
    return json.dumps(document, indent=2, ensure_ascii=True, default=str) + "\n"


def as_csv(view: View) -> str:
    """One line per row with dotted column names; text that looks like a formula gets an
    apostrophe."""
    rows = [_flat(row) for row in _rows(view.data)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not rows:
        names = [column.key for column in view.columns]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue()


def _rows(data: Any) -> Sequence[Mapping[str, Any]]:
    return [data] if isinstance(data, Mapping) else data


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            flat[prefix + key] = json.dumps(value, ensure_ascii=True, default=str)
        else:
            flat[prefix + key] = value
    return flat


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    number = value.removeprefix("-").replace(".", "", 1)
    return value if number.isascii() and number.isdigit() else inert_cell(value)


def _as_table(view: View, *, to_file: bool) -> str:
    # Rich takes a while to import; machines never wait for it.
    from tscli.render.tables import document, table

    if isinstance(view.data, Mapping) and not view.columns:
        return document(view.data, view.title, view.notes, plain=to_file)
    rows = [_flat(row) for row in _rows(view.data)]
    return table(rows, view.columns, view.title, view.notes, plain=to_file)

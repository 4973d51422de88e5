"""Cells to values, a block at a time: columns by vector arithmetic, what that refuses row by row.

Every row that goes in comes out, as values or as a reject.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from domain.settlement import Reject
from reconcile.codes import Array, Bools, Ints
from reconcile.intake.amounts import amounts
from reconcile.intake.instants import local_instants, zoned_instants
from reconcile.intake.layout import BadCell, Column, Layout, Role, read_cells
from reconcile.intake.masking import shown
from reconcile.intake.rows import digest_of
from reconcile.intake.strings import Strings

CODE = np.dtype(np.int16)


@dataclass(frozen=True, slots=True)
class Values:
    """The readable rows of a block as columns, in file order, and the rejects."""

    columns: dict[str, Any]
    """By key: Arrow strings (text), Arrow dictionaries (open words), int16 codes, int64 numbers."""
    lines: Ints
    rejects: tuple[Reject, ...]


def read_columns(table: Any, lines: Ints, layout: Layout, file: str) -> Values:
    """Values of a block's cells: `table` maps keys to Arrow strings (words: dictionaries)."""
    columns: dict[str, Any] = {}
    good = np.ones(len(lines), bool)
    for column in layout.columns:
        columns[column.key], fine = _column(column, table[column.key], columns, layout)
        good &= fine
    if good.all():
        return Values(columns, lines, ())
    return _patched(table, lines, layout, file, columns, good)


def read_rows(
    rows: list[dict[str, str]], lines: Ints, layout: Layout, file: str
) -> tuple[list[dict[str, int | str] | None], list[Reject]]:
    """The same strictly, one row at a time; None stands where a reject was made."""
    values: list[dict[str, int | str] | None] = []
    rejects: list[Reject] = []
    for cells, line in zip(rows, lines.tolist(), strict=True):
        try:
            values.append(read_cells(cells, layout))
        except BadCell as bad:
            values.append(None)
            named = digest_of(cells.values())
            rejects.append(Reject(file, line, bad.column, bad.reason, shown(bad.text), named))
    return values, rejects


def _column(
    column: Column, cells: Any, before: dict[str, Any], layout: Layout
) -> tuple[Any, Bools]:
    if column.role is Role.AMOUNT:
        return amounts(cells, before["currency"])
    if column.role is Role.INSTANT:
        if layout.zone is None:
            return zoned_instants(cells)
        return local_instants(cells, layout.zone)
    if column.role is Role.TEXT:
        if column.required:
            return cells, Strings.of(cells).lengths > 0
        return cells, np.ones(len(cells), bool)
    codes = indices(cells.indices)
    table = np.array([_word(column, word) for word in cells.dictionary.to_pylist()], CODE)
    found = table[codes] if len(table) else np.empty(0, CODE)
    return (cells if column.code is None else found), found >= 0


def indices(array: Any) -> Array:
    """An int32 array without nulls as numpy's, by its bytes: Arrow's own way would wait for pandas
    to load, because it asks whether pandas wants it."""
    found: Array = np.frombuffer(array.buffers()[1] or b"", np.int32)
    return found[array.offset : array.offset + len(array)]


def _word(column: Column, word: str) -> int:
    """Code of a word, -1 where the word is refused, 0 for any other open word."""
    if column.code is None:
        return 0 if word else -1
    try:
        return column.code(word)
    except ValueError:
        return -1


def _patched(
    table: Any, lines: Ints, layout: Layout, file: str, columns: dict[str, Any], good: Bools
) -> Values:
    """Read the refused rows strictly, put in what that accepts and take out what it rejects."""
    bad = np.flatnonzero(~good)
    keys = [column.key for column in layout.columns]
    cells = {key: _texts(table[key], bad) for key in keys}
    rows = [dict(zip(keys, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    values, rejects = read_rows(rows, lines[bad], layout, file)
    keep = np.ones(len(lines), bool)
    for row, value in zip(bad.tolist(), values, strict=True):
        keep[row] = value is not None
        for column in layout.columns:
            if value is not None and isinstance(columns[column.key], np.ndarray):
                columns[column.key][row] = value[column.key]
    mask = pa.array(keep)
    kept = {key: _filtered(values, keep, mask) for key, values in columns.items()}
    return Values(kept, lines[keep], tuple(rejects))


def _texts(cells: Any, rows: Ints) -> list[str]:
    taken = cells.take(pa.array(rows))
    if pa.types.is_dictionary(taken.type):
        taken = taken.dictionary_decode()
    texts: list[str] = taken.to_pylist()
    return texts


def _filtered(values: Any, keep: Bools, mask: Any) -> Array | Any:
    return values[keep] if isinstance(values, np.ndarray) else values.filter(mask)

"""A block's records to cells: by Arrow's CSV reader where the block is beyond doubt, else strictly.

Arrow forgives stray quotes and lone carriage returns, so a block goes to it only when every quote
is proven to stand where RFC 4180 allows one. Both ways give the same cells.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from domain.settlement import Reject
from reconcile.codes import Ints
from reconcile.intake.cutting import CR, LF, Bytes, plain_quotes
from reconcile.intake.layout import Layout, Role
from reconcile.intake.masking import shown
from reconcile.intake.rows import BadRow, digest_of, split
from reconcile.intake.source import BOM, Block, count, positions

COMMA = ord(",")
WORD = pa.dictionary(pa.int32(), pa.string())
"""Type of a column of few different words."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a block by column key, and the records that could not be taken apart."""

    table: dict[str, Any]
    """Arrow strings; dictionaries of strings for words."""
    lines: Ints
    """First physical line of each record."""
    rejects: tuple[Reject, ...] = ()


def scan(block: Block, layout: Layout, file: str, *, strictly: bool = False) -> Cells:
    """The wanted cells of a block."""
    fast = None if strictly else _by_arrow(block, layout)
    return fast if fast is not None else _by_rows(block, layout, file)


def _by_arrow(block: Block, layout: Layout) -> Cells | None:
    """The cells by Arrow's reader, or None where the strict reader has to look."""
    codes = block.codes
    if codes[: len(BOM)].tobytes() == BOM or not plain_quotes(codes, block.quotes, COMMA):
        return None
    if not _plain_returns(codes):
        return None
    words = (Role.WORD, Role.OPEN_WORD)
    types = {
        column.name: WORD if column.role in words else pa.string() for column in layout.columns
    }
    try:
        table = csv.read_csv(
            pa.BufferReader(pa.py_buffer(codes)),
            csv.ReadOptions(
                use_threads=False,
                block_size=len(codes) + 1,
                column_names=list(layout.header),
            ),
            csv.ParseOptions(
                # The block is one piece, so nobody looks for its parts: line ends in cells are
                # read either way, and this spares a second look at every byte.
                newlines_in_values=False,
                quote_char='"' if block.quotes.size else False,
            ),
            csv.ConvertOptions(column_types=types, include_columns=list(types)),
            memory_pool=_memory(),
        )
    except pa.ArrowInvalid:
        return None
    cells = {c.key: _one(table.column(c.name)) for c in layout.columns}
    lines = _lines(block, table.num_rows)
    return None if lines is None else Cells(cells, lines)


@cache
def _memory() -> Any:
    """Where Arrow keeps the columns: jemalloc gives pages back least often, which costs least."""
    try:
        return pa.jemalloc_memory_pool()
    except NotImplementedError:  # not built in everywhere
        return pa.system_memory_pool()


def _by_rows(block: Block, layout: Layout, file: str) -> Cells:
    """The cells by the strict reader, with a reject for every record it gives up."""
    rejects: list[Reject] = []
    lines: list[int] = []
    places = {column.key: layout.header.index(column.name) for column in layout.columns}
    found: dict[str, list[str]] = {key: [] for key in places}
    for row in split(block.text, block.first_line, len(layout.header), last=block.last):
        if isinstance(row, BadRow):
            row_name = digest_of([row.record])
            rejects.append(Reject(file, row.line, "", row.reason, shown(row.text), row_name))
            continue
        lines.append(row.line)
        for key, place in places.items():
            found[key].append(row.cells[place])
    table: dict[str, Any] = {}
    for column in layout.columns:
        array = pa.array(found[column.key], pa.string())
        plain = column.role not in (Role.WORD, Role.OPEN_WORD)
        table[column.key] = array if plain else array.dictionary_encode()
    return Cells(table, np.array(lines, np.int64), tuple(rejects))


def _plain_returns(codes: Bytes) -> bool:
    """Whether every carriage return belongs to a line end."""
    if not count(codes, CR):
        return True
    at = positions(codes, CR)
    return bool(at[-1] + 1 < len(codes) and (codes[at + 1] == LF).all())


def _lines(block: Block, rows: int) -> Ints | None:
    """First physical line of each record; None where the count does not add up."""
    codes = block.codes
    if block.lines + int(codes[-1] != LF) == rows:
        return block.first_line + np.arange(rows, dtype=np.int64)
    ends = positions(codes, LF)
    outside = np.searchsorted(block.quotes, ends) % 2 == 0
    record_ends = np.flatnonzero(outside)
    starts = np.concatenate([[0], ends[record_ends] + 1])
    lines = np.concatenate([[0], record_ends + 1])
    inside = starts < len(codes)
    starts, lines = starts[inside], lines[inside]
    first = codes[starts]
    blank = (first == LF) | ((first == CR) & (codes[np.minimum(starts + 1, len(codes) - 1)] == LF))
    lines = lines[~blank]
    return block.first_line + lines.astype(np.int64) if len(lines) == rows else None


def _one(column: Any) -> Any:
    """The single array of a column, without a copy where it is one already."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)

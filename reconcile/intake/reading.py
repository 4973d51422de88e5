"""One file read through: blocks taken in turn, converted side by side, put together in file order.

The outcome does not depend on the number of threads nor on where blocks end.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from domain.clock import from_micros, iso
from domain.errors import UnreadableExport
from domain.settlement import ControlTotal, InputFile, Reject
from reconcile.codes import CURRENCIES, Array, Ints, sums_by
from reconcile.intake.columns import CODE, Values, read_columns, read_rows
from reconcile.intake.layout import Layout, Role
from reconcile.intake.scan import WORD, Cells, scan
from reconcile.intake.source import BLOCK_BYTES, Block, Source

AHEAD = 6
"""Blocks waiting for each file beyond the one being converted: bounds the memory taken."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How files are read: in which threads, in what pieces, by which way."""

    pool: ThreadPoolExecutor
    block_bytes: int = BLOCK_BYTES
    strictly: bool = False
    """Take the strict way for every row; gives the same, slowly."""


@dataclass(frozen=True, slots=True)
class Read:
    """A file read to its end."""

    path: Path
    layout: Layout
    columns: Mapping[str, Any]
    """The readable rows by column key: numpy arrays, Arrow chunked arrays for any text."""
    lines: Ints
    """First physical line of every readable row."""
    spans: tuple[tuple[int, int, int], ...]
    """(offset, bytes, first line) of each block, to find a row again."""
    digest: str
    size: int
    rejects: tuple[Reject, ...]

    @property
    def rows(self) -> int:
        """Rows that could be read."""
        return len(self.lines)


def threads() -> int:
    """As many as the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_through(
    path: Path, layout_of: Callable[[tuple[str, ...]], Layout], reader: Reader
) -> Read:
    """Read a whole file.

    Raises:
        UnreadableExport: it cannot be opened, is no text, or `layout_of` refuses its header.
    """
    chunks: list[Values] = []
    passed = pass_through(path, layout_of, reader, chunks.append)
    columns = {
        column.key: _joined(column.role, [chunk.columns[column.key] for chunk in chunks])
        for column in passed.layout.columns
    }
    lines = np.concatenate([np.empty(0, np.int64), *(chunk.lines for chunk in chunks)])
    return Read(
        path, passed.layout, columns, lines, passed.spans, passed.digest, passed.size,
        passed.rejects,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passed:
    """A file that was read to its end without being kept."""

    layout: Layout
    spans: tuple[tuple[int, int, int], ...]
    digest: str
    size: int
    rejects: tuple[Reject, ...]


def pass_through(
    path: Path,
    layout_of: Callable[[tuple[str, ...]], Layout],
    reader: Reader,
    take: Callable[[Values], None],
) -> Passed:
    """Read a whole file and hand on its rows, a block at a time, in file order.

    Raises:
        UnreadableExport: see `read_through`.
    """
    spans: list[tuple[int, int, int]] = []
    rejects: list[Reject] = []
    try:
        with path.open("rb") as stream:
            source = Source(path, stream, reader.block_bytes)
            header, blocks = source.header()
            layout = layout_of(header)
            for block, values in _converted(source, blocks, layout, reader):
                spans.append(block)
                rejects += values.rejects
                take(values)
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror or 'input error'}"
        raise UnreadableExport(reason, file=path.name, hint="Check path and permissions.") from None
    return Passed(layout, tuple(spans), source.digest, source.size, tuple(rejects))


def input_file(read: Read, form: str, net: Ints | None) -> InputFile:
    """The file by its content, with control totals that know nothing of matching."""
    codes, instants = read.columns["currency"], read.columns["occurred_at"]
    amount, fee = read.columns["amount_minor"], read.columns["fee_minor"]
    residual = np.zeros(read.rows, np.int64) if net is None else net - (amount - fee)
    rows, size = np.bincount(codes, minlength=len(CURRENCIES)), len(CURRENCIES)
    sums = [sums_by(codes, size, values) for values in (amount, fee, residual)]
    totals = [
        ControlTotal(CURRENCIES[code], int(rows[code]), *(found[code] for found in sums))
        for code in np.flatnonzero(rows).tolist()
    ]
    period = None
    if len(instants):
        first, last = int(instants.min()), int(instants.max())
        period = (iso(from_micros(first)), iso(from_micros(last)))
    return InputFile(
        name=read.path.name,
        digest=read.digest,
        size=read.size,
        format=form,
        rows=read.rows + len(read.rejects),
        unreadable=len(read.rejects),
        totals=tuple(totals),
        period=period,
    )


def _joined(role: Role, parts: list[Any]) -> Any:
    """One column of the whole file from those of its blocks."""
    if role is Role.TEXT:
        return pa.chunked_array(parts, pa.string())
    if role is Role.OPEN_WORD:
        return pa.chunked_array(parts, WORD)
    kind = CODE if role is Role.WORD else np.dtype(np.int64)
    return np.concatenate([np.empty(0, kind), *parts])


def _converted(
    source: Source, blocks: Iterator[Block], layout: Layout, reader: Reader
) -> Iterator[tuple[tuple[int, int, int], Values]]:
    """Convert blocks in the pool, a few ahead, and yield them in file order."""
    waiting: deque[tuple[Block, Future[Values]]] = deque()
    try:
        for block in blocks:
            task = reader.pool.submit(_convert, source, block, layout, reader.strictly)
            waiting.append((block, task))
            if len(waiting) > AHEAD:
                yield _finished(source, *waiting.popleft())
        while waiting:
            yield _finished(source, *waiting.popleft())
    finally:
        for _, task in waiting:
            task.cancel()


def _finished(
    source: Source, block: Block, task: Future[Values]
) -> tuple[tuple[int, int, int], Values]:
    values = task.result()
    span = block.offset, len(block.codes), block.first_line
    # By now the block after this one has been read, and what it carried over was copied.
    source.recycle(block)
    return span, values


def _convert(source: Source, block: Block, layout: Layout, strictly: bool) -> Values:
    source.check_text(block)
    cells = scan(block, layout, source.name, strictly=strictly)
    if strictly:
        values = _row_by_row(cells, layout, source.name)
    else:
        values = read_columns(cells.table, cells.lines, layout, source.name)
    if not cells.rejects:
        return values
    rejects = sorted((*values.rejects, *cells.rejects), key=attrgetter("line"))
    return Values(values.columns, values.lines, tuple(rejects))


def _row_by_row(cells: Cells, layout: Layout, file: str) -> Values:
    """The same as `read_columns` without any arithmetic on columns."""
    texts = {key: array.to_pylist() for key, array in cells.table.items()}
    rows = [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]
    values, rejects = read_rows(rows, cells.lines, layout, file)
    kept = [value for value in values if value is not None]
    columns: dict[str, Any] = {}
    for column in layout.columns:
        plain = [value[column.key] for value in kept]
        if column.role is Role.TEXT:
            columns[column.key] = pa.array(plain, pa.string())
        elif column.role is Role.OPEN_WORD:
            columns[column.key] = pa.array(plain, pa.string()).dictionary_encode()
        else:
            kind = CODE if column.role is Role.WORD else np.dtype(np.int64)
            columns[column.key] = np.array(plain, kind)
    keep: Array = np.array([value is not None for value in values], bool)
    return Values(columns, cells.lines[keep], tuple(rejects))

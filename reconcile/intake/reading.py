"""One file read through: blocks taken in turn, converted side by side, handed on in file order.

The outcome does not depend on the number of threads nor on where blocks end.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from domain.settlement import Reject
from reconcile.codes import Array
from reconcile.intake.columns import CODE, Values, read_columns, read_rows
from reconcile.intake.layout import Layout, Role
from reconcile.intake.scan import Cells, scan
from reconcile.intake.source import BLOCK_BYTES, Block, Source, cannot_be_read

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
class Passed:
    """A file that was read to its end; its rows have been handed on."""

    path: Path
    header: tuple[str, ...]
    """Empty where rows say by themselves what they are."""
    spans: tuple[tuple[int, int, int], ...]
    """(offset, bytes, first line) of each block, to find a row again."""
    digest: str
    size: int
    rejects: tuple[Reject, ...]


def threads() -> int:
    """As many as the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pass_through(
    path: Path,
    layout_of: Callable[[tuple[str, ...]], Layout],
    reader: Reader,
    take: Callable[[Values], None],
) -> Passed:
    """Read a whole file and hand on its rows, a block at a time, in file order.

    Raises:
        UnreadableExport: it cannot be opened, is no text, or `layout_of` refuses its header.
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
        raise cannot_be_read(path.name, error) from None
    return Passed(path, header, tuple(spans), source.digest, source.size, tuple(rejects))


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

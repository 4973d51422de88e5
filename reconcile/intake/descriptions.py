"""The provider's free text, read again only for the few rows that end in breaks.

It is shown, never compared; a file that changed since it was read yields no text.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from domain.settlement import ExportFormat
from reconcile.intake.reading import Read
from reconcile.intake.rows import Row, split

_RECORD_BYTES = 1 << 16
"""More than any record takes."""


class Descriptions:
    """Finds the description of a row by file and line."""

    def __init__(self, reads: Sequence[Read], forms: Sequence[ExportFormat]) -> None:
        self._files = [
            (read.path, read.layout.header, form.description, form.reference, read.spans)
            for read, form in zip(reads, forms, strict=True)
        ]

    def read(self, rows: Iterable[tuple[int, int, str]]) -> dict[tuple[int, int], str]:
        """Descriptions by (file, line) for rows given as (file, line, reference)."""
        found: dict[tuple[int, int], str] = {}
        wanted: dict[int, dict[int, str]] = {}
        for file, line, reference in rows:
            wanted.setdefault(file, {})[line] = reference
        for file, lines in wanted.items():
            for line, text in self._read_file(file, lines):
                found[file, line] = text
        return found

    def _read_file(self, file: int, lines: dict[int, str]) -> Iterable[tuple[int, str]]:
        path, header, description, reference, spans = self._files[file]
        if description not in header:
            return
        place, key = header.index(description), header.index(reference)
        for line, row in _rows(path, spans, sorted(lines), len(header)):
            if row.cells[key] == lines[line]:
                yield line, row.cells[place]


def _rows(
    path: Path, spans: Sequence[tuple[int, int, int]], lines: Sequence[int], width: int
) -> Iterable[tuple[int, Row]]:
    """The records at the given physical lines, as far as they are still there."""
    firsts = np.array([first for _, _, first in spans], np.int64)
    homes = np.searchsorted(firsts, np.array(lines, np.int64), side="right") - 1
    try:
        with path.open("rb") as stream:
            for home in np.unique(homes).tolist():
                offset, size, first = spans[home]
                stream.seek(offset)
                data = stream.read(size)
                ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
                for line in (line for line, at in zip(lines, homes, strict=True) if at == home):
                    behind = line - first - 1
                    start = 0 if behind < 0 else int(ends[behind]) + 1 if behind < len(ends) else -1
                    if start < 0:
                        continue
                    end = int(ends[behind + 1]) if behind + 1 < len(ends) else len(data)
                    row = _record(data, start, end, line, width)
                    if row is not None:
                        yield line, row
    except OSError:
        return


def _record(data: bytes, start: int, end: int, line: int, width: int) -> Row | None:
    """The record that begins at `start` and, unless a quote is still open, ends at `end`.

    The file was read strictly before, so what stands on one line the standard library may split,
    which is many times as fast.
    """
    alone = data[start:end]
    if alone.count(b'"') % 2 == 0 and b"\r" not in alone[:-1]:
        cells = next(csv.reader([alone.decode("utf-8", errors="replace")]), [])
        return Row(line, tuple(cells), 1, 0) if len(cells) == width else None
    text = data[start : start + _RECORD_BYTES].decode("utf-8", errors="replace")
    row = next(split(text, line, width, last=True), None)
    return row if isinstance(row, Row) else None

"""The provider's free text, read again where it is wanted: of the few rows that end in breaks.

It is shown, never compared; a file that changed since it was read yields no text.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.settlement import ExportFormat
from reconcile.intake.cutting import LF
from reconcile.intake.layout import Column, Layout, Role
from reconcile.intake.reading import Passed
from reconcile.intake.rows import Row, split

_RECORD_BYTES = 1 << 16
"""More than any record takes."""

_REFERENCE, _TEXT = "reference", "text"


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    layout: Layout
    """Of the two columns alone."""
    spans: Sequence[tuple[int, int, int]]
    """Offset, size and first line of each block."""

    @classmethod
    def of(cls, read: Passed, form: ExportFormat) -> "_File":
        names = {_REFERENCE: form.reference, _TEXT: form.description}
        columns = tuple(Column(key, name, Role.TEXT) for key, name in names.items())
        return cls(read.path, Layout(read.header, columns, None), read.spans)


class Descriptions:
    """Finds the description of a row by file and line."""

    def __init__(self, reads: Sequence[Passed], forms: Sequence[ExportFormat]) -> None:
        self._files = [_File.of(read, form) for read, form in zip(reads, forms, strict=True)]

    def read(self, rows: Iterable[tuple[int, int, str]]) -> dict[tuple[int, int], str]:
        """Descriptions by (file, line) for rows given as (file, line, reference)."""
        found: dict[tuple[int, int], str] = {}
        wanted: dict[int, dict[int, str]] = {}
        for place, line, reference in rows:
            wanted.setdefault(place, {})[line] = reference
        for place, lines in wanted.items():
            file = self._files[place]
            if not {column.name for column in file.layout.columns} <= set(file.layout.header):
                continue
            for line, reference, text in _rows(file, sorted(lines)):
                if reference == lines[line]:
                    found[place, line] = text
        return found


def _rows(file: _File, lines: Sequence[int]) -> Iterable[tuple[int, str, str]]:
    """Line, reference and text of the records at the given physical lines, as far as they are
    still there."""
    firsts = np.array([first for _, _, first in file.spans], np.int64)
    homes = np.searchsorted(firsts, np.array(lines, np.int64), side="right") - 1
    try:
        with file.path.open("rb") as stream:
            for home in np.unique(homes).tolist():
                offset, size, first = file.spans[home]
                stream.seek(offset)
                data = stream.read(size)
                wanted = [line for line, at in zip(lines, homes, strict=True) if at == home]
                yield from _some(data, first, wanted, file.layout)
    except OSError:
        return


def _some(
    data: bytes, first: int, lines: Sequence[int], layout: Layout
) -> Iterable[tuple[int, str, str]]:
    """Records one by one: most of a block is not wanted."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == LF)
    places = [layout.header.index(column.name) for column in layout.columns]
    for line in lines:
        behind = line - first - 1
        if behind >= len(ends):
            continue
        start = 0 if behind < 0 else int(ends[behind]) + 1
        end = int(ends[behind + 1]) if behind + 1 < len(ends) else len(data)
        cells = _record(data, start, end, line, len(layout.header))
        if cells is not None:
            reference, text = (cells[place] for place in places)
            yield line, reference, text


def _record(data: bytes, start: int, end: int, line: int, width: int) -> Sequence[str] | None:
    """The record that begins at `start` and, unless a quote is still open, ends at `end`.

    The file was read strictly before, so what stands on one line the standard library may split,
    which is many times as fast.
    """
    alone = data[start:end]
    if alone.count(b'"') % 2 == 0 and b"\r" not in alone[:-1]:
        cells = next(csv.reader([alone.decode("utf-8", errors="replace")]), [])
        return cells if len(cells) == width else None
    text = data[start : start + _RECORD_BYTES].decode("utf-8", errors="replace")
    row = next(split(text, line, width, last=True), None)
    return row.cells if isinstance(row, Row) else None

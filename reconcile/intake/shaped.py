"""Files that are not one header and its rows: read record by record into the same columns.

A shape says what one record is; everything else (blocks, lines, rejects, columns) is done here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from domain.settlement import Reject, StatedBalance, StatedTotal
from reconcile.codes import KIND_CODES
from reconcile.intake.columns import CODE, Values
from reconcile.intake.layout import BadCell
from reconcile.intake.masking import shown
from reconcile.intake.reading import Passed
from reconcile.intake.rows import BadRow, Row, digest_of, split
from reconcile.intake.scan import WORD
from reconcile.intake.source import Source, cannot_be_read

Line = dict[str, Any]
"""One line of money: `TEXTS`, `category`, `kind` (a `LineKind` value or None), `currency` (code),
amounts and instant as int, and `line`."""

TEXTS = ("reference", "source", "parent", "ours", "payout", "bank_reference")
_NUMBERS = ("amount_minor", "fee_minor", "net_minor", "occurred_at")
_BLOCK_LINES = 20_000


@dataclass(slots=True)
class Facts:
    """What a file says about itself besides its lines."""

    stated: list[StatedTotal] = field(default_factory=list)
    balances: list[StatedBalance] = field(default_factory=list)
    owner: str = ""


class Shape(Protocol):
    """How records of one format become lines."""

    delimiter: str
    facts: Facts

    def take(self, row: Row) -> Iterator[Line]:
        """The lines of one record, none for a record that is no line.

        Raises:
            BadCell: it cannot be read.
        """

    def finish(self, last_line: int) -> Iterator[Reject | Line]:
        """What is to be said at the end of the file: lines that had to wait, and rejects."""


def pass_shaped(path: Path, shape: Shape, take: Callable[[Values], None]) -> Passed:
    """Read a whole file by its shape and hand on its lines, a block at a time, in file order.

    Raises:
        UnreadableExport: it cannot be opened, is no text, or its shape refuses it as a whole.
    """
    rejects: list[Reject] = []
    try:
        with path.open("rb") as stream:
            source = Source(path, stream, delimiter=shape.delimiter)
            lines = _lines(source, shape, rejects)
            while block := list(islice(lines, _BLOCK_LINES)):
                take(_values(block))
    except OSError as error:
        raise cannot_be_read(path.name, error) from None
    rejects.sort(key=lambda reject: reject.line)
    return Passed(path, (), (), source.digest, source.size, tuple(rejects))


def _lines(source: Source, shape: Shape, rejects: list[Reject]) -> Iterator[Line]:
    """The lines of a file; what is none is put into `rejects`."""
    last = 0
    for block in source.whole():
        source.check_text(block)
        last = block.first_line + block.lines
        records = split(
            block.text, block.first_line, None, last=block.last, delimiter=shape.delimiter
        )
        for row in records:
            if isinstance(row, BadRow):
                named = digest_of([row.record])
                rejects.append(
                    Reject(source.name, row.line, "", row.reason, shown(row.text), named)
                )
                continue
            try:
                for line in shape.take(row):
                    yield line | {"line": row.line}
            except BadCell as bad:
                named = digest_of(row.cells)
                rejects.append(
                    Reject(source.name, row.line, bad.column, bad.reason, shown(bad.text), named)
                )
    for item in shape.finish(last):
        if isinstance(item, Reject):
            rejects.append(item)
        else:
            yield item


def _values(lines: Sequence[Line]) -> Values:
    """Some lines as the columns that the plain reader gives."""
    columns: dict[str, Any] = {
        name: pa.array([line.get(name, "") for line in lines], pa.string()) for name in TEXTS
    }
    words = pa.array([line["category"] for line in lines], pa.string()).dictionary_encode()
    columns["category"] = words.cast(WORD)
    columns["kind"] = np.array(
        [-1 if line["kind"] is None else KIND_CODES[line["kind"]] for line in lines], np.int8
    )
    columns["currency"] = np.array([line["currency"] for line in lines], CODE)
    for name in _NUMBERS:
        columns[name] = np.array([line[name] for line in lines], np.int64)
    return Values(columns, np.array([line["line"] for line in lines], np.int64), ())


def cell(column: str, text: str, read: Callable[[], Any]) -> Any:
    """One value of a cell.

    Raises:
        BadCell: `read` refused it.
    """
    try:
        return read()
    except ValueError as error:
        raise BadCell(column, str(error), text) from None

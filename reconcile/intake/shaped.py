"""Files that are not one header and its rows: read record by record into the same columns.

A shape says what one record is; everything else (blocks, lines, rejects, columns) is done here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from domain.errors import UnreadableExport
from domain.settlement import Reject, StatedBalance, StatedTotal
from reconcile.codes import KIND_CODES
from reconcile.intake.layout import BadCell, Layout
from reconcile.intake.masking import shown
from reconcile.intake.reading import Read
from reconcile.intake.rows import BadRow, Row, split
from reconcile.intake.scan import WORD
from reconcile.intake.source import Source

Values = dict[str, Any]
"""One line of money: `TEXTS`, `category`, `kind` (a `LineKind` value or None), `currency` (code),
amounts and instant as int, and `line`."""

TEXTS = ("reference", "source", "parent", "ours", "payout", "bank_reference")
_NUMBERS = ("amount_minor", "fee_minor", "net_minor", "occurred_at", "line")


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

    def take(self, row: Row) -> Iterator[Values]:
        """The lines of one record, none for a record that is no line.

        Raises:
            BadCell: it cannot be read.
        """

    def finish(self, last_line: int) -> Iterator[Reject | Values]:
        """What is to be said at the end of the file: lines that had to wait, and rejects."""


def read_shaped(path: Path, shape: Shape) -> Read:
    """Read a whole file by its shape.

    Raises:
        UnreadableExport: it cannot be opened, is no text, or its shape refuses it as a whole.
    """
    lines: list[Values] = []
    rejects: list[Reject] = []
    try:
        with path.open("rb") as stream:
            source = Source(path, stream)
            last = _records(source, shape, lines, rejects)
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror or 'input error'}"
        raise UnreadableExport(reason, file=path.name, hint="Check path and permissions.") from None
    for item in shape.finish(last):
        if isinstance(item, Reject):
            rejects.append(item)
        else:
            lines.append(item)
    return Read(
        path, Layout((), (), None), _columns(lines),
        np.array([line["line"] for line in lines], np.int64), (), source.digest, source.size,
        tuple(sorted(rejects, key=lambda reject: reject.line)),
    )  # fmt: skip


def _records(source: Source, shape: Shape, lines: list[Values], rejects: list[Reject]) -> int:
    last = 0
    for block in source.whole():
        source.check_text(block)
        last = block.first_line + block.lines
        records = split(
            block.text, block.first_line, None, last=block.last, delimiter=shape.delimiter
        )
        for row in records:
            if isinstance(row, BadRow):
                rejects.append(Reject(source.name, row.line, "", row.reason, shown(row.text)))
                continue
            try:
                lines.extend(line | {"line": row.line} for line in shape.take(row))
            except BadCell as bad:
                rejects.append(
                    Reject(source.name, row.line, bad.column, bad.reason, shown(bad.text))
                )
    return last


def _columns(lines: list[Values]) -> Mapping[str, Any]:
    """The lines as columns, in the shapes the plain reader gives."""
    columns: dict[str, Any] = {
        name: pa.chunked_array([pa.array([line.get(name, "") for line in lines], pa.string())])
        for name in TEXTS
    }
    words = pa.array([line["category"] for line in lines], pa.string()).dictionary_encode()
    columns["category"] = pa.chunked_array([words.cast(WORD)])
    columns["kind"] = np.array(
        [-1 if line["kind"] is None else KIND_CODES[line["kind"]] for line in lines], np.int8
    )
    columns["currency"] = np.array([line["currency"] for line in lines], np.int16)
    for name in _NUMBERS[:-1]:
        columns[name] = np.array([line[name] for line in lines], np.int64)
    return columns


def cell(column: str, text: str, read: Callable[[], Any]) -> Any:
    """One value of a cell.

    Raises:
        BadCell: `read` refused it.
    """
    try:
        return read()
    except ValueError as error:
        raise BadCell(column, str(error), text) from None

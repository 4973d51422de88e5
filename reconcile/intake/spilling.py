"""Blocks of files too large for memory: what they come to, and as they are spilled."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from domain.clock import from_micros, iso
from domain.settlement import ControlTotal, ExportFormat, InputFile
from reconcile.codes import CURRENCIES, sums_by
from reconcile.intake.assembly import kind_codes
from reconcile.intake.columns import Values
from reconcile.intake.layout import Layout, Role
from reconcile.intake.reading import Passed


@dataclass(slots=True)
class Sums:
    """What the rows of a file come to, by currency code."""

    rows: Counter[int] = field(default_factory=Counter)
    amount: Counter[int] = field(default_factory=Counter)
    fee: Counter[int] = field(default_factory=Counter)
    residual: Counter[int] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None

    def add(self, columns: dict[str, Any]) -> None:
        """Count a block."""
        codes, size = columns["currency"], len(CURRENCIES)
        if not len(codes):
            return
        amount, fee = columns["amount_minor"], columns["fee_minor"]
        net = columns.get("net_minor")
        gap = np.zeros(len(codes), np.int64) if net is None else net - (amount - fee)
        present = np.flatnonzero(np.bincount(codes, minlength=size)).tolist()
        counted = np.bincount(codes, minlength=size).tolist()
        sums = [sums_by(codes, size, values) for values in (amount, fee, gap)]
        for code in present:
            self.rows[code] += counted[code]
            for kept, found in zip((self.amount, self.fee, self.residual), sums, strict=True):
                kept[code] += found[code]
        first, last = int(columns["occurred_at"].min()), int(columns["occurred_at"].max())
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)

    def file(self, name: str, passed: Passed, form: str) -> InputFile:
        """The file by its content."""
        period = None
        if self.first is not None and self.last is not None:
            period = (iso(from_micros(self.first)), iso(from_micros(self.last)))
        return InputFile(
            name=name,
            digest=passed.digest,
            size=passed.size,
            format=form,
            rows=self.rows.total() + len(passed.rejects),
            unreadable=len(passed.rejects),
            totals=tuple(
                ControlTotal(CURRENCIES[code], self.rows[code], self.amount[code], self.fee[code],
                             self.residual[code])
                for code in sorted(self.rows)
            ),
            period=period,
        )  # fmt: skip


def block_batch(
    values: Values, layout: Layout, file: int, form: ExportFormat | None
) -> pa.RecordBatch:
    """A block as it is spilled: text as text, words with few values and numbers as they are; `form`
    is the format of an export."""
    columns: dict[str, Any] = {}
    for column in layout.columns:
        cells = values.columns[column.key]
        if column.role is Role.OPEN_WORD:
            assert form is not None
            columns["kind"] = pa.array(kind_codes(cells, form))
            cells = cells.dictionary_decode()
        text = column.role in (Role.TEXT, Role.OPEN_WORD)
        columns[column.key] = cells if text else pa.array(cells)
    columns["line"] = pa.array(values.lines)
    columns["file"] = pa.array(np.full(len(values.lines), file, np.int16))
    return pa.RecordBatch.from_pydict(columns)

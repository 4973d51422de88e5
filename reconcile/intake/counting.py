"""What the rows of a file come to, block by block: control totals that know nothing of matching."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from domain.clock import from_micros, iso
from domain.settlement import ControlTotal, InputFile
from reconcile.codes import CURRENCIES, sums_by
from reconcile.intake.columns import Values
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

    def add(self, values: Values) -> None:
        """Count a block."""
        columns = values.columns
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

    @property
    def total(self) -> int:
        """How many rows there were."""
        return self.rows.total()

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
            rows=self.total + len(passed.rejects),
            unreadable=len(passed.rejects),
            totals=tuple(
                ControlTotal(CURRENCIES[code], self.rows[code], self.amount[code], self.fee[code],
                             self.residual[code])
                for code in sorted(self.rows)
            ),
            period=period,
        )  # fmt: skip

"""Rows of files too large for memory, spilled into buckets by their id while they are read.

Rows of one id always lie in one bucket. A bucket is an Arrow file; of everything else only sums are
kept.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from domain.clock import from_micros, iso
from domain.settlement import ControlTotal, InputFile
from reconcile.codes import CURRENCIES, Ints, sums_by
from reconcile.intake.columns import Values
from reconcile.intake.layout import Layout, Role
from reconcile.intake.reading import Passed
from reconcile.intake.strings import Strings

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def bucket_of(text: Any, buckets: int) -> Ints:
    """The bucket of each string of an Arrow array: equal strings, equal buckets."""
    strings = Strings.of(text)
    if not len(strings.starts):
        return np.empty(0, np.int64)
    unused = (np.clip(8 - strings.lengths, 0, 7) * 8).astype(np.uint64)
    word = (strings.last_eight() >> unused) << unused
    word[strings.lengths == 0] = 0
    mixed = (word * _MULTIPLIER) >> np.uint64(33)
    return (mixed % np.uint64(buckets)).astype(np.int64)


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


class Spill:
    """Buckets being filled, and read back one by one."""

    def __init__(self, folder: Path, buckets: int, key: str, spare: str = "") -> None:
        """`key` names the column of the id; rows without one go by `spare`."""
        folder.mkdir()
        self._folder, self._buckets, self._key, self._spare = folder, buckets, key, spare
        self._writers: dict[int, Any] = {}

    def add(self, values: Values, layout: Layout, file: int) -> None:
        """Spill the rows of a block."""
        batch = _batch(values, layout, file)
        key = batch.column(self._key)
        homes = bucket_of(key, self._buckets)
        if self._spare:
            empty = np.flatnonzero(Strings.of(key).lengths == 0)
            homes[empty] = bucket_of(batch.column(self._spare), self._buckets)[empty]
        order = np.argsort(homes, kind="stable")
        bounds = np.searchsorted(homes[order], np.arange(self._buckets + 1))
        for bucket in range(self._buckets):
            rows = order[bounds[bucket] : bounds[bucket + 1]]
            if rows.size:
                part = batch.take(pa.array(rows))
                self._writer(bucket, part.schema).write_batch(part)

    def finish(self) -> None:
        """Close all buckets."""
        for writer in self._writers.values():
            writer.close()

    def read(self, bucket: int) -> Any:
        """One bucket as an Arrow table, None when it is empty."""
        place = self._place(bucket)
        if bucket not in self._writers:
            return None
        with pa.memory_map(str(place)) as source:
            return pa.ipc.open_stream(source).read_all()

    def _writer(self, bucket: int, schema: Any) -> Any:
        if bucket not in self._writers:
            self._writers[bucket] = pa.ipc.new_stream(str(self._place(bucket)), schema)
        return self._writers[bucket]

    def _place(self, bucket: int) -> Path:
        return self._folder / f"{bucket}.arrow"


def _batch(values: Values, layout: Layout, file: int) -> Any:
    """A block as an Arrow batch: text as text, words and numbers as they are."""
    columns: dict[str, Any] = {}
    for column in layout.columns:
        cells = values.columns[column.key]
        if column.role is Role.OPEN_WORD:
            cells = cells.dictionary_decode()
        columns[column.key] = (
            cells if column.role in (Role.TEXT, Role.OPEN_WORD) else pa.array(cells)
        )
    columns["line"] = pa.array(values.lines)
    columns["file"] = pa.array(np.full(len(values.lines), file, np.int16))
    return pa.RecordBatch.from_pydict(columns)

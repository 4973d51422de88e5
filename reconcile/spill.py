"""Rows too many for memory, spilled into buckets on disk by an id, and read back one by one.

Rows of one id always lie in one bucket. A bucket is an Arrow file; words with few values stand in
it as the codes of their frame.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from reconcile.codes import Ints
from reconcile.frames import CURRENCY, KIND, STATUS, TEXT, expected_frame, reported_frame
from reconcile.intake.strings import Strings
from reconcile.sides import chunked, words_of

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_WORDS = {"kind": KIND, "currency": CURRENCY, "status": STATUS}


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


class Spill:
    """Buckets being filled, and read back one by one."""

    def __init__(self, folder: Path, buckets: int, key: str, spare: str = "") -> None:
        """`key` names the column of the id; rows without one go by `spare`."""
        folder.mkdir()
        self._folder, self._buckets, self._key, self._spare = folder, buckets, key, spare
        self._writers: dict[int, Any] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Spill some rows; every batch has the same columns."""
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

    def read(self, bucket: int) -> pa.Table | None:
        """One bucket, None when it is empty."""
        if bucket not in self._writers:
            return None
        with pa.memory_map(str(self._place(bucket))) as source:
            return pa.ipc.open_stream(source).read_all().combine_chunks()

    def _writer(self, bucket: int, schema: Any) -> Any:
        if bucket not in self._writers:
            self._writers[bucket] = pa.ipc.new_stream(str(self._place(bucket)), schema)
        return self._writers[bucket]

    def _place(self, bucket: int) -> Path:
        return self._folder / f"{bucket}.arrow"


def batch_of(frame: pd.DataFrame, **more: Any) -> pa.RecordBatch:
    """The rows of a frame as they are spilled, with `more` columns as Arrow arrays."""
    columns = {str(name): _spilled(str(name), frame[name]) for name in frame.columns}
    return pa.RecordBatch.from_pydict(columns | more)


def _spilled(name: str, column: "pd.Series[Any]") -> Any:
    if name in _WORDS:
        return pa.array(column.cat.codes.to_numpy())
    if column.dtype == TEXT:
        return chunked(column).combine_chunks()
    return words_of(column) if name == "category" else pa.array(column.to_numpy())


def our_rows(table: pa.Table | None) -> pd.DataFrame:
    """The expected frame of a bucket."""
    if table is None:
        names = ("transaction_id", "payment_id", "kind", "provider_reference", "amount_minor",
                 "currency", "fee_minor", "status", "occurred_at")  # fmt: skip
        return expected_frame({name: [] for name in names})
    return expected_frame(_columns(table))


def their_rows(table: pa.Table | None) -> pd.DataFrame:
    """The reported frame of a bucket."""
    if table is None:
        names = ("reference", "kind", "amount_minor", "currency", "fee_minor", "occurred_at")
        return reported_frame({name: [] for name in names})
    category = table.column("category").combine_chunks().dictionary_encode()
    words = category.dictionary.to_pylist()
    codes = pd.Categorical.from_codes(np.asarray(category.indices), categories=words)
    return reported_frame(_columns(table) | {"category": pd.Series(codes)})


def _columns(table: pa.Table) -> dict[str, Any]:
    return {name: _column(name, table.column(name)) for name in table.column_names}


def _column(name: str, column: Any) -> Any:
    if name in _WORDS:
        return pd.Series(pd.Categorical.from_codes(np.asarray(column), dtype=_WORDS[name]))
    return column if pa.types.is_string(column.type) else np.asarray(column)

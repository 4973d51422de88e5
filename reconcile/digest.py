"""The sides of a run, named by their content.

The order of the rows and where they came from (which file, which line) do not count; every other
cell does.
"""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.codes import Ints
from reconcile.frames import EXPECTED_COLUMNS, REPORTED_COLUMNS, ints
from reconcile.intake.strings import Strings
from reconcile.sides import chunked, take

_EXPECTED = tuple(name for name in EXPECTED_COLUMNS if name != "line")
_REPORTED = tuple(name for name in REPORTED_COLUMNS if name not in ("file", "line"))


def digest_expected(frame: pd.DataFrame, since_micros: int | None = None) -> str:
    """SHA-256 over the rows of an expected frame, from an instant on, hex; equal for the same rows
    in any order."""
    return _digest(frame, _EXPECTED, since_micros)


def digest_reported(frame: pd.DataFrame, since_micros: int | None = None) -> str:
    """SHA-256 over the rows of a reported frame, from an instant on, hex; equal for the same rows
    in any order."""
    words = frame["category"].astype(str).astype("category")
    return _digest(frame.assign(category=words), _REPORTED, since_micros)


def _digest(frame: pd.DataFrame, names: tuple[str, ...], since_micros: int | None) -> str:
    """Column by column in the order of the rows: never all of them at once a second time."""
    rows = np.arange(len(frame))
    if since_micros is not None:
        rows = rows[ints(frame["occurred_at"]) >= since_micros]
    rows = _in_order(frame, names, rows)
    sha = hashlib.sha256(str(len(rows)).encode())
    for name in names:
        sha.update(name.encode())
        _add(sha, frame[name], rows)
    return sha.hexdigest()


def _in_order(frame: pd.DataFrame, names: tuple[str, ...], rows: Ints) -> Ints:
    """Rows by the first column, and by all others where it is the same."""
    keys = take(chunked(frame[names[0]]), rows).combine_chunks()
    order = pc.array_sort_indices(keys).to_numpy().astype(np.int64)
    rows, keys = rows[order], keys.take(pa.array(order))
    again = pc.equal(keys[1:], keys[:-1]).to_numpy(zero_copy_only=False)
    tied = np.flatnonzero(np.append(again, False) | np.insert(again, 0, False))
    if tied.size:
        rows[tied] = frame[list(names)].iloc[rows[tied]].sort_values(list(names)).index
    return rows


def _add(sha: Any, column: "pd.Series[Any]", rows: Ints) -> None:
    """Feed a column to the hash: numbers as 64-bit integers, text with the length of every cell."""
    if isinstance(column.dtype, np.dtype):
        sha.update(np.ascontiguousarray(column.to_numpy()[rows], "<i8"))
        return
    if isinstance(column.dtype, pd.CategoricalDtype):
        # Only words that occur count: the list of all currencies changes over the years.
        present = column.iloc[rows].cat.remove_unused_categories()
        sha.update("\n".join(str(word) for word in present.cat.categories).encode())
        sha.update(np.ascontiguousarray(present.cat.codes, "<i8"))
        return
    text = Strings.of(take(chunked(column), rows).combine_chunks())
    sha.update(np.ascontiguousarray(text.lengths, "<i8"))
    start = int(text.starts[0]) if len(text.starts) else 0
    sha.update(text.data[start : start + int(text.lengths.sum())])

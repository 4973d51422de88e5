"""The sides of a run, named by their content.

The order of the rows and where they came from (which file, which line) do not count; every other
cell does.
"""

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from reconcile.frames import EXPECTED_COLUMNS, REPORTED_COLUMNS
from reconcile.intake.strings import Strings
from reconcile.sides import chunked

_EXPECTED = tuple(name for name in EXPECTED_COLUMNS if name != "line")
_REPORTED = tuple(name for name in REPORTED_COLUMNS if name not in ("file", "line"))


def digest_expected(frame: pd.DataFrame) -> str:
    """SHA-256 over the rows of an expected frame, hex; equal for the same rows in any order."""
    return _digest(frame, _EXPECTED, "transaction_id")


def digest_reported(frame: pd.DataFrame) -> str:
    """SHA-256 over the rows of a reported frame, hex; equal for the same rows in any order."""
    return _digest(frame.assign(category=frame["category"].astype(str).astype("category")),
                   _REPORTED, "reference")  # fmt: skip


def _digest(frame: pd.DataFrame, names: tuple[str, ...], key: str) -> str:
    plain = frame[list(names)].sort_values(key, kind="stable")
    if bool(plain[key].duplicated().any()):
        plain = plain.sort_values(list(names), kind="stable")
    sha = hashlib.sha256(str(len(plain)).encode())
    for name in names:
        sha.update(name.encode())
        _add(sha, plain[name])
    return sha.hexdigest()


def _add(sha: Any, column: "pd.Series[Any]") -> None:
    """Feed a column to the hash: numbers as 64-bit integers, text with the length of every cell."""
    if isinstance(column.dtype, np.dtype):
        sha.update(np.ascontiguousarray(column.to_numpy(), "<i8"))
        return
    if isinstance(column.dtype, pd.CategoricalDtype):
        # Only words that occur count: the list of all currencies changes over the years.
        present = column.cat.remove_unused_categories()
        sha.update("\n".join(str(word) for word in present.cat.categories).encode())
        sha.update(np.ascontiguousarray(present.cat.codes, "<i8"))
        return
    text = Strings.of(chunked(column).combine_chunks())
    sha.update(np.ascontiguousarray(text.lengths, "<i8"))
    start = int(text.starts[0]) if len(text.starts) else 0
    sha.update(text.data[start : start + int(text.lengths.sum())])

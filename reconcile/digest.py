"""The sides of a run, named by their content.

The order of the rows, how they come in parts, and where they came from (which file, which line) do
not count; every other cell does.
"""

import hashlib
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.frames import EXPECTED_COLUMNS, REPORTED_COLUMNS, TEXT, ints
from reconcile.sides import some_rows, words_of

_EXPECTED = tuple(name for name in EXPECTED_COLUMNS if name != "line")
_REPORTED = tuple(name for name in REPORTED_COLUMNS if name not in ("file", "line"))
_STRETCH = 50_000
_ROW = np.dtype([("first", "<u8"), ("second", "<u8")])


def digest_expected(parts: Iterable[pd.DataFrame], since_micros: int | None = None) -> str:
    """SHA-256 over the rows of expected frames, from an instant on, hex; equal for the same rows
    in any order and in any parts."""
    return _digest(parts, _EXPECTED, since_micros)


def digest_reported(parts: Iterable[pd.DataFrame], since_micros: int | None = None) -> str:
    """SHA-256 over the rows of reported frames, from an instant on, hex; equal for the same rows
    in any order and in any parts."""
    return _digest(parts, _REPORTED, since_micros)


def _digest(parts: Iterable[pd.DataFrame], names: tuple[str, ...], since_micros: int | None) -> str:
    """Every row has a digest of its own; sorted, they are the digest of the whole."""
    found = [np.empty(0, _ROW)]
    for frame in parts:
        rows = np.arange(len(frame))
        if since_micros is not None:
            rows = rows[ints(frame["occurred_at"]) >= since_micros]
        for start, stop in pairwise([*range(0, len(rows), _STRETCH), len(rows)]):
            found.append(_rows(some_rows(frame, rows[start:stop]), names))
    every = np.concatenate(found)
    order = np.lexsort((every["second"], every["first"]))
    return hashlib.sha256(every[order].tobytes()).hexdigest()


def _rows(frame: pd.DataFrame, names: tuple[str, ...]) -> npt.NDArray[Any]:
    """The digest of every row: all of its cells, with the length of those that may be any text."""
    cells = [words_of(frame[name]) for name in names]
    lengths = [
        pc.binary_length(text).cast(pa.string())
        for name, text in zip(names, cells, strict=True)
        if frame[name].dtype == TEXT or name == "category"
    ]
    joined = pc.binary_join_element_wise(*cells, *lengths, "\x1f").cast(pa.binary())
    made = (hashlib.blake2b(row, digest_size=_ROW.itemsize).digest() for row in joined.to_pylist())
    return np.frombuffer(b"".join(made), _ROW)

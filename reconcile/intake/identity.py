"""Who a line is, so that each is kept once.

A line's identity is its id where the provider's ids name one line for good, else its content; among
lines that are alike in one file its number counts as well. So the same line in two files is one
line, and two equal lines in one file are two. An id that comes with other money is a line that was
changed: whichever money was there first, both are kept once, in whatever order files bring them.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.codes import CURRENCIES, Ints
from reconcile.hashing import Keys, Words

MONEY = ("amount_minor", "fee_minor", "currency")
"""What a line may not change once it was reported."""

_CONTENT = (
    "reference", "source", "parent", "category", "amount_minor", "currency", "fee_minor",
    "net_minor", "occurred_at",
)  # fmt: skip
_CURRENCIES = pa.array(CURRENCIES, pa.string())


class Identities:
    """Names the rows of one file, from its first to its last.

    Rows alike in content are alike in their id, so only the few whose id comes again are counted.
    """

    def __init__(self, hashes: Iterable[Words], *, unique: bool, stands: bool = False) -> None:
        """`hashes` are those of all ids of the file (`hashes_of`); for `unique` and `stands` see
        `ExportFormat`: what only stands in a balance is not the line that moved it."""
        every = np.concatenate([_NONE, *hashes])
        every.sort()
        self._again: Words = np.unique(every[1:][every[1:] == every[:-1]])
        self._names = ("reference",) if unique else _CONTENT
        self._before = "standing\x1f" if stands else ""
        self._counted: Counter[bytes] = Counter()

    def of(self, batch: pa.RecordBatch) -> list[str]:
        """The identity of each of the next rows, 32 hex digits; rows of one id and different money
        have the same one, see `as_taken_in`."""
        contents = _content(batch, self._names).to_pylist()
        numbers = ["0"] * len(contents)
        again = self._rows_to_count(batch)
        alike = _content(batch.take(pa.array(again)), (*self._names, *MONEY)).to_pylist()
        for row, text in zip(again.tolist(), alike, strict=True):
            content = _digest(text)
            numbers[row] = str(self._counted[content])
            self._counted[content] += 1
        return [
            _digest(f"{self._before}{content}\x1f{number}").hex()
            for content, number in zip(contents, numbers, strict=True)
        ]

    def _rows_to_count(self, batch: pa.RecordBatch) -> Ints:
        if not len(self._again):
            return np.empty(0, np.int64)
        return np.flatnonzero(np.isin(hashes_of(batch), self._again))


def hashes_of(batch: pa.RecordBatch) -> Words:
    """A hash of each row's id."""
    return Keys.of(pa.chunked_array([batch.column("reference")])).hashes


def changed_identity(row: Mapping[str, Any]) -> str:
    """The identity of a line that came with other money than before."""
    text = "\x1f".join(str(row[name]) for name in ("identity", *MONEY))
    return _digest(text).hex()


def as_taken_in(row: dict[str, Any], taken: dict[str, tuple[Any, ...]]) -> dict[str, Any] | None:
    """The row as it is kept after those that came before (identity -> money), None when it is
    one of them."""
    money = tuple(row[name] for name in MONEY)
    if taken.setdefault(row["identity"], money) is money:
        return row
    if taken[row["identity"]] == money:
        return None
    changed = row | {"identity": changed_identity(row)}
    return changed if taken.setdefault(changed["identity"], money) is money else None


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


_NONE = np.empty(0, np.uint64)


def _content(batch: pa.RecordBatch, names: Iterable[str]) -> Any:
    """The cells by which rows are told apart, as one text each."""
    return pc.binary_join_element_wise(*(_words(batch, name) for name in names), "\x1f")


def _words(batch: pa.RecordBatch, name: str) -> Any:
    column = batch.column(name)
    return _CURRENCIES.take(column) if name == "currency" else column.cast(pa.string())

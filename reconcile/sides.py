"""The two frames as plain arrays, the form in which rows are compared.

Text stays in Arrow and is looked at only where hashes agree.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.codes import ENDED, KIND_CODES, SUCCEEDED, Array, Bools, Ints
from reconcile.frames import TEXT, Expected, Reported, codes_of, ints

ADJUSTMENT, CONVERSION = KIND_CODES["adjustment"], KIND_CODES["conversion"]
STATUS, CURRENCY, AMOUNT, FEE, KIND = 1, 2, 4, 8, 16
FIELDS = {STATUS: "status", CURRENCY: "currency", AMOUNT: "amount", FEE: "fee", KIND: "kind"}
"""Bits of a difference, in the order in which a break is named."""

_PIECE = 1 << 15
"""Rows looked at together: temporary arrays of this size stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The expected side."""

    reference: Any
    """Arrow chunked strings: the provider's line id or source id as our ledger holds it."""
    payment: Any
    kind: Array
    currency: Array
    amount: Ints
    fee: Ints
    succeeded: Bools
    ended: Bools
    """Not succeeded, and nothing more will come of it."""
    at: Ints

    @classmethod
    def of(cls, expected: Expected) -> "Ours":
        """The arrays of an expected frame."""
        frame = expected.frame
        status = codes_of(frame["status"])
        return cls(
            chunked(frame["provider_reference"]),
            chunked(frame["payment_id"]),
            codes_of(frame["kind"]),
            codes_of(frame["currency"]),
            ints(frame["amount_minor"]),
            ints(frame["fee_minor"]),
            status == SUCCEEDED,
            np.isin(status, ENDED),
            ints(frame["occurred_at"]),
        )

    def __len__(self) -> int:
        return len(self.amount)


@dataclass(frozen=True, slots=True)
class Theirs:
    """The reported side."""

    reference: Any
    source: Any
    parent: Any
    ours: Any
    kind: Array
    """-1 where the provider's word is unknown."""
    currency: Array
    amount: Ints
    fee: Ints
    at: Ints
    place: Ints
    """File and line as one number: the last resort where an order is needed."""

    @classmethod
    def of(cls, reported: Reported) -> "Theirs":
        """The arrays of a reported frame."""
        frame = reported.frame
        return cls(
            chunked(frame["reference"]),
            chunked(frame["source"]),
            chunked(frame["parent"]),
            chunked(frame["ours"]),
            codes_of(frame["kind"]),
            codes_of(frame["currency"]),
            ints(frame["amount_minor"]),
            ints(frame["fee_minor"]),
            ints(frame["occurred_at"]),
            (ints(frame["file"]) << 40) + ints(frame["line"]),
        )

    def __len__(self) -> int:
        return len(self.amount)


def chunked(column: Any) -> Any:
    """The Arrow chunked array behind a text column."""
    found = pa.array(column, type=pa.string())
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def words_of(column: "pd.Series[Any]") -> Any:
    """A column's values as an Arrow array of what `str` says of them; nothing of a missing word."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pc.fill_null(pa.array(column.astype(str), pa.string()), "")
    return chunked(column) if column.dtype == TEXT else pa.array(column).cast(pa.string())


def take(column: Any, rows: Ints) -> Any:
    """Some rows of a chunked array, chunk by chunk: Arrow itself is slow where chunks are many."""
    if column.num_chunks < 2:
        return column.take(pa.array(rows))
    ends = np.cumsum([len(chunk) for chunk in column.chunks])
    homes = np.searchsorted(ends, rows, side="right")
    order = np.argsort(homes, kind="stable")
    bounds = np.searchsorted(homes[order], np.arange(len(ends) + 1))
    taken = [
        chunk.take(pa.array(rows[order[start:stop]] - (end - len(chunk))))
        for chunk, end, start, stop in zip(
            column.chunks, ends.tolist(), bounds[:-1].tolist(), bounds[1:].tolist(), strict=True
        )
        if stop > start
    ]
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    gathered = pa.chunked_array(taken, column.type).combine_chunks()
    if not isinstance(gathered, pa.ChunkedArray):
        gathered = pa.chunked_array([gathered])
    return gathered.take(pa.array(back))


def some_rows(frame: pd.DataFrame, rows: Ints) -> pd.DataFrame:
    """Some rows of a frame, numbered from 0."""
    return pd.DataFrame(
        {
            name: pd.arrays.ArrowExtensionArray(take(chunked(frame[name]), rows))
            if frame[name].dtype == TEXT
            else frame[name].array.take(rows)
            for name in frame.columns
        },
        copy=False,
    )


def differences(ours: Ours, theirs: Theirs, e: Ints, r: Ints) -> Array:
    """Bits of `FIELDS` in which the pairs (e[i], r[i]) differ; 0 is agreement.

    A reported `adjustment` is the provider's word for what it does not say more precisely, so it
    does not contradict our kind.
    """
    found = np.zeros(len(e), np.int8)
    for start in range(0, len(e), _PIECE):
        piece = slice(start, start + _PIECE)
        mine, other = e[piece], r[piece]
        kinds = theirs.kind[other]
        contradicts = (ours.kind[mine] != kinds) & (kinds != ADJUSTMENT)
        # An adjustment of ours is what a person booked for a line we have no closer word for.
        contradicts &= (ours.kind[mine] != ADJUSTMENT) | ((kinds >= 0) & (kinds != CONVERSION))
        for bit, differs in (
            (STATUS, ~ours.succeeded[mine]),
            (CURRENCY, ours.currency[mine] != theirs.currency[other]),
            (AMOUNT, ours.amount[mine] != theirs.amount[other]),
            (FEE, ours.fee[mine] != theirs.fee[other]),
            (KIND, contradicts),
        ):
            found[piece] |= differs.view(np.int8) * np.int8(bit)
    return found

"""The two frames a comparison takes, expected (our ledger) and reported (the provider's files).

Money is int64 minor units, instants are int64 microseconds since 1970 UTC, text is Arrow-backed,
words with few values are categories. No column may ever turn into a float.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.settlement import ControlTotal, InputFile, Reject
from reconcile.codes import CURRENCIES, KINDS, STATUSES, Array, Ints, sums_by

TEXT = pd.ArrowDtype(pa.string())
KIND = pd.CategoricalDtype(list(KINDS))
STATUS = pd.CategoricalDtype(list(STATUSES))
CURRENCY = pd.CategoricalDtype(list(CURRENCIES))

EXPECTED_COLUMNS: Mapping[str, Any] = {
    "transaction_id": TEXT,
    "payment_id": TEXT,
    "kind": KIND,
    "provider_reference": TEXT,
    "amount_minor": np.dtype("int64"),
    "currency": CURRENCY,
    "fee_minor": np.dtype("int64"),
    "status": STATUS,
    "occurred_at": np.dtype("int64"),
    "line": np.dtype("int64"),
}
"""Columns of an expected frame; `line` is the ledger file's line, 0 for a database."""

REPORTED_COLUMNS: Mapping[str, Any] = {
    "reference": TEXT,
    "source": TEXT,
    "parent": TEXT,
    "ours": TEXT,
    "payout": TEXT,
    "bank_reference": TEXT,
    "category": "category",
    "kind": KIND,
    "amount_minor": np.dtype("int64"),
    "currency": CURRENCY,
    "fee_minor": np.dtype("int64"),
    "net_minor": np.dtype("int64"),
    "occurred_at": np.dtype("int64"),
    "file": np.dtype("int16"),
    "line": np.dtype("int64"),
}
"""Columns of a reported frame. `reference` is the provider's id of the line, `source` of what moved
(charge, refund, dispute, payout), `parent` of what that belongs to (a refund's charge), `ours` our
payment's id as the provider echoes it, `payout` the payout that carried the line. `kind` is missing
where the provider's word (`category`) is unknown; `file` counts the input files from 0."""

_MAY_BE_EMPTY = ("source", "parent", "ours", "payout", "bank_reference")

Control = dict[str, tuple[int, int, int]]
"""Currency -> (rows, amount_minor, fee_minor); "" holds the unreadable rows."""

Frames = Callable[[], Iterable[pd.DataFrame]]
"""The rows of one side in parts, which may be gone through again and again."""

Known = Callable[[Collection[str]], Mapping[str, str]]
"""Those of some provider references that our ledger holds -> payment id, which may be empty."""


def nothing(names: Collection[str]) -> Mapping[str, str]:
    """Our ledger holds nothing but the frame."""
    return {}


class Texts(Protocol):
    """Something that knows the provider's own text of a row."""

    def read(self, rows: Iterable[tuple[int, int, str]]) -> dict[tuple[int, int], str]:
        """Text by (file, line) for rows given as (file, line, reference)."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Our side: the ledger rows, what could not be read, and control totals taken while reading."""

    frame: pd.DataFrame
    """Columns `EXPECTED_COLUMNS`, index 0..n-1."""
    rejects: tuple[Reject, ...] = ()
    file: InputFile | None = None
    """The ledger file; None when the rows came from a database."""
    control: Control = field(default_factory=dict)
    known: Known = field(default=nothing)
    """Asked of provider references that are not in the frame."""

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "Expected":
        """Wrap a frame that came from elsewhere, with control totals of its own."""
        return cls(frame, control=control_of(frame))


@dataclass(frozen=True, slots=True)
class Reported:
    """Their side: the rows of all files, what could not be read, and the files themselves."""

    frame: pd.DataFrame
    """Columns `REPORTED_COLUMNS`, index 0..n-1."""
    files: tuple[InputFile, ...] = ()
    rejects: tuple[Reject, ...] = ()
    control: Control = field(default_factory=dict)
    texts: Texts | None = None
    """Reads descriptions again where they are wanted."""

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "Reported":
        """Wrap a frame that came from elsewhere, with control totals of its own."""
        return cls(frame, control=control_of(frame))


def expected_frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """An expected frame from plain columns: lists, Arrow arrays or Series; `line` may be left out.

    Raises:
        ValueError: a column is missing, a word is unknown, or money is not whole numbers.
    """
    return _frame({"line": np.zeros(len(columns["kind"]), np.int64), **columns}, EXPECTED_COLUMNS)


def expected_of_stretches(stretches: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """An expected frame from columns that come in stretches: never all rows as single values."""
    return _joined([expected_frame(columns) for columns in stretches], EXPECTED_COLUMNS)


def joined_reported(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One reported frame of several, in their order."""
    return _joined(frames, REPORTED_COLUMNS)


def _joined(frames: Sequence[pd.DataFrame], contract: Mapping[str, Any]) -> pd.DataFrame:
    if not frames:
        return _frame({name: [] for name in contract}, contract)
    joined: pd.DataFrame = pd.concat(frames, ignore_index=True)
    return joined


def reported_frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """A reported frame from plain columns; only reference, kind, amount_minor,
    currency, fee_minor and occurred_at must be there.

    Raises:
        ValueError: see `expected_frame`; a `kind` of None is allowed and means an unknown word.
    """
    size = len(columns["kind"])
    filled: dict[str, Any] = {
        "file": np.zeros(size, np.int16),
        "line": np.zeros(size, np.int64),
        "category": columns["kind"],
        **{name: [""] * size for name in _MAY_BE_EMPTY},
        **columns,
    }
    if "net_minor" not in filled:
        filled["net_minor"] = np.asarray(columns["amount_minor"]) - np.asarray(columns["fee_minor"])
    return _frame(filled, REPORTED_COLUMNS)


def control_of(frame: pd.DataFrame) -> Control:
    """Rows, amounts and fees of a frame by currency, in exact integers."""
    codes, size = codes_of(frame["currency"]), len(CURRENCY.categories)
    rows = np.bincount(codes, minlength=size)
    amounts = sums_by(codes, size, ints(frame["amount_minor"]))
    fees = sums_by(codes, size, ints(frame["fee_minor"]))
    return {
        CURRENCY.categories[code]: (int(rows[code]), amounts[code], fees[code])
        for code in np.flatnonzero(rows).tolist()
    }


def add_control(first: Control, second: Control) -> Control:
    """The control totals of two parts together."""
    found = dict(first)
    for currency, figures in second.items():
        rows, amount, fee = found.get(currency, (0, 0, 0))
        found[currency] = (rows + figures[0], amount + figures[1], fee + figures[2])
    return found


def control_from(totals: Iterable[ControlTotal], unreadable: int) -> Control:
    """The control totals of files, summed, in the shape `domain.run.check_ties` takes."""
    found: Control = {"": (unreadable, 0, 0)} if unreadable else {}
    for total in totals:
        figures = (total.rows, total.amount_minor, total.fee_minor)
        found = add_control(found, {total.currency: figures})
    return found


def ints(column: "pd.Series[Any]") -> Ints:
    """The column as int64, without a copy where it already is."""
    return column.to_numpy(dtype=np.int64)


def codes_of(column: "pd.Series[Any]") -> Array:
    """The small integers behind a category column; -1 is missing."""
    return np.asarray(column.cat.codes)


def _frame(columns: Mapping[str, Any], contract: Mapping[str, Any]) -> pd.DataFrame:
    absent = [name for name in contract if name not in columns]
    if absent:
        raise ValueError(f"columns missing: {', '.join(absent)}")
    return pd.DataFrame(
        {name: _series(name, columns[name], dtype) for name, dtype in contract.items()}
    )


def _series(name: str, values: Any, dtype: Any) -> "pd.Series[Any]":
    if isinstance(values, pd.Series):
        values = values.reset_index(drop=True)
    elif isinstance(values, pa.DictionaryArray) and isinstance(dtype, pd.CategoricalDtype):
        places = dtype.categories.get_indexer(values.dictionary.to_pylist())
        codes = places[values.indices.to_numpy()]
        values = pd.Series(pd.Categorical.from_codes(codes, dtype=dtype))
    elif isinstance(values, pa.Array | pa.ChunkedArray):
        values = values.to_pandas() if dtype is not TEXT else pd.arrays.ArrowExtensionArray(values)
    elif isinstance(dtype, np.dtype):
        values = np.asarray(values) if len(values) else np.asarray(values, dtype)
    if isinstance(dtype, np.dtype):
        if not pd.api.types.is_integer_dtype(values):
            raise ValueError(f"{name} must hold whole numbers")
        return pd.Series(values).astype(dtype)
    series = pd.Series(values, dtype=None if isinstance(values, pd.Series) else dtype)
    series = series.astype(dtype)
    allowed_missing = name in ("kind", "category") and "category" in str(dtype)
    if not allowed_missing and bool(series.isna().any()):
        raise ValueError(f"{name} has missing or unknown values")
    return series

"""Lines by the payout that carried them: sums where the provider names it of each line, and the
loose lines where it does not.

A line that repeats another in everything counts once: money moves once.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from domain.payout import PayoutPart
from domain.settlement import LineKind
from reconcile.codes import KIND_CODES, KINDS, Array, Bools, Ints, sums_by
from reconcile.frames import codes_of, ints
from reconcile.sides import chunked, take

_NAMES = (*KINDS, "unknown")
_SAME = ("reference", "category", "amount_minor", "fee_minor", "currency", "occurred_at")

Parts = tuple[PayoutPart, ...]


def payout_rows(frame: pd.DataFrame) -> Ints:
    """Rows of a reported frame that are payouts or bring one back."""
    return np.flatnonzero(codes_of(frame["kind"]) == KIND_CODES[LineKind.PAYOUT.value])


def stated_parts(frame: pd.DataFrame, own: Mapping[int, tuple[str, ...]]) -> dict[str, Parts]:
    """What each payout paid, by its name, as far as lines of a reported frame name one.

    `own` are the names that payout rows go by: a payout is not its own line.
    """
    payouts = chunked(frame["payout"])
    mask = _money(frame) & _filled(payouts)
    for row, names in own.items():
        mask[row] &= payouts[row].as_py() not in names
    rows = np.flatnonzero(mask)
    rows = rows[~_repeats(frame, rows, ("payout", *_SAME))]
    if not rows.size:
        return {}
    encoded = take(payouts, rows).dictionary_encode().combine_chunks()
    codes = encoded.indices.to_numpy().astype(np.int64) * len(_NAMES) + _kinds(frame, rows)
    names = encoded.dictionary.to_pylist()
    found: dict[str, Parts] = {}
    for code, part in _parts(frame, rows, codes, len(names) * len(_NAMES)).items():
        name = names[code // len(_NAMES)]
        found[name] = (*found.get(name, ()), part)
    return found


class Loose:
    """Lines that no payout is named for, and which of them one has taken by now.

    Rows are those of the reported frame; payouts stand among them, for one whose lines nobody knows
    leaves the balance less by itself.
    """

    def __init__(self, frame: pd.DataFrame, payouts: Ints, returns: list[int]) -> None:
        """`returns` are the payout rows that bring one back."""
        mask = _money(frame) & ~_filled(chunked(frame["payout"]))
        mask[payouts] = False
        rows = np.flatnonzero(mask)
        rows = rows[~_repeats(frame, rows, _SAME)]
        self._frame = frame
        self._free = np.zeros(len(frame), bool)
        self._free[rows] = True
        self._free[returns] = True
        self._currency = codes_of(frame["currency"])
        self._at = ints(frame["occurred_at"])

    def before(self, row: int) -> Ints:
        """Free rows in the currency of a payout, up to its time."""
        same = self._free & (self._currency == self._currency[row])
        return np.flatnonzero(same & (self._at <= self._at[row]))

    def values(self, rows: Ints) -> list[int]:
        """What rows come to net of their fees."""
        amounts, fees = ints(self._frame["amount_minor"]), ints(self._frame["fee_minor"])
        return [int(value) for value in (amounts[rows] - fees[rows])]

    def in_order(self, rows: Ints) -> Ints:
        """Rows in an order that depends on their contents alone; for a few of them."""
        names = ["occurred_at", "reference", "amount_minor", "fee_minor"]
        plain = self._frame[names].iloc[rows].astype(object)
        order = sorted(zip(*(plain[name] for name in names), rows.tolist(), strict=True))
        return np.array([cells[-1] for cells in order], np.int64)

    def take(self, rows: Ints) -> Parts:
        """Give rows to a payout: what they come to."""
        self._free[rows] = False
        return tuple(_parts(self._frame, rows, _kinds(self._frame, rows), len(_NAMES)).values())

    def add(self, row: int) -> None:
        """A payout that took nobody knows what: the next one pays that less."""
        self._free[row] = True


def _parts(frame: pd.DataFrame, rows: Ints, codes: Ints, size: int) -> dict[int, PayoutPart]:
    """Sums of rows by code, codes in order; a code's kind is its rest by the number of kinds."""
    counts = np.bincount(codes, minlength=size)
    amounts = sums_by(codes, size, ints(frame["amount_minor"])[rows])
    fees = sums_by(codes, size, ints(frame["fee_minor"])[rows])
    return {
        code: PayoutPart(_NAMES[code % len(_NAMES)], int(counts[code]), amounts[code], fees[code])
        for code in np.flatnonzero(counts).tolist()
    }


def _money(frame: pd.DataFrame) -> Bools:
    """Rows that are money; a memo is none."""
    found: Bools = codes_of(frame["kind"]) != KIND_CODES[LineKind.MEMO.value]
    return found


def _kinds(frame: pd.DataFrame, rows: Ints) -> Array:
    """Places in `_NAMES`."""
    kinds = codes_of(frame["kind"])[rows].astype(np.int64)
    return np.where(kinds < 0, len(KINDS), kinds)


def _filled(column: Any) -> Bools:
    found: Bools = pc.not_equal(column, "").to_numpy()
    return found


def _repeats(frame: pd.DataFrame, rows: Ints, names: tuple[str, ...]) -> Bools:
    """Which rows repeat an earlier one in all these columns; only where references do."""
    found = np.zeros(len(rows), bool)
    twice = np.flatnonzero(frame["reference"].iloc[rows].duplicated(keep=False).to_numpy())
    if twice.size:
        found[twice] = frame[list(names)].iloc[rows[twice]].duplicated().to_numpy()
    return found

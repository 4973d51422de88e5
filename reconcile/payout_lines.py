"""Lines by the payout that carried them: sums where the provider names it of each line, and the
loose lines where it does not.

A line that repeats another in everything counts once: money moves once. Lines come in parts; only
sums are kept of them, and the loose ones themselves while they are few enough to be searched.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from domain.payout import PayoutPart
from domain.settlement import LineKind
from reconcile.codes import CURRENCY_CODES, KIND_CODES, KINDS, Array, Bools, Ints, sums_by
from reconcile.frames import CURRENCY, TEXT, Frames, codes_of, ints
from reconcile.hashing import Keys, Words
from reconcile.sides import chunked, some_rows, take, words_of
from reconcile.sums import SEARCH_MAX

_NAMES = (*KINDS, "unknown")
_PAYOUT = KIND_CODES[LineKind.PAYOUT.value]
_SAME = ("payout", "reference", "category", "amount_minor", "fee_minor", "currency", "occurred_at")
_COLUMNS = (*_SAME, "source", "kind")


class Line(NamedTuple):
    """One loose line, in the order of its contents; minor units."""

    occurred_at: int
    reference: str
    amount_minor: int
    fee_minor: int
    kind: int
    """Position in `LineKind`, the one behind the last for a word nobody knows."""
    currency: str


@dataclass(slots=True)
class Parts:
    """What lines come to, by kind."""

    sums: dict[int, list[int]] = field(default_factory=dict)
    """Kind -> rows, amount, fee."""

    def add(self, kind: int, rows: int, amount: int, fee: int) -> None:
        """Count lines of one kind."""
        held = self.sums.setdefault(kind, [0, 0, 0])
        for place, value in enumerate((rows, amount, fee)):
            held[place] += value

    def add_all(self, other: "Parts") -> None:
        """Count what another holds."""
        for kind, figures in other.sums.items():
            self.add(kind, *figures)

    def told(self) -> tuple[PayoutPart, ...]:
        """The parts in the order of their kinds."""
        counted = sorted(kind for kind, figures in self.sums.items() if figures[0])
        return tuple(PayoutPart(_NAMES[kind], *self.sums[kind]) for kind in counted)


def payout_rows(frame: pd.DataFrame) -> Ints:
    """Rows of a reported frame that are payouts or bring one back."""
    return np.flatnonzero(codes_of(frame["kind"]) == _PAYOUT)


def line_of(row: Mapping[str, Any]) -> Line:
    """A payout, or the line that brings one back, as a line that another payout may hold."""
    names = ("occurred_at", "reference", "amount_minor", "fee_minor")
    at, reference, amount, fee = (row[name] for name in names)
    return Line(at, reference, amount, fee, _PAYOUT, row["currency"])


def money_parts(parts: Frames) -> Iterator[pd.DataFrame]:
    """The lines of a reported side that are money, each once, in parts.

    Lines that repeat each other may lie in different parts, so the few whose references occur again
    are set aside, and come last.
    """
    hashes = [Keys.of(chunked(part["reference"])).hashes[_money(part)] for part in parts()]
    again = _repeated(np.concatenate([np.empty(0, np.uint64), *hashes]))
    aside = []
    for part, named in zip(parts(), hashes, strict=True):
        rows = np.flatnonzero(_money(part))
        twice = np.isin(named, again) if again.size else np.zeros(len(rows), bool)
        if twice.any():
            aside.append(_as_text(some_rows(part[list(_COLUMNS)], rows[twice])))
        yield some_rows(part[list(_COLUMNS)], rows[~twice])
    if aside:
        joined = pd.concat(aside).sort_values([*_SAME, "kind"], ignore_index=True)
        yield joined[~joined.duplicated(list(_SAME))].reset_index(drop=True)


def _repeated(hashes: Words) -> Words:
    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Parts know different words; as text they can be joined."""
    words = words_of(frame["category"])
    return frame.assign(category=pd.Series(pd.arrays.ArrowExtensionArray(words), dtype=TEXT))


def stated_parts(frame: pd.DataFrame) -> dict[str, Parts]:
    """What each payout paid, by its name, as far as lines of a part name one.

    A payout is not its own line.
    """
    payouts = chunked(frame["payout"])
    mask = _filled(payouts)
    for row in payout_rows(frame).tolist():
        names = (frame["source"].iloc[row], frame["reference"].iloc[row])
        mask[row] &= frame["payout"].iloc[row] not in names
    rows = np.flatnonzero(mask)
    if not rows.size:
        return {}
    encoded = take(payouts, rows).dictionary_encode().combine_chunks()
    names = encoded.dictionary.to_pylist()
    return {
        names[place]: parts
        for place, parts in _sums(frame, rows, encoded.indices.to_numpy(), len(names)).items()
    }


def _sums(frame: pd.DataFrame, rows: Ints, places: Array, size: int) -> dict[int, Parts]:
    """What rows come to, by places (0..size-1), one for each row."""
    width = len(_NAMES)
    codes = places.astype(np.int64) * width + _kinds(frame, rows)
    counts = np.bincount(codes, minlength=size * width)
    amounts = sums_by(codes, size * width, ints(frame["amount_minor"])[rows])
    fees = sums_by(codes, size * width, ints(frame["fee_minor"])[rows])
    found: dict[int, Parts] = {}
    for code in np.flatnonzero(counts).tolist():
        parts = found.setdefault(code // width, Parts())
        parts.add(code % width, int(counts[code]), amounts[code], fees[code])
    return found


@dataclass(slots=True)
class _Heap:
    """The loose lines of a currency between two payouts."""

    count: int = 0
    parts: Parts = field(default_factory=Parts)
    lines: list[Line] = field(default_factory=list)
    """None of them where there are more than can be searched."""

    def put(self, lines: Iterable[Line]) -> None:
        """Add single lines."""
        for line in lines:
            self.count += 1
            self.parts.add(line.kind, 1, line.amount_minor, line.fee_minor)
            self.lines.append(line)
        self.thin()

    def pour(self, count: int, parts: Parts) -> None:
        """Add lines of which only the sums are kept."""
        self.count += count
        self.parts.add_all(parts)
        self.thin()

    def thin(self) -> None:
        if self.count > SEARCH_MAX:
            self.lines.clear()


class Loose:
    """Lines that no payout is named for, and which of them one has taken by now.

    Payouts stand among them: one that came back, and one whose lines nobody knows, which leaves the
    balance less by itself.
    """

    def __init__(self, payouts: Iterable[Mapping[str, Any]], returns: Iterable[Line]) -> None:
        """`payouts` are the rows of the payouts, `returns` the lines that bring one back."""
        instants: dict[str, set[int]] = {}
        for row in payouts:
            instants.setdefault(row["currency"], set()).add(row["occurred_at"])
        self._instants = {code: sorted(found) for code, found in instants.items()}
        self._heaps = {code: [_Heap() for _ in found] for code, found in instants.items()}
        for line in returns:
            self.add(line)

    def add_lines(self, frame: pd.DataFrame) -> None:
        """Add the loose lines of a part; those after the last payout belong to none."""
        free = ~_filled(chunked(frame["payout"]))
        free[payout_rows(frame)] = False
        currencies, at = codes_of(frame["currency"]), ints(frame["occurred_at"])
        for code, instants in self._instants.items():
            rows = np.flatnonzero(free & (currencies == CURRENCY_CODES[code]))
            places = np.searchsorted(np.array(instants), at[rows], side="left")
            rows, places = rows[places < len(instants)], places[places < len(instants)]
            if rows.size:
                self._add(code, frame, rows, places)

    def _add(self, code: str, frame: pd.DataFrame, rows: Ints, places: Ints) -> None:
        heaps = self._heaps[code]
        counts = np.bincount(places, minlength=len(heaps))
        room = np.array([SEARCH_MAX - heap.count for heap in heaps])
        for place, parts in _sums(frame, rows, places, len(heaps)).items():
            if counts[place] <= room[place]:
                heaps[place].put(_lines(frame, rows[places == place]))
            else:
                heaps[place].pour(int(counts[place]), parts)

    def add(self, line: Line) -> None:
        """Add one line."""
        place = bisect_left(self._instants.get(line.currency, []), line.occurred_at)
        if place < len(self._heaps.get(line.currency, [])):
            self._heaps[line.currency][place].put([line])

    def count(self, currency: str, at: int) -> int:
        """How many free lines there are up to the instant of a payout."""
        return sum(heap.count for heap in self._before(currency, at))

    def before(self, currency: str, at: int) -> list[Line]:
        """The free lines up to the instant of a payout, in the order of their contents; only where
        they can be searched."""
        return sorted(line for heap in self._before(currency, at) for line in heap.lines)

    def take(self, lines: Iterable[Line]) -> Parts:
        """Give lines to a payout: what they come to."""
        taken = _Heap()
        for line in lines:
            taken.put([line])
            place = bisect_left(self._instants[line.currency], line.occurred_at)
            heap = self._heaps[line.currency][place]
            heap.lines.remove(line)
            heap.count -= 1
            heap.parts.add(line.kind, -1, -line.amount_minor, -line.fee_minor)
        return taken.parts

    def sweep(self, currency: str, at: int) -> Parts:
        """Give all free lines up to the instant of a payout to it: what they come to."""
        taken = Parts()
        for heap in self._before(currency, at):
            taken.add_all(heap.parts)
            heap.count, heap.parts = 0, Parts()
            heap.lines.clear()
        return taken

    def _before(self, currency: str, at: int) -> list[_Heap]:
        return self._heaps[currency][: bisect_left(self._instants[currency], at) + 1]


def _lines(frame: pd.DataFrame, rows: Ints) -> list[Line]:
    part = some_rows(frame, rows)
    columns = [part[name].tolist() for name in ("occurred_at", "reference", "amount_minor")]
    fees, kinds = part["fee_minor"].tolist(), _kinds(frame, rows).tolist()
    words = [CURRENCY.categories[code] for code in codes_of(part["currency"])]
    return [Line(*cells) for cells in zip(*columns, fees, kinds, words, strict=True)]


def _money(frame: pd.DataFrame) -> Bools:
    """Rows that are money; a memo is none."""
    found: Bools = codes_of(frame["kind"]) != KIND_CODES[LineKind.MEMO.value]
    return found


def _kinds(frame: pd.DataFrame, rows: Ints) -> Array:
    """Places in `_NAMES`."""
    kinds = codes_of(frame["kind"])[rows].astype(np.int64)
    return np.where(kinds < 0, len(KINDS), kinds)


def _filled(column: Any) -> Bools:
    found: Bools = np.array(pc.not_equal(column, ""), dtype=bool)
    return found

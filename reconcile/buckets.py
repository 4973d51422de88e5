"""Comparing more rows than fit into memory: bucket by bucket, and what is left over all at once.

Within a bucket lie all rows of one id, so rows that agree under a unique id are settled there. What
is left, and every row that shares an id with it, is compared together by the ordinary comparison,
which then sees all there is to know about it. The result is the one of a single comparison.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.buckets import Bucket
from domain.run import BucketTotal, check_ties
from domain.settlement import ExportFormat, LineKind
from reconcile.classify import coverage
from reconcile.codes import CURRENCIES, KIND_CODES, Array, Ints, sums_by
from reconcile.compare import compare
from reconcile.comparison import Comparison
from reconcile.frames import (
    CURRENCY,
    KIND,
    STATUS,
    Control,
    Expected,
    Reported,
    expected_frame,
    reported_frame,
)
from reconcile.intake.spilling import Spill
from reconcile.pairing import is_in, pair_plainly
from reconcile.rules import PASSES, Rules
from reconcile.sides import Ours, Theirs, chunked, some_rows

_OPTIONAL = ("source", "parent", "ours", "payout", "bank_reference")


@dataclass(slots=True)
class Settled:
    """Rows that agree and that nothing left over can be about."""

    rows: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    """(side, currency code) -> rows, amount, fee."""
    passes: Array = field(default_factory=lambda: np.zeros(len(PASSES), np.int64))

    def add(self, side: str, currency: Array, amount: Ints, fee: Ints) -> None:
        """Count rows of one side."""
        size = len(CURRENCIES)
        counts = np.bincount(currency, minlength=size)
        sums = sums_by(currency, size, amount), sums_by(currency, size, fee)
        for code in np.flatnonzero(counts).tolist():
            kept = self.rows.setdefault((side, code), [0, 0, 0])
            for place, value in enumerate((int(counts[code]), sums[0][code], sums[1][code])):
                kept[place] += value


@dataclass(frozen=True)
class Bucketed:
    """The outcome; shaped like a comparison as far as results are concerned."""

    left: Comparison
    """What was left over, compared all at once."""
    totals: tuple[BucketTotal, ...]
    matches: tuple[tuple[str, int], ...]

    @property
    def breaks(self) -> pd.DataFrame:
        """The breaks with the columns of the breaks CSV."""
        return self.left.breaks

    @property
    def break_counts(self) -> tuple[tuple[Bucket, int], ...]:
        """Breaks by kind."""
        return self.left.break_counts


@dataclass(frozen=True, slots=True)
class Piles:
    """Both sides in buckets, and what was said of them while they were read."""

    ours: Spill
    theirs: Spill
    buckets: int
    forms: Sequence[ExportFormat]
    """Format of each export file."""
    by: str
    """The pass whose id decided the bucket, so that only its pairs are proven there."""
    expected: Expected
    """Without rows: file, rejects, control totals."""
    reported: Reported


def compare_piles(piles: Piles, rules: Rules) -> Bucketed:
    """Compare both sides bucket by bucket; `rules` have no period.

    Raises:
        IntegrityError: the buckets do not sum to the control totals, which is our bug.
    """
    pairs = [_agreeing(piles, bucket, rules) for bucket in range(piles.buckets)]
    wanted = _names(piles, pairs)
    settled, ours, theirs = Settled(), [], []
    covered: set[LineKind] = set()
    for bucket, (e, r, step) in enumerate(pairs):
        mine, other = _sides(piles, bucket)
        covered |= coverage(Theirs.of(Reported(other))) if len(other) else set()
        keep = _related(mine, other, e, r, wanted)
        e, r, step = e[~keep], r[~keep], step[~keep]
        _count(settled, "expected", mine, e)
        _count(settled, "reported", other, r)
        settled.passes += np.bincount(step, minlength=len(PASSES))
        ours.append(some_rows(mine, _others(len(mine), e)))
        theirs.append(some_rows(other, _others(len(other), r)))
    by_line, by_source = (int(settled.passes[PASSES.index(n)]) for n in PASSES[:2])
    left = compare(
        Expected(_joined(ours), piles.expected.rejects, piles.expected.file,
                 _rest(piles.expected.control, settled, "expected")),
        Reported(_joined(theirs), piles.reported.files, piles.reported.rejects,
                 _rest(piles.reported.control, settled, "reported"), piles.reported.texts),
        _covering(rules, covered),
        by_source=by_source > by_line,
    )  # fmt: skip
    return Bucketed(left, _totals(left, settled, piles), _matches(left, settled))


def _covering(rules: Rules, covered: set[LineKind]) -> Rules:
    """Which kinds the files hold is told by all of their rows, not by what is left over."""
    if rules.covered is not None or not covered:
        return rules
    return replace(rules, covered=frozenset(covered))


def _agreeing(piles: Piles, bucket: int, rules: Rules) -> tuple[Ints, Ints, Array]:
    """Pairs of one bucket that agree under an id that is unique on both sides."""
    mine, other = _sides(piles, bucket)
    ours, theirs = Ours.of(Expected(mine)), Theirs.of(Reported(other))
    found = pair_plainly(ours, theirs).pairs
    agree = (found.fields == 0) & (found.step == PASSES.index(piles.by))
    agree &= theirs.kind[found.r] != KIND_CODES[LineKind.MEMO.value]
    apart = np.abs(ours.at[found.e] - theirs.at[found.r])
    agree &= apart <= rules.dates_apart_micros
    return found.e[agree], found.r[agree], found.step[agree]


def _names(piles: Piles, pairs: Sequence[tuple[Ints, Ints, Array]]) -> Any:
    """Every id that a row left over goes by or belongs to."""
    found: list[Any] = []
    for bucket, (e, r, _) in enumerate(pairs):
        mine, other = _sides(piles, bucket)
        columns = [(mine, _others(len(mine), e), ("provider_reference",)),
                   (other, _others(len(other), r), ("reference", "source", "parent"))]  # fmt: skip
        for frame, rows, names in columns:
            part = some_rows(frame, rows)
            found += [pc.unique(chunked(part[name])) for name in names]
    every = pc.unique(pa.chunked_array(found, pa.string()))
    return every.filter(pc.not_equal(every, ""))


def _related(
    mine: pd.DataFrame, other: pd.DataFrame, e: Ints, r: Ints, wanted: Any
) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Which agreeing pairs share an id with what is left over."""
    keep = np.zeros(len(e), bool)
    for frame, rows, names in ((mine, e, ("provider_reference",)),
                               (other, r, ("reference", "source", "parent"))):  # fmt: skip
        for name in names:
            keep |= is_in(chunked(frame[name]), wanted)[rows]
    return keep


def _sides(piles: Piles, bucket: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    return _ours(piles.ours.read(bucket)), _theirs(piles.theirs.read(bucket), piles.forms)


def no_rows_of_ours() -> pd.DataFrame:
    """An expected frame without rows."""
    names = ("transaction_id", "payment_id", "kind", "provider_reference", "amount_minor",
             "currency", "fee_minor", "status", "occurred_at")  # fmt: skip
    return expected_frame({name: [] for name in names})


def no_rows_of_theirs() -> pd.DataFrame:
    """A reported frame without rows."""
    names = ("reference", "kind", "amount_minor", "currency", "fee_minor", "occurred_at")
    return reported_frame({name: [] for name in names})


def _ours(table: Any) -> pd.DataFrame:
    if table is None:
        return no_rows_of_ours()
    words = {"kind": KIND, "currency": CURRENCY, "status": STATUS}
    return expected_frame({name: _column(table, name, words) for name in table.column_names
                           if name != "file"})  # fmt: skip


def _theirs(table: Any, forms: Sequence[ExportFormat]) -> pd.DataFrame:
    if table is None:
        return no_rows_of_theirs()
    columns = {name: _column(table, name, {"currency": CURRENCY}) for name in table.column_names}
    category = table.column("category").combine_chunks().dictionary_encode()
    if hasattr(category, "combine_chunks"):
        category = category.combine_chunks()
    words = category.dictionary.to_pylist()
    codes = np.asarray(category.indices)
    file = columns["file"]
    kinds = np.full(len(codes), -1, np.int8)
    for place, form in enumerate(forms):
        known = [form.kinds.get(word.lower()) if word.isascii() else None for word in words]
        if form.stands:
            known = [LineKind.MEMO] * len(words)
        table_of = np.array([-1 if k is None else KIND_CODES[k.value] for k in known], np.int8)
        here = file == place
        kinds[here] = table_of[codes[here]]
    return reported_frame(
        columns
        | {
            "kind": pd.Series(pd.Categorical.from_codes(kinds, dtype=KIND)),
            "category": pd.Series(pd.Categorical.from_codes(codes, categories=words)),
        }
    )


def _column(table: Any, name: str, words: dict[str, Any]) -> Any:
    column = table.column(name)
    if name in words:
        return pd.Series(pd.Categorical.from_codes(np.asarray(column), dtype=words[name]))
    return column if pa.types.is_string(column.type) else np.asarray(column)


def _others(size: int, taken: Ints) -> Ints:
    free = np.ones(size, bool)
    free[taken] = False
    return np.flatnonzero(free)


def _count(settled: Settled, side: str, frame: pd.DataFrame, rows: Ints) -> None:
    settled.add(
        side,
        np.asarray(frame["currency"].cat.codes)[rows],
        frame["amount_minor"].to_numpy()[rows],
        frame["fee_minor"].to_numpy()[rows],
    )


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The frames as one; words of an open category are joined."""
    filled = [frame for frame in frames if len(frame)] or list(frames[:1])
    if "category" in filled[0]:
        every = pd.unique(pd.Series([w for f in filled for w in f["category"].cat.categories]))
        filled = [f.assign(category=f["category"].cat.set_categories(every)) for f in filled]
    return pd.concat(filled, ignore_index=True)


def _rest(control: Control, settled: Settled, side: str) -> Control:
    """The control totals less what is settled: what the rows left over have to come to."""
    found: Control = {}
    for currency, (rows, amount, fee) in control.items():
        done = (
            settled.rows.get((side, CURRENCIES.index(currency)), [0, 0, 0]) if currency else [0] * 3
        )
        found[currency] = rows - done[0], amount - done[1], fee - done[2]
    return {code: figures for code, figures in found.items() if figures[0]}


def _totals(left: Comparison, settled: Settled, piles: Piles) -> tuple[BucketTotal, ...]:
    """The buckets of both, proven against the files' own control totals."""
    sums = {
        (t.side, t.bucket, t.currency): [t.rows, t.amount_minor, t.fee_minor] for t in left.totals
    }
    for (side, code), figures in settled.rows.items():
        kept = sums.setdefault((side, Bucket.MATCHED, CURRENCIES[code]), [0, 0, 0])
        for place, value in enumerate(figures):
            kept[place] += value
    made = [BucketTotal(name, side, code, *f) for (side, name, code), f in sums.items()]
    order = list(Bucket)
    made.sort(key=lambda t: (t.side != "expected", not t.currency, order.index(t.bucket),
                             t.currency))  # fmt: skip
    for side, whole in (("expected", piles.expected), ("reported", piles.reported)):
        check_ties(side, made, {code: f for code, f in whole.control.items() if f[0]})
    return tuple(made)


def _matches(left: Comparison, settled: Settled) -> tuple[tuple[str, int], ...]:
    counts = dict(left.matches)
    for name, count in zip(PASSES, settled.passes.tolist(), strict=True):
        counts[name] = counts.get(name, 0) + count
    return tuple((name, counts[name]) for name in PASSES if counts.get(name))

"""Comparing more rows than fit into memory: bucket by bucket, and what is left over all at once.

Within a bucket lie all rows of one id, so rows that agree under a unique id are settled there. What
is left, and every row that shares an id with it, is compared together by the ordinary comparison,
which then sees all there is to know about it. The result is the one of a single comparison.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.buckets import Bucket
from domain.run import BucketTotal, check_ties
from domain.settlement import LineKind
from reconcile.classify import coverage
from reconcile.codes import CURRENCIES, KIND_CODES, Array, Bools, Ints, sums_by
from reconcile.compare import compare
from reconcile.comparison import Comparison
from reconcile.frames import Control, Expected, Reported, add_control, codes_of, ints
from reconcile.hashing import Keys, Words
from reconcile.horizon import beyond
from reconcile.lines import KeptTexts
from reconcile.pairing import is_in, pair_plainly
from reconcile.piles import Piles
from reconcile.rules import BY_SOURCE, PASSES, Rules
from reconcile.sides import Ours, Theirs, chunked, some_rows, take
from reconcile.spill import our_rows

_OUR_IDS = ("provider_reference",)
_THEIR_IDS = ("reference", "source", "parent")
_OUR_NAMES = ("transaction_id", "payment_id", "provider_reference")
_THEIR_NAMES = ("reference", "source", "ours")
_MEMO = KIND_CODES[LineKind.MEMO.value]


@dataclass(slots=True)
class Settled:
    """Rows that agree and that nothing left over can be about, and rows that are no money."""

    rows: dict[tuple[str, Bucket, int], list[int]] = field(default_factory=dict)
    """(side, bucket, currency code) -> rows, amount, fee."""
    passes: Array = field(default_factory=lambda: np.zeros(len(PASSES), np.int64))
    """Pairs by the pass that made them."""
    matches: Array = field(default_factory=lambda: np.zeros(len(PASSES), np.int64))
    """Those of the period."""

    def add(self, side: str, bucket: Bucket, frame: pd.DataFrame, rows: Ints) -> None:
        """Count rows of one side."""
        currency, size = codes_of(frame["currency"])[rows], len(CURRENCIES)
        counts = np.bincount(currency, minlength=size)
        amounts = sums_by(currency, size, ints(frame["amount_minor"])[rows])
        fees = sums_by(currency, size, ints(frame["fee_minor"])[rows])
        for code in np.flatnonzero(counts).tolist():
            kept = self.rows.setdefault((side, bucket, code), [0, 0, 0])
            for place, value in enumerate((int(counts[code]), amounts[code], fees[code])):
                kept[place] += value


@dataclass(slots=True)
class _Rest:
    """Rows that are not settled within their bucket."""

    ours: list[pd.DataFrame] = field(default_factory=list)
    theirs: list[pd.DataFrame] = field(default_factory=list)
    texts: list[Any] = field(default_factory=list)

    def reported(self, piles: Piles, settled: Settled) -> Reported:
        """The reported rows as a side of their own."""
        frame, texts = _joined(self.theirs), piles.reported.texts
        if self.texts:
            texts = KeptTexts(frame, pa.chunked_array(self.texts, pa.string()))
        control = _less(piles.reported.control, settled, "reported")
        return replace(piles.reported, frame=frame, control=control, texts=texts)

    def expected(self, piles: Piles, settled: Settled) -> Expected:
        """The expected rows as a side of their own."""
        control = _less(piles.expected.control, settled, "expected")
        return replace(piles.expected, frame=_joined(self.ours), control=control)


def compare_piles(piles: Piles, rules: Rules, named: Collection[str] = ()) -> Comparison:
    """Compare both sides bucket by bucket.

    The comparison holds the rows that were left over, and totals and matches of all; it says
    what `compare` would say. Rows that go by one of the names are left over in any case, so that
    they can be asked about.

    Raises:
        IntegrityError: the buckets do not sum to the control totals, which is our bug.
    """
    lines = _line_hashes(piles) if piles.by == BY_SOURCE else np.empty(0, np.uint64)
    pairs = [_agreeing(piles, bucket, rules, lines) for bucket in range(piles.buckets)]
    wanted = _ids(piles, pairs)
    settled, rest = Settled(), _Rest()
    covered: set[LineKind] = set()
    asked = pa.array(sorted(named), pa.string())
    for bucket, (e, r, step) in enumerate(pairs):
        mine = our_rows(piles.ours.read(bucket))
        other, texts = piles.their_bucket(bucket)
        covered |= coverage(Theirs.of(Reported(other))) if len(other) else set()
        # The id that made a pair is one of theirs, so theirs tell for both rows.
        keep = _sharing(other, _THEIR_IDS, wanted)[r]
        keep |= _sharing(mine, _OUR_NAMES, asked)[e] | _sharing(other, _THEIR_NAMES, asked)[r]
        _settle_pairs(settled, mine, other, (e[~keep], r[~keep], step[~keep]), rules)
        shown = np.flatnonzero(_memos(other) & ~_sharing(other, _THEIR_NAMES, asked))
        _settle_memos(settled, other, shown, rules)
        rest.ours.append(some_rows(mine, _others(len(mine), e[~keep])))
        left = _others(len(other), np.concatenate([r[~keep], shown]))
        rest.theirs.append(some_rows(other, left))
        if texts is not None:
            rest.texts += take(texts, left).chunks
    expected, reported = rest.expected(piles, settled), rest.reported(piles, settled)
    found = compare(expected, reported, _covering(rules, covered), settled.passes)
    return replace(
        found, rules=rules, totals=_totals(found, settled, piles), matches=_matches(found, settled)
    )


def _covering(rules: Rules, covered: set[LineKind]) -> Rules:
    """Which kinds the files hold is told by all of their rows, not by what is left over."""
    if rules.covered is not None or not covered:
        return rules
    return replace(rules, covered=frozenset(covered))


def _line_hashes(piles: Piles) -> Words:
    """Hashes of the ids of all reported lines, for buckets that go by another id."""
    parts = [Keys.of(chunked(part["reference"])).hashes for part in piles.their_parts()]
    every: Words = np.concatenate(parts)
    every.sort()
    return every


def _agreeing(piles: Piles, bucket: int, rules: Rules, lines: Words) -> tuple[Ints, Ints, Array]:
    """Pairs of one bucket that agree under an id that is unique on both sides.

    A row of ours that names a line, which may lie in another bucket, is not settled by its source.
    """
    mine, (other, _) = our_rows(piles.ours.read(bucket)), piles.their_bucket(bucket)
    money = np.flatnonzero(~_memos(other))
    ours, theirs = Ours.of(Expected(mine)), Theirs.of(Reported(some_rows(other, money)))
    found = pair_plainly(ours, theirs).pairs
    agree = (found.fields == 0) & (found.step == PASSES.index(piles.by))
    agree &= np.abs(ours.at[found.e] - theirs.at[found.r]) <= rules.dates_apart_micros
    if lines.size:
        agree &= ~np.isin(Keys.of(ours.reference).hashes, lines)[found.e]
    return found.e[agree], money[found.r[agree]], found.step[agree]


def _ids(piles: Piles, pairs: Sequence[tuple[Ints, Ints, Array]]) -> Any:
    """Every id that a row left over goes by or belongs to."""
    found: list[Any] = []
    for bucket, (e, r, _) in enumerate(pairs):
        mine, (other, _) = our_rows(piles.ours.read(bucket)), piles.their_bucket(bucket)
        left = np.setdiff1d(_others(len(other), r), np.flatnonzero(_memos(other)))
        columns = [(mine, _others(len(mine), e), _OUR_IDS), (other, left, _THEIR_IDS)]
        for frame, rows, names in columns:
            found += [pc.unique(take(chunked(frame[name]), rows)) for name in names]
    every = pc.unique(pa.chunked_array(found, pa.string()))
    return every.filter(pc.not_equal(every, ""))


def _sharing(frame: pd.DataFrame, names: Sequence[str], wanted: Any) -> Bools:
    """Which rows have one of these texts in one of these columns."""
    found: Bools = np.zeros(len(frame), bool)
    if len(wanted):
        for name in names:
            found |= is_in(chunked(frame[name]), wanted)
    return found


def _memos(theirs: pd.DataFrame) -> Bools:
    found: Bools = codes_of(theirs["kind"]) == _MEMO
    return found


def _settle_pairs(
    settled: Settled,
    mine: pd.DataFrame,
    other: pd.DataFrame,
    pairs: tuple[Ints, Ints, Array],
    rules: Rules,
) -> None:
    e, r, step = pairs
    far = _far(mine, e, rules) & _far(other, r, rules)
    for bucket, chosen in ((Bucket.MATCHED, ~far), (Bucket.OUTSIDE_PERIOD, far)):
        settled.add("expected", bucket, mine, e[chosen])
        settled.add("reported", bucket, other, r[chosen])
    settled.passes += np.bincount(step, minlength=len(PASSES))
    settled.matches += np.bincount(step[~far], minlength=len(PASSES))


def _settle_memos(settled: Settled, other: pd.DataFrame, rows: Ints, rules: Rules) -> None:
    far = _far(other, rows, rules)
    settled.add("reported", Bucket.NOT_MONEY, other, rows[~far])
    settled.add("reported", Bucket.OUTSIDE_PERIOD, other, rows[far])


def _far(frame: pd.DataFrame, rows: Ints, rules: Rules) -> Bools:
    return beyond(ints(frame["occurred_at"])[rows], rules.period)


def _others(size: int, taken: Ints) -> Ints:
    free = np.ones(size, bool)
    free[taken] = False
    return np.flatnonzero(free)


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The frames as one; words of an open category are joined."""
    filled = [frame for frame in frames if len(frame)] or list(frames[:1])
    if "category" in filled[0]:
        every = pd.unique(pd.Series([w for f in filled for w in f["category"].cat.categories]))
        filled = [f.assign(category=f["category"].cat.set_categories(every)) for f in filled]
    return pd.concat(filled, ignore_index=True)


def _less(control: Control, settled: Settled, side: str) -> Control:
    """The control totals less what is settled: what the rows left over have to come to."""
    left = control
    for (of, _, code), (rows, amount, fee) in settled.rows.items():
        if of == side:
            left = add_control(left, {CURRENCIES[code]: (-rows, -amount, -fee)})
    return {currency: figures for currency, figures in left.items() if figures[0]}


def _totals(left: Comparison, settled: Settled, piles: Piles) -> tuple[BucketTotal, ...]:
    """The buckets of both, proven against the sides' own control totals."""
    sums = {
        (t.side, t.bucket, t.currency): [t.rows, t.amount_minor, t.fee_minor] for t in left.totals
    }
    for (side, bucket, code), figures in settled.rows.items():
        kept = sums.setdefault((side, bucket, CURRENCIES[code]), [0, 0, 0])
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
    for name, count in zip(PASSES, settled.matches.tolist(), strict=True):
        counts[name] = counts.get(name, 0) + count
    return tuple((name, counts[name]) for name in PASSES if counts.get(name))

"""The comparison: two sides and rules in, a `Comparison` out; a pure function.

The order of the rows means nothing, every row ends in exactly one bucket, and the same inputs give
the same bytes. It may be run on any part of the rows that holds all rows of the ids in it.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from domain.settlement import LineKind
from reconcile.breaks import NOWHERE
from reconcile.by_payment import ByPayment, Members, pair_by_payment
from reconcile.classify import Verdict, classify
from reconcile.codes import KIND_CODES, Array, Ints
from reconcile.comparison import Comparison
from reconcile.frames import Expected, Reported
from reconcile.horizon import within_horizon
from reconcile.pairing import Pairs, pair_plainly
from reconcile.residue import Outcome, pair_richly
from reconcile.rules import BY_PARTS, PASSES, Rules
from reconcile.sides import Ours, Theirs, differences, some_rows
from reconcile.totals import bucket_totals
from reconcile.undone import come_to_nothing


def compare(
    expected: Expected, reported: Reported, rules: Rules, elsewhere: Array = NOWHERE
) -> Comparison:
    """Compare our ledger with the provider's files; `elsewhere`: see `Comparison`.

    Raises:
        IntegrityError: the buckets do not sum to the control totals, which is our bug.
    """
    whole = Theirs.of(reported)
    money = np.flatnonzero(whole.kind != KIND_CODES[LineKind.MEMO.value])
    if len(money) == len(whole):
        verdict = _judge(expected, reported, whole, rules)
    else:
        part = replace(reported, frame=some_rows(reported.frame, money))
        verdict = _judge(expected, part, Theirs.of(part), rules).among(money, len(whole))
    verdict, found = within_horizon(expected, reported, verdict, rules, elsewhere)
    totals = bucket_totals(expected, reported, verdict.e_bucket, verdict.r_bucket)
    matches = _matches(verdict)
    return Comparison(expected, reported, rules, totals, matches, verdict, found, elsewhere)


def _judge(expected: Expected, reported: Reported, theirs: Theirs, rules: Rules) -> Verdict:
    ours = Ours.of(expected)
    plain = pair_plainly(ours, theirs)
    rich = pair_richly(expected.frame, reported.frame, plain)
    pairs = Pairs.joined(plain.pairs, rich.as_pairs(ours, theirs))
    rest = pair_by_payment(expected, ours, theirs, *_left(ours, theirs, pairs, rich))
    pairs = Pairs.joined(pairs, _as_pairs(rest, ours, theirs))
    parts = [*rich.parts, *rest.sums]
    pairs, undone = come_to_nothing(
        ours,
        theirs,
        pairs,
        *_unclaimed(ours, theirs, pairs, [*parts, *(g for g, _ in rest.groups)]),
    )
    parts += undone
    return classify(expected, ours, theirs, plain, pairs, parts, rest.groups, rules)


def _left(ours: Ours, theirs: Theirs, pairs: Pairs, rich: Outcome) -> tuple[Ints, Ints]:
    """Settled rows of ours and rows of theirs that no pass has claimed yet."""
    e, r = _unclaimed(ours, theirs, pairs, rich.parts)
    return e[ours.succeeded[e]], r


def _unclaimed(
    ours: Ours, theirs: Theirs, pairs: Pairs, members: Iterable[Members]
) -> tuple[Ints, Ints]:
    """Rows of either side that are in no pair and belong to none of these, theirs of a known
    kind."""
    e_free, r_free = np.ones(len(ours), bool), theirs.kind >= 0
    e_free[pairs.e], r_free[pairs.r] = False, False
    for e_rows, r_rows in members:
        e_free[e_rows], r_free[r_rows] = False, False
    return np.flatnonzero(e_free), np.flatnonzero(r_free)


def _as_pairs(found: ByPayment, ours: Ours, theirs: Theirs) -> Pairs:
    e, r, step = np.array(found.pairs, np.int64).reshape(-1, 3).T
    return Pairs(e, r, step.astype(np.int8), differences(ours, theirs, e, r))


def _matches(verdict: Verdict) -> tuple[tuple[str, int], ...]:
    """Expected rows that agree, by the pass that found their partner, zero counts left out."""
    agreed = (verdict.pairs.fields == 0) & (verdict.e_bucket[verdict.pairs.e] == 0)
    counts = np.bincount(verdict.pairs.step[agreed], minlength=len(PASSES)).tolist()
    for e_rows, _ in verdict.parts:
        matched = sum(1 for row in e_rows if verdict.e_bucket[row] == 0)
        counts[PASSES.index(BY_PARTS)] += matched
    return tuple((name, count) for name, count in zip(PASSES, counts, strict=True) if count)

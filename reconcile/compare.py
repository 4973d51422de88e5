"""The comparison: two sides and rules in, a `Comparison` out; a pure function.

The order of the rows means nothing, every row ends in exactly one bucket, and the same inputs give
the same bytes. It may be run on any part of the rows that holds all rows of the ids in it.
"""

import numpy as np

from reconcile.classify import Verdict, classify
from reconcile.comparison import Comparison
from reconcile.frames import Expected, Reported
from reconcile.pairing import Pairs, pair_plainly
from reconcile.residue import pair_richly
from reconcile.rules import BY_PARTS, PASSES, Rules
from reconcile.sides import Ours, Theirs
from reconcile.totals import bucket_totals


def compare(expected: Expected, reported: Reported, rules: Rules) -> Comparison:
    """Compare our ledger with the provider's files.

    Raises:
        IntegrityError: the buckets do not sum to the control totals, which is our bug.
    """
    ours, theirs = Ours.of(expected), Theirs.of(reported)
    plain = pair_plainly(ours, theirs)
    rich = pair_richly(expected.frame, reported.frame, plain)
    pairs = Pairs.joined(plain.pairs, rich.as_pairs(ours, theirs))
    verdict = classify(ours, theirs, plain, pairs, rich.parts, rules)
    totals = bucket_totals(expected, reported, verdict.e_bucket, verdict.r_bucket)
    return Comparison(expected, reported, rules, totals, _matches(verdict, rich.parts), verdict)


def _matches(
    verdict: Verdict, parts: list[tuple[list[int], list[int]]]
) -> tuple[tuple[str, int], ...]:
    """Expected rows that agree, by the pass that found their partner, zero counts left out."""
    agreed = (verdict.pairs.fields == 0) & (verdict.e_bucket[verdict.pairs.e] == 0)
    counts = np.bincount(verdict.pairs.step[agreed], minlength=len(PASSES)).tolist()
    counts[PASSES.index(BY_PARTS)] += sum(len(e_rows) for e_rows, _ in parts)
    return tuple((name, count) for name, count in zip(PASSES, counts, strict=True) if count)

"""Rows and money by bucket and currency, and the proof that nothing was lost on the way.

Sums are exact integers however large; the proof runs in every comparison.
"""

import numpy as np

from domain.buckets import KINDS, Bucket
from domain.run import BucketTotal, check_ties
from domain.settlement import Reject
from reconcile.classify import BUCKETS
from reconcile.codes import Array, Ints, sums_by
from reconcile.frames import CURRENCY, Control, Expected, Reported, codes_of, ints

_WIDTH = len(CURRENCY.categories)


def bucket_totals(
    expected: Expected, reported: Reported, e_bucket: Array, r_bucket: Array
) -> tuple[BucketTotal, ...]:
    """Totals of both sides, expected first, in bucket and currency order.

    Raises:
        IntegrityError: the buckets of a side do not sum to its control totals.
    """
    found: list[BucketTotal] = []
    sides = (
        ("expected", expected.frame, expected.rejects, expected.control, e_bucket),
        ("reported", reported.frame, reported.rejects, reported.control, r_bucket),
    )
    for side, frame, rejects, control, bucket in sides:
        totals = _side_totals(
            side,
            bucket,
            codes_of(frame["currency"]),
            ints(frame["amount_minor"]),
            ints(frame["fee_minor"]),
        )
        totals += _unreadable(side, rejects)
        check_ties(side, totals, _without_empty(control))
        found += totals
    return tuple(found)


def break_counts(kinds: Array) -> tuple[tuple[Bucket, int], ...]:
    """Breaks by kind from their bucket codes, in the order of `KINDS`, without zeros."""
    counts = np.bincount(kinds, minlength=len(BUCKETS)).tolist()
    return tuple(
        (kind, counts[BUCKETS.index(kind)]) for kind in KINDS if counts[BUCKETS.index(kind)]
    )


def _side_totals(
    side: str, bucket: Array, currency: Array, amount: Ints, fee: Ints
) -> list[BucketTotal]:
    key = bucket.astype(np.int64) * _WIDTH + currency
    size = len(BUCKETS) * _WIDTH
    rows = np.bincount(key, minlength=size)
    amounts, fees = sums_by(key, size, amount), sums_by(key, size, fee)
    return [
        BucketTotal(
            BUCKETS[place // _WIDTH],
            side,
            CURRENCY.categories[place % _WIDTH],
            int(rows[place]),
            amounts[place],
            fees[place],
        )
        for place in np.flatnonzero(rows).tolist()
    ]


def _unreadable(side: str, rejects: tuple[Reject, ...]) -> list[BucketTotal]:
    return [BucketTotal(Bucket.UNREADABLE, side, "", len(rejects), 0, 0)] if rejects else []


def _without_empty(control: Control) -> Control:
    return {currency: total for currency, total in control.items() if total[0]}

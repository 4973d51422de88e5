"""What a run may say: rows of its own period, and breaks of earlier runs that are still open.

Rows outside the period are read because they may be partners; on their own they belong to the run
of their own period. A break that an earlier run left open is looked at again wherever it lies.
"""

from dataclasses import replace

import numpy as np

from domain.buckets import Bucket
from reconcile.breaks import Found, Members, find_breaks
from reconcile.classify import CODE, Verdict
from reconcile.codes import Array, Bools, Ints
from reconcile.frames import Expected, Reported, ints
from reconcile.rules import Rules


def within_horizon(
    expected: Expected, reported: Reported, verdict: Verdict, rules: Rules, elsewhere: Array
) -> tuple[Verdict, Found | None]:
    """The verdict with everything beyond the horizon set aside, and its breaks; `elsewhere`: see
    `breaks.names_sources`.

    Without a period nothing is beyond, and breaks are found when somebody asks for them.
    """
    if rules.period is None:
        return verdict, None
    e_far = beyond(ints(expected.frame["occurred_at"]), rules.period)
    r_far = beyond(ints(reported.frame["occurred_at"]), rules.period)
    found = find_breaks(expected, reported, verdict, rules, elsewhere)
    members = found.members()
    far = _breaks_far(members, e_far, r_far)
    carried = np.isin(found.frame["break_id"].to_numpy(object), list(rules.carried))
    dropped = far & ~carried
    e_bucket, r_bucket = verdict.e_bucket.copy(), verdict.r_bucket.copy()
    _set_aside_agreed(verdict, e_far, r_far, e_bucket, r_bucket)
    outside = CODE[Bucket.OUTSIDE_PERIOD]
    for place in np.flatnonzero(dropped).tolist():
        e_rows, r_rows = members[place]
        e_bucket[list(e_rows)], r_bucket[list(r_rows)] = outside, outside
    return replace(verdict, e_bucket=e_bucket, r_bucket=r_bucket), found.only(~dropped)


def beyond(at: Ints, period: tuple[int, int] | None) -> Bools:
    """Which instants lie outside a period; none do where there is no period."""
    if period is None:
        return np.zeros(len(at), bool)
    return (at < period[0]) | (at >= period[1])


def _breaks_far(members: list[Members], e_far: Bools, r_far: Bools) -> Bools:
    """Breaks all of whose rows lie outside; a break without rows, an unreadable line, is near."""
    return np.array(
        [
            bool(e_rows or r_rows) and bool(e_far[list(e_rows)].all() and r_far[list(r_rows)].all())
            for e_rows, r_rows in members
        ],
        bool,
    )


def _set_aside_agreed(
    verdict: Verdict, e_far: Bools, r_far: Bools, e_bucket: Array, r_bucket: Array
) -> None:
    """Agreement wholly outside the period was counted by another run; half inside it stays."""
    outside = CODE[Bucket.OUTSIDE_PERIOD]
    agreed = [CODE[Bucket.MATCHED], CODE[Bucket.WITHIN_TOLERANCE]]
    pairs = verdict.pairs
    far = e_far[pairs.e] & r_far[pairs.r] & np.isin(verdict.e_bucket[pairs.e], agreed)
    e_bucket[pairs.e[far]], r_bucket[pairs.r[far]] = outside, outside
    for e_rows, r_rows in verdict.parts:
        if e_far[e_rows].all() and r_far[r_rows].all():
            e_bucket[e_rows], r_bucket[r_rows] = outside, outside
    alone = (CODE[Bucket.NOT_EXPECTED], CODE[Bucket.NOT_MONEY])
    e_bucket[e_far & np.isin(verdict.e_bucket, alone)] = outside
    r_bucket[r_far & np.isin(verdict.r_bucket, alone)] = outside

"""Money that moved and moved back: a refund that failed, a debit that bounced.

The provider books such a movement and then undoes it, two lines or more about one object; our
ledger holds it as ended without success. Both say the same: it came to nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from reconcile.by_payment import Members
from reconcile.codes import Ints
from reconcile.pairing import Pairs, is_in
from reconcile.sides import STATUS, Ours, Theirs, take


def come_to_nothing(
    ours: Ours, theirs: Theirs, pairs: Pairs, e_free: Ints, r_free: Ints
) -> tuple[Pairs, list[Members]]:
    """The pairs without those that are explained this way, and the rows that are; `e_free` and
    `r_free` are the rows that no pass has claimed.

    All lines about one source that agree with nothing else have to be of our row's kind, hold its
    very amount, and sum to zero exactly, amount and fee: what was given back by a movement of its
    own, a refund of a charge or a dispute, did move.
    """
    ended = np.flatnonzero((pairs.fields & STATUS > 0) & ours.ended[pairs.e])
    families: dict[str, Members] = defaultdict(lambda: ([], []))
    for source, row in _by_source(theirs, r_free):
        if source:
            families[source][1].append(row)
    if not families:
        return pairs, []
    for place, (source, row) in zip(
        ended.tolist(), _by_source(theirs, pairs.r[ended]), strict=True
    ):
        if source in families:
            families[source][0].append(int(pairs.e[place]))
            families[source][1].append(row)
    lonely = e_free[ours.ended[e_free]]
    known = pa.chunked_array([list(families)], pa.string())
    lonely = lonely[is_in(take(ours.reference, lonely), known)]
    names = take(ours.reference, lonely).to_pylist()
    for row, name in zip(lonely.tolist(), names, strict=True):
        families[name][0].append(row)
    found = [
        (sorted(mine), sorted(reported))
        for mine, reported in families.values()
        if mine and _undone(ours, theirs, mine, reported)
    ]
    explained = np.isin(pairs.e, [row for mine, _ in found for row in mine])
    return pairs.without(np.flatnonzero(explained)), found


def _by_source(theirs: Theirs, rows: Ints) -> Iterable[tuple[str, int]]:
    return zip(take(theirs.source, rows).to_pylist(), rows.tolist(), strict=True)


def _undone(ours: Ours, theirs: Theirs, mine: list[int], reported: list[int]) -> bool:
    """Whether the lines are our rows and what undid them."""
    kinds = {*ours.kind[mine].tolist(), *theirs.kind[reported].tolist()}
    held, shown = _moneys(ours, mine), _moneys(theirs, reported)
    currencies = {currency for currency, _ in shown}
    sums = (sum(values[reported].tolist()) for values in (theirs.amount, theirs.fee))
    return len(kinds) == len(currencies) == 1 and held <= shown and not any(sums)


def _moneys(side: Ours | Theirs, rows: list[int]) -> Counter[tuple[int, int]]:
    return Counter(zip(side.currency[rows].tolist(), side.amount[rows].tolist(), strict=True))

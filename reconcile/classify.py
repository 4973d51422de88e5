"""From pairs to buckets: every row of both sides gets exactly one.

A pair has one bucket for both its rows; a row without a partner is judged by what else is there
under its id, by its status and by what it is. The period is not looked at here: see `horizon`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.buckets import Bucket
from domain.settlement import LineKind
from reconcile.by_payment import Members, payments_of
from reconcile.codes import CURRENCY_CODES, KIND_CODES, Array, Bools, Ints
from reconcile.frames import Expected
from reconcile.lonely import ambiguous, their_kinds
from reconcile.pairing import Pairs, Plain, is_in
from reconcile.rules import Rules
from reconcile.sides import (
    AMOUNT,
    CURRENCY,
    FEE,
    KIND,
    STATUS,
    Ours,
    Theirs,
    take,
)

BUCKETS = tuple(Bucket)
CODE = {bucket: code for code, bucket in enumerate(BUCKETS)}
_NAMED_BY = (
    (KIND, Bucket.KIND_MISMATCH),
    (FEE, Bucket.FEE_MISMATCH),
    (AMOUNT, Bucket.AMOUNT_MISMATCH),
    (CURRENCY, Bucket.CURRENCY_MISMATCH),
    (STATUS, Bucket.STATUS_MISMATCH),
)
"""Later ones name the break when several fields differ."""

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The bucket of every row, the pairs, and the rows that agree or break together."""

    e_bucket: Array
    """Position in `BUCKETS`, by expected row."""
    r_bucket: Array
    pairs: Pairs
    parts: tuple[Members, ...] = ()
    """Rows of both sides whose sums agree."""
    groups: tuple[tuple[Members, Bucket], ...] = ()
    """Rows of both sides that are one break together."""

    def among(self, rows: Ints, size: int) -> "Verdict":
        """The same where the reported side has `size` rows of which only `rows` were compared;
        the others are not money."""
        r_bucket = np.full(size, CODE[Bucket.NOT_MONEY], np.int8)
        r_bucket[rows] = self.r_bucket

        def renamed(members: Members) -> Members:
            return members[0], rows[members[1]].tolist()

        return replace(
            self,
            r_bucket=r_bucket,
            pairs=replace(self.pairs, r=rows[self.pairs.r]),
            parts=tuple(renamed(part) for part in self.parts),
            groups=tuple((renamed(group), bucket) for group, bucket in self.groups),
        )


def classify(
    expected: Expected,
    ours: Ours,
    theirs: Theirs,
    plain: Plain,
    pairs: Pairs,
    parts: list[Members],
    groups: list[tuple[Members, Bucket]],
    rules: Rules,
) -> Verdict:
    """Buckets for all rows of both sides."""
    e_bucket = np.full(len(ours), -1, np.int8)
    r_bucket = np.full(len(theirs), -1, np.int8)
    bucket = _pair_buckets(ours, theirs, pairs, rules)
    e_bucket[pairs.e], r_bucket[pairs.r] = bucket, bucket
    for e_rows, r_rows in parts:
        e_bucket[e_rows], r_bucket[r_rows] = CODE[Bucket.MATCHED], CODE[Bucket.MATCHED]
        # Of what did not succeed nothing is expected, and nothing is what the lines come to.
        e_bucket[[row for row in e_rows if not ours.succeeded[row]]] = CODE[Bucket.NOT_EXPECTED]
    for (e_rows, r_rows), name in groups:
        e_bucket[e_rows], r_bucket[r_rows] = CODE[name], CODE[name]
    e_alone, r_alone = np.flatnonzero(e_bucket < 0), np.flatnonzero(r_bucket < 0)
    e_bucket[e_alone] = CODE[Bucket.NOT_EXPECTED]
    e_alone = e_alone[_expected_at_all(ours, theirs, e_alone, rules)]
    near = _near(ours, theirs, e_alone, r_alone)
    doubled = _doubled_theirs(theirs, r_bucket >= 0, plain.r_free, near, r_alone)
    r_bucket[r_alone[doubled]] = _repeats(theirs, r_alone[doubled])
    r_alone = r_alone[~doubled]
    names = their_kinds(theirs, r_alone, payments_of(expected, ours))
    r_bucket[r_alone] = [CODE[name] for name in names]
    doubled = _doubled_ours(ours, theirs, pairs, plain, near, e_alone)
    e_bucket[e_alone[doubled]] = CODE[Bucket.DUPLICATE_IN_LEDGER]
    e_alone = e_alone[~doubled]
    e_bucket[e_alone] = _our_names(ours, e_alone, rules)
    doubtful = r_alone[r_bucket[r_alone] == CODE[Bucket.MISSING_IN_LEDGER]]
    for e_rows, r_rows in (unclear := ambiguous(ours, theirs, e_alone, doubtful, rules)):
        e_bucket[e_rows] = r_bucket[r_rows] = CODE[Bucket.AMBIGUOUS]
    together = (*groups, *((group, Bucket.AMBIGUOUS) for group in unclear))
    return Verdict(e_bucket, r_bucket, pairs, tuple(parts), together)


def _pair_buckets(ours: Ours, theirs: Theirs, pairs: Pairs, rules: Rules) -> Array:
    bucket, fields = np.full(len(pairs.e), CODE[Bucket.MATCHED], np.int8), pairs.fields
    apart = np.abs(ours.at[pairs.e] - theirs.at[pairs.r]) > rules.dates_apart_micros
    bucket[apart] = CODE[Bucket.DATE_MISMATCH]
    differing = np.flatnonzero(fields)
    for bit, name in _NAMED_BY:
        bucket[differing[(fields[differing] & bit) > 0]] = CODE[name]
    unknown = theirs.kind[pairs.r[differing]] < 0
    bucket[differing[unknown]] = CODE[Bucket.UNKNOWN_KIND]
    allowed = _tolerated(ours, theirs, pairs, differing, rules)
    bucket[differing[allowed]] = CODE[Bucket.WITHIN_TOLERANCE]
    return bucket


def _tolerated(ours: Ours, theirs: Theirs, pairs: Pairs, places: Ints, rules: Rules) -> Bools:
    """Which pairs that differ in amount or fee, and in nothing else, a rule allows."""
    e, r = pairs.e[places], pairs.r[places]
    found = np.zeros(len(places), bool)
    only_money = (pairs.fields[places] & ~(AMOUNT | FEE)) == 0
    amount = np.abs(ours.amount[e] - theirs.amount[r])
    fee = np.abs(ours.fee[e] - theirs.fee[r])
    for rule in rules.tolerances:
        fits = only_money & (amount <= rule.amount_minor) & (fee <= rule.fee_minor)
        if rule.currency != "*":
            fits &= ours.currency[e] == CURRENCY_CODES[rule.currency]
        if rule.kind is not None:
            fits &= ours.kind[e] == KIND_CODES[rule.kind.value]
        found |= fits
    return found


def _our_names(ours: Ours, alone: Ints, rules: Rules) -> Array:
    """Late for this file, or missing: a line close to the cut-off may stand in the next one."""
    names = np.full(len(alone), CODE[Bucket.MISSING_AT_PROVIDER], np.int8)
    if rules.period is not None:
        late = ours.at[alone] >= rules.period[1] - rules.cut_off_micros
        names[late] = CODE[Bucket.TIMING]
    return names


def _expected_at_all(ours: Ours, theirs: Theirs, alone: Ints, rules: Rules) -> Bools:
    """Whether the provider should have reported these rows of ours."""
    covered = rules.covered if rules.covered is not None else coverage(theirs)
    codes = np.array([KIND_CODES[kind.value] for kind in covered], np.int64)
    return ours.succeeded[alone] & np.isin(ours.kind[alone], codes)


def coverage(theirs: Theirs) -> frozenset[LineKind]:
    """The kinds these files hold: all, but payouts only where at least one is reported."""
    paid_out = bool((theirs.kind == KIND_CODES[LineKind.PAYOUT.value]).any())
    return frozenset(kind for kind in LineKind if paid_out or kind is not LineKind.PAYOUT)


def _doubled_theirs(theirs: Theirs, paired: Bools, free: Ints, near: Ints, alone: Ints) -> Bools:
    """Which lonely reported rows repeat another row of the files.

    Either the line id occurs again (it is unique in the provider's books, so all but one are too
    many), or a row that has a partner has the same source, kind and money. `near` holds all rows
    that share a source with one of `alone`.
    """
    frame = pd.DataFrame({"row": free, "id": take(theirs.reference, free).to_pylist()})
    frame["paired"] = paired[free]
    numbers = {"amount": theirs.amount, "fee": theirs.fee, "at": theirs.at, "place": theirs.place}
    for name, values in numbers.items():
        frame[name] = values[free]
    frame["currency"], frame["kind"] = theirs.currency[free], theirs.kind[free]
    order = ["paired", "currency", "amount", "fee", "kind", "at", "place"]
    ascending = [name != "paired" for name in order]
    frame = frame[frame.duplicated("id", keep=False)].sort_values(order, ascending=ascending)
    again = frame.loc[frame.duplicated("id") & ~frame["paired"], "row"].to_numpy()
    partners = set(_moves(theirs, near[paired[near]]))
    known = theirs.kind[alone] >= 0
    repeats = [move is not None and move in partners for move in _moves(theirs, alone)]
    return np.isin(alone, again) | (np.array(repeats, bool) & known)


def _repeats(theirs: Theirs, repeated: Ints) -> Array:
    """Whether each repeated line came again as it was, or under its own id with other money."""
    if not repeated.size:
        return np.empty(0, np.int8)
    ids = take(theirs.reference, repeated).to_pylist()
    others = np.flatnonzero(is_in(theirs.reference, pa.chunked_array([ids], pa.string())))
    others = np.setdiff1d(others, repeated, assume_unique=True)
    numbers = (theirs.currency, theirs.amount, theirs.fee)
    said: dict[str, list[list[int]]] = {}
    for name, *money in zip(
        take(theirs.reference, others).to_pylist(),
        *(values[others].tolist() for values in numbers),
        strict=True,
    ):
        said.setdefault(name, []).append(money)
    found = [
        Bucket.DUPLICATE_AT_PROVIDER if money in said.get(name, [money]) else Bucket.LINE_CHANGED
        for name, *money in zip(
            ids, *(values[repeated].tolist() for values in numbers), strict=True
        )
    ]
    return np.array([CODE[bucket] for bucket in found], np.int8)


def _doubled_ours(
    ours: Ours, theirs: Theirs, pairs: Pairs, plain: Plain, near: Ints, alone: Ints
) -> Bools:
    """Which lonely expected rows repeat a row of ours that has a partner.

    Either that partner's line id is named again for the same kind, or the same reference, kind and
    money were booked twice, possibly once under the line's and once under the source's id. `near`
    holds all reported rows whose source is the reference of one of `alone`.
    """
    partner_of = np.full(len(theirs), -1, np.int64)
    partner_of[pairs.r] = pairs.e
    with_partner = plain.r_free[partner_of[plain.r_free] >= 0]
    lines = take(theirs.reference, with_partner).to_pylist()
    our_kinds = ours.kind[partner_of[with_partner]].tolist()
    by_line = set(zip(lines, our_kinds, strict=True))
    moves = set(_moves(theirs, near[partner_of[near] >= 0]))
    paired = np.zeros(len(ours), bool)
    paired[pairs.e] = True
    moves |= set(_our_moves(ours, plain.e_free[paired[plain.e_free]]))
    found = [
        bool(move[0]) and ((move[0], move[1]) in by_line or move in moves)
        for move in _our_moves(ours, alone)
    ]
    return np.array(found, bool)


def _near(ours: Ours, theirs: Theirs, e_alone: Ints, r_alone: Ints) -> Ints:
    """Reported rows whose source a lonely reported row has too, or a lonely row of ours names."""
    wanted = pa.chunked_array(
        take(theirs.source, r_alone).chunks + take(ours.reference, e_alone).chunks, pa.string()
    )
    return np.flatnonzero(is_in(theirs.source, wanted))


def _moves(theirs: Theirs, rows: Ints) -> Iterator[Key | None]:
    """(source, kind, currency, amount, fee) of reported rows; None without a source."""
    texts = take(theirs.source, rows).to_pylist()
    numbers = (theirs.kind, theirs.currency, theirs.amount, theirs.fee)
    columns = [values[rows].tolist() for values in numbers]
    for key in zip(texts, *columns, strict=True):
        yield key if key[0] else None


def _our_moves(ours: Ours, rows: Ints) -> Iterator[Key]:
    """(reference, kind, currency, amount, fee) of expected rows."""
    texts = take(ours.reference, rows).to_pylist()
    numbers = (ours.kind, ours.currency, ours.amount, ours.fee)
    return zip(texts, *(values[rows].tolist() for values in numbers), strict=True)

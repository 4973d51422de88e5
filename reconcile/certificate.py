"""Why a row ended where it did: the pass that decided, what it compared, who else was looked at.

Made when somebody asks, from the same pure comparison, so that it can never say anything else than
what was done.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from domain.clock import from_micros, iso
from domain.matching import Candidate, Certificate
from domain.money import format_minor
from reconcile.by_payment import contradicts, sort_of
from reconcile.classify import BUCKETS
from reconcile.codes import Ints
from reconcile.comparison import Comparison
from reconcile.rules import PASSES

_MOST = 20
"""Candidates shown; more than that nobody reads."""

_NOTES = {
    "not_money": "the provider's word for the line says that it moves no money",
    "not_expected": "a line that has not succeeded, or of a kind the files do not hold",
    "timing": "no partner, and close enough to the cut-off to stand in the next file",
    "outside_period": "its own period's run judges it",
}


def certificates(comparison: Comparison, name: str) -> list[Certificate]:
    """The certificate of every row that goes by a name: a transaction, line, source, payment or
    break id."""
    rows = _rows_of_break(comparison, name) if name.startswith("brk_") else None
    if rows is None:
        rows = _named(comparison, name)
    return [
        *(_certificate(comparison, "expected", row) for row in rows[0]),
        *(_certificate(comparison, "reported", row) for row in rows[1]),
    ]


def _rows_of_break(comparison: Comparison, name: str) -> tuple[list[int], list[int]]:
    found = comparison.found
    for place in np.flatnonzero((found.frame["break_id"] == name).to_numpy(bool)).tolist():
        mine, theirs = found.members()[place]
        return list(mine), list(theirs)
    return [], []


def _named(comparison: Comparison, name: str) -> tuple[list[int], list[int]]:
    ours, theirs = comparison.expected.frame, comparison.reported.frame
    return (
        _equal(ours, ("transaction_id", "provider_reference", "payment_id"), name),
        _equal(theirs, ("reference", "source", "ours"), name),
    )


def _equal(frame: pd.DataFrame, columns: tuple[str, ...], name: str) -> list[int]:
    hits = np.zeros(len(frame), bool)
    for column in columns:
        hits |= (frame[column] == name).to_numpy(bool)
    rows: list[int] = np.flatnonzero(hits).tolist()
    return rows


def _certificate(comparison: Comparison, side: str, row: int) -> Certificate:
    verdict = comparison.verdict
    pairs = verdict.pairs
    own, other = (pairs.e, pairs.r) if side == "expected" else (pairs.r, pairs.e)
    bucket = BUCKETS[int((verdict.e_bucket if side == "expected" else verdict.r_bucket)[row])]
    places = np.flatnonzero(own == row)
    if places.size:
        place = int(places[0])
        e, r = int(pairs.e[place]), int(pairs.r[place])
        partner = Candidate(_name(comparison, _opposite(side), int(other[place])), "the partner")
        decided, compared = PASSES[int(pairs.step[place])], tuple(_fields(comparison, e, r))
        candidates = (partner, *_candidates(comparison, side, row, partner.name))
    elif group := _group_of(comparison, side, row):
        decided, compared = group[0], (_sums(comparison, *group[1]),)
        mine, theirs = group[1]
        names = [_name(comparison, "expected", e) for e in mine]
        names += [_name(comparison, "reported", r) for r in theirs]
        candidates = tuple(Candidate(name, "counted together") for name in names)
    else:
        decided, compared = _NOTES.get(bucket.value, "no pass found a partner"), ()
        candidates = tuple(_candidates(comparison, side, row, ""))
    return Certificate(
        _name(comparison, side, row), side, bucket.value, decided, compared, candidates
    )


def _opposite(side: str) -> str:
    return "reported" if side == "expected" else "expected"


def _group_of(
    comparison: Comparison, side: str, row: int
) -> tuple[str, tuple[list[int], list[int]]] | None:
    place = 0 if side == "expected" else 1
    for members in comparison.verdict.parts:
        if row in members[place]:
            return _agreed(comparison, members[0]), members
    for members, bucket in comparison.verdict.groups:
        if row in members[place]:
            return f"no exact answer: {bucket.value}", members
    return None


def _agreed(comparison: Comparison, mine: list[int]) -> str:
    succeeded = (comparison.expected.frame["status"].iloc[mine] == "succeeded").any()
    return "exact sum" if succeeded else "it did not succeed, and the lines come to nothing"


def _sums(comparison: Comparison, mine: list[int], theirs: list[int]) -> str:
    ours, other = comparison.expected.frame.iloc[mine], comparison.reported.frame.iloc[theirs]
    currency = str(ours["currency"].iloc[0])
    sums = [
        format_minor(sum(frame["amount_minor"].tolist()), currency)
        for frame in (ours[ours["status"] == "succeeded"], other)
    ]
    verdict = "agree" if sums[0] == sums[1] else "differ"
    return f"sum: {sums[0]} expected, {sums[1]} reported, {currency}: {verdict}"


def _fields(comparison: Comparison, e: int, r: int) -> Iterator[str]:
    """Both values of every compared field, and whether they agree."""
    ours, theirs = comparison.expected.frame.iloc[e], comparison.reported.frame.iloc[r]
    yield _both("currency", ours["currency"], theirs["currency"])
    for field in ("amount", "fee"):
        values = (
            format_minor(int(side[f"{field}_minor"]), str(side["currency"]))
            for side in (ours, theirs)
        )
        yield _both(field, *values)
    yield _both("kind", ours["kind"], theirs["kind"])
    yield _both("status", ours["status"], "succeeded")
    at = [iso(from_micros(int(side["occurred_at"]))) for side in (ours, theirs)]
    yield f"instant: {at[0]} expected, {at[1]} reported"


def _both(field: str, mine: object, other: object) -> str:
    verdict = "agree" if str(mine) == str(other) else "differ"
    return f"{field}: {mine} expected, {other} reported: {verdict}"


def _candidates(comparison: Comparison, side: str, row: int, partner: str) -> Iterator[Candidate]:
    """Other rows of equal currency and amount, and why none of them is the partner."""
    opposite = _opposite(side)
    own = getattr(comparison, side).frame.iloc[row]
    frame = getattr(comparison, opposite).frame
    alike = (frame["amount_minor"] == own["amount_minor"]) & (frame["currency"] == own["currency"])
    rows: Ints = np.flatnonzero(alike.to_numpy(bool))
    near = np.abs(frame["occurred_at"].to_numpy()[rows] - int(own["occurred_at"]))
    shown = 0
    for other in rows[np.argsort(near, kind="stable")].tolist():
        name = _name(comparison, opposite, other)
        if name != partner and shown < _MOST:
            shown += 1
            yield Candidate(name, _rejected(comparison, side, row, other))


def _rejected(comparison: Comparison, side: str, row: int, other: int) -> str:
    e, r = (row, other) if side == "expected" else (other, row)
    verdict = comparison.verdict
    taken = verdict.pairs.r[verdict.pairs.e == e].size or verdict.pairs.e[verdict.pairs.r == r].size
    ours, theirs = comparison.expected.frame.iloc[e], comparison.reported.frame.iloc[r]
    if taken:
        return "turned down: it has a partner of its own"
    if ours["kind"] != theirs["kind"]:
        return f"turned down: {ours['kind']} against {theirs['kind']}"
    ids = {"named": bool(ours["provider_reference"]), "sort": sort_of(ours["provider_reference"])}
    sorts = {"sort": sort_of(theirs["source"]), "line_sort": sort_of(theirs["reference"])}
    if contradicts(ids, sorts):
        return f"turned down: our {ours['provider_reference']} contradicts {theirs['source']}"
    apart = abs(int(ours["occurred_at"]) - int(theirs["occurred_at"]))
    if apart > comparison.rules.dates_apart_micros:
        return "turned down: too far apart in time"
    return "proposed: equal amount, currency and time are no proof"


def _name(comparison: Comparison, side: str, row: int) -> str:
    frame = getattr(comparison, side).frame
    if side == "expected":
        return str(frame["transaction_id"].iloc[row])
    line = frame.iloc[row]
    files = comparison.reported.files
    file = files[int(line["file"])].name if files else ""
    return f"{file}:{line['line']} {line['reference']}".strip()

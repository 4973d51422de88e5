"""Passes for rows whose ids do not meet: by the payment both belong to.

The provider echoes our payment's id, or names the charge a refund or dispute belongs to. Within one
payment and kind, equal money pairs, exact sums pair, and what is left is a break that shows both
sums. A row of ours that names another object of the same sort is never paired this way: its id
contradicts the pair.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.buckets import Bucket
from domain.matching import payments_by_reference
from reconcile.codes import Ints
from reconcile.frames import Expected, Known
from reconcile.parts import PARTS_MAX, Value, unique_parts
from reconcile.rules import BY_OURS, BY_PARENT, PASSES
from reconcile.sides import Ours, Theirs, chunked, take

_SORT = re.compile(r"([A-Za-z]+)[_-]")

Members = tuple[list[int], list[int]]
"""Rows of ours and rows of theirs."""


@dataclass(slots=True)
class ByPayment:
    """What these passes found."""

    pairs: list[tuple[int, int, int]] = field(default_factory=list)
    """(expected row, reported row, position in `rules.PASSES`)."""
    sums: list[Members] = field(default_factory=list)
    """Rows whose sums agree exactly."""
    groups: list[tuple[Members, Bucket]] = field(default_factory=list)
    """Rows that are one break together."""


def pair_by_payment(
    expected: Expected, ours: Ours, theirs: Theirs, e_rest: Ints, r_rest: Ints
) -> ByPayment:
    """Pair what the earlier passes left over; `e_rest` and `r_rest` are its row numbers."""
    found = ByPayment()
    if not (e_rest.size and r_rest.size):
        return found
    mine = _our_rows(expected, ours, e_rest)
    reported = _their_rows(theirs, r_rest, payments_of(expected, ours))
    reported = reported[reported["payment"].isin(set(mine["payment"]))]
    mine = mine[mine["payment"].isin(set(reported["payment"]))]
    if reported.empty:
        return found
    mine, reported = _equal_money(mine, reported, found)
    for es, rs in _families(mine, reported):
        _settle(es, rs, found)
    return found


def payments_of(expected: Expected, ours: Ours) -> "Payments":
    """Which payment a provider's id belongs to, as far as our ledger knows."""
    return Payments(ours.reference, ours.payment, expected.known)


@dataclass(frozen=True, slots=True)
class Payments:
    """Payment ids by the provider references of our ledger."""

    references: Any
    payments: Any
    known: Known

    def of(self, ids: Sequence[str]) -> list[str]:
        """The payment of each id, empty where our ledger has none under it."""
        held = self._held(ids)
        return [held.get(name, "") for name in ids]

    def holds(self, ids: Sequence[str]) -> list[bool]:
        """Whether our ledger has each id at all, whatever payment it belongs to."""
        held = self._held(ids)
        return [name in held for name in ids]

    def _held(self, ids: Sequence[str]) -> dict[str, str]:
        """Those of the ids that our ledger has -> payment; the many are searched for the few."""
        wanted = {name for name in ids if name}
        if not wanted:
            return {}
        found = pc.is_in(self.references, value_set=pa.array(wanted, pa.string()))
        rows = np.flatnonzero(found.to_numpy())
        names, payments = (take(c, rows).to_pylist() for c in (self.references, self.payments))
        near = payments_by_reference(zip(names, payments, strict=True))
        return {**near, **self.known(wanted - near.keys())}


def sort_of(name: str) -> str:
    """What an id says about its own sort: the letters before its first underscore or hyphen."""
    match = _SORT.match(name)
    return match[1].lower() if match else ""


def _our_rows(expected: Expected, ours: Ours, rows: Ints) -> pd.DataFrame:
    """The rows that belong to a payment, in an order that depends on their contents alone."""
    references = take(ours.reference, rows).to_pylist()
    found = pd.DataFrame(
        {
            "row": rows,
            "at": ours.at[rows],
            "name": take(chunked(expected.frame["transaction_id"]), rows).to_pylist(),
            "payment": take(ours.payment, rows).to_pylist(),
            "kind": ours.kind[rows],
            "currency": ours.currency[rows],
            "amount": ours.amount[rows],
            "fee": ours.fee[rows],
            "named": [bool(name) for name in references],
            "sort": [sort_of(name) for name in references],
        }
    )
    return _ranked(found, ["at", "name"])


def _ranked(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    filled = frame[frame["payment"] != ""].sort_values(by, kind="stable", ignore_index=True)
    return filled.assign(rank=filled.index)


def _their_rows(theirs: Theirs, rows: Ints, payments: Payments) -> pd.DataFrame:
    """The rows that belong to a payment, in an order that depends on their contents alone."""
    echoed = take(theirs.ours, rows).to_pylist()
    by_parent = payments.of(take(theirs.parent, rows).to_pylist())
    by_source = payments.of(take(theirs.source, rows).to_pylist())
    names = [
        (echo or parent or source, PASSES.index(BY_OURS if echo else BY_PARENT))
        for echo, parent, source in zip(echoed, by_parent, by_source, strict=True)
    ]
    references, sources = (take(ids, rows).to_pylist() for ids in (theirs.reference, theirs.source))
    found = pd.DataFrame(
        {
            "row": rows,
            "at": theirs.at[rows],
            "name": references,
            "source": sources,
            "place": theirs.place[rows],
            "payment": [name for name, _ in names],
            "step": [step for _, step in names],
            "kind": theirs.kind[rows],
            "currency": theirs.currency[rows],
            "amount": theirs.amount[rows],
            "fee": theirs.fee[rows],
            "sort": [sort_of(name) for name in sources],
            "line_sort": [sort_of(name) for name in references],
        }
    )
    return _ranked(found, ["at", "name", "source", "place"])


def contradicts(mine: Any, other: Any) -> Any:
    """Whether ids of the same sort differ: rows or whole columns of `named` and `sort`."""
    return mine["named"] & ((mine["sort"] == other["sort"]) | (mine["sort"] == other["line_sort"]))


def _equal_money(
    mine: pd.DataFrame, reported: pd.DataFrame, found: ByPayment
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pair equal money within a payment and kind.

    Rows whose ids are of the same sorts are interchangeable; sorts that contradict each other are
    passed over, and rows of ours that name an object choose before those that name none.
    """
    theirs = sorted(set(zip(reported["sort"], reported["line_sort"], strict=True)))
    for silent, sort in sorted(set(zip(~mine["named"], mine["sort"], strict=True))):
        for other in theirs:
            if not silent and sort in other:
                continue
            some = mine[(mine["named"] != silent) & (mine["sort"] == sort)]
            fit = (reported["sort"] == other[0]) & (reported["line_sort"] == other[1])
            both = _in_turn(some, reported[fit])
            rows = (both[name].tolist() for name in ("row", "row_r", "step"))
            found.pairs += list(zip(*rows, strict=True))
            mine = mine[~mine["row"].isin(set(both["row"]))]
            reported = reported[~reported["row"].isin(set(both["row_r"]))]
    return mine, reported


def _in_turn(mine: pd.DataFrame, reported: pd.DataFrame) -> pd.DataFrame:
    """The first row of either side with equal money, the second of either side, and so on."""
    key = ["payment", "kind", "currency", "amount", "fee"]
    mine = mine.assign(again=mine.groupby(key).cumcount())
    reported = reported.assign(again=reported.groupby(key).cumcount())
    return mine.merge(reported, on=[*key, "again"], suffixes=("", "_r"))


Record = dict[str, Any]


def _families(
    mine: pd.DataFrame, reported: pd.DataFrame
) -> Iterator[tuple[list[Record], list[Record]]]:
    """Rows of one payment, kind and currency that do not contradict each other, in a fixed order.

    A row of ours drops out when any row of theirs in the family contradicts it.
    """
    key = ["payment", "kind", "currency"]
    order = ["amount", "fee", "rank"]
    theirs = dict(list(reported.sort_values(order).groupby(key)))
    for name, part in mine.sort_values(order).groupby(key):
        if name in theirs:
            rs = _records(theirs[name])
            es = [e for e in _records(part) if not any(bool(contradicts(e, r)) for r in rs)]
            if es:
                yield es, rs


def _records(frame: pd.DataFrame) -> list[Record]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _settle(es: list[Record], rs: list[Record], found: ByPayment) -> None:
    """Pair one family, or say what kind of break it is."""
    if len(es) == len(rs) == 1:
        found.pairs.append((es[0]["row"], rs[0]["row"], rs[0]["step"]))
        return
    small = max(len(es), len(rs)) <= PARTS_MAX
    if small and _sum(es) == _sum(rs):
        found.sums.append(_members(es, rs))
        return
    if small and len(es) == 1:
        chosen = _parts(_value(es[0]), rs)
        if chosen:
            found.sums.append(_members(es, chosen))
            return
    if small and len(rs) == 1:
        chosen = _parts(_value(rs[0]), es)
        if chosen:
            found.sums.append(_members(chosen, rs))
            return
    if min(len(es), len(rs)) == 1:
        short = abs(_sum(rs)[1]) < abs(_sum(es)[1])
        found.groups.append((_members(es, rs), Bucket.SUM_SHORT if short else Bucket.SUM_OVER))
        return
    found.groups.append((_members(es, rs), Bucket.AMBIGUOUS))


def _parts(target: Value, rows: Sequence[Record]) -> list[Record]:
    """The one set of rows that sums to `target`, or nothing."""
    wanted = unique_parts(target, [_value(row) for row in rows])
    if wanted is None:
        return []
    chosen = []
    for row in rows:
        if wanted[_value(row)] > 0:
            wanted[_value(row)] -= 1
            chosen.append(row)
    return chosen


def _value(row: Record) -> Value:
    return row["currency"], row["amount"], row["fee"]


def _sum(rows: Sequence[Record]) -> Value:
    return rows[0]["currency"], sum(r["amount"] for r in rows), sum(r["fee"] for r in rows)


def _members(es: Sequence[Record], rs: Sequence[Record]) -> Members:
    return sorted(row["row"] for row in es), sorted(row["row"] for row in rs)

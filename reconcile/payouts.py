"""The payout equation: which lines each payout paid, and whether they come to what was paid.

Where the provider says it of every line, its word is taken and checked. Where it does not, a payout
that empties the balance is everything since the last one, and any other is searched for: one exact
set of lines is an answer, none or several are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from domain.clock import from_micros, iso
from domain.payout import MembersBy, PayoutProof
from reconcile.codes import Ints
from reconcile.payout_lines import Loose, Parts, payout_rows, stated_parts
from reconcile.sums import SEARCH_MAX, solutions

AUTOMATIC = frozenset({"T0401"})
"""Words of payouts that empty the balance by the provider's own rule."""


@dataclass(slots=True)
class _Payout:
    """One payout while its lines are looked for."""

    name: str
    line: dict[str, Any]
    returned: bool = False


def prove_payouts(frame: pd.DataFrame) -> tuple[PayoutProof, ...]:
    """Every payout of a reported frame with its lines, oldest first.

    The frame has to reach back to the payout before the first one of interest.
    """
    places = payout_rows(frame)
    rows = _records(frame, places)
    if not rows:
        return ()
    payouts, returns = _sort_out(rows)
    stated = stated_parts(frame, {row["row"]: (row["source"], row["reference"]) for row in rows})
    loose = Loose(frame, places, [row["row"] for row in returns])
    return tuple(_prove(payout, stated, loose) for payout in payouts)


def _records(frame: pd.DataFrame, rows: Ints) -> list[dict[str, Any]]:
    """The few rows that are payouts, in an order that depends on their contents alone."""
    names = ("reference", "source", "parent", "bank_reference", "category", "amount_minor",
             "fee_minor", "currency", "occurred_at")  # fmt: skip
    plain = frame[list(names)].iloc[rows].astype(object)
    plain["row"] = rows
    found = [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]
    return sorted(found, key=_order)


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["occurred_at"], row["reference"], row["amount_minor"], row["fee_minor"]


def _sort_out(rows: Sequence[dict[str, Any]]) -> tuple[list[_Payout], list[dict[str, Any]]]:
    """The payouts, and the lines that bring a failed one back."""
    payouts: list[_Payout] = []
    returns: list[dict[str, Any]] = []
    by_name: dict[str, _Payout] = {}
    for row in rows:
        names = [name for name in (row["source"], row["parent"], row["reference"]) if name]
        first = next((by_name[name] for name in names if name in by_name), None)
        back = first is not None and row["amount_minor"] == -first.line["amount_minor"]
        if first is not None and back and not first.returned:
            first.returned = True
            returns.append(row)
            continue
        payout = _Payout(row["source"] or row["reference"], row)
        payouts.append(payout)
        by_name |= dict.fromkeys((row["source"] or row["reference"], row["reference"]), payout)
    return payouts, returns


def _prove(payout: _Payout, stated: Mapping[str, Parts], loose: Loose) -> PayoutProof:
    if payout.name in stated:
        return _proof(payout, MembersBy.STATED, stated[payout.name])
    if payout.returned:
        return _proof(payout, MembersBy.RETURNED, ())
    row = payout.line["row"]
    before = loose.before(row)
    if payout.line["category"] in AUTOMATIC:
        return _proof(payout, MembersBy.SWEPT, loose.take(before))
    chosen, note = _search(loose, before, -payout.line["amount_minor"] - payout.line["fee_minor"])
    parts = loose.take(chosen)
    if note:
        loose.add(row)
    return _proof(payout, MembersBy.NONE if note else MembersBy.SEARCHED, parts, note)


def _search(loose: Loose, rows: Ints, paid: int) -> tuple[Ints, str]:
    """The one set of lines that comes to `paid`, or nothing and the reason."""
    none = np.zeros(0, np.int64)
    if len(rows) > SEARCH_MAX:
        return none, f"{len(rows)} lines could be part of it, too many to be sure of any set"
    rows = loose.in_order(rows)
    found = solutions(loose.values(rows), paid)
    if len(found) == 1:
        return rows[list(found[0])], ""
    return none, (
        "more than one set of lines comes to it" if found else "no set of lines comes to it"
    )


def _proof(payout: _Payout, by: MembersBy, parts: Parts, note: str = "") -> PayoutProof:
    line = payout.line
    return PayoutProof(
        payout_id=payout.name,
        currency=line["currency"],
        paid_minor=-line["amount_minor"] - line["fee_minor"],
        occurred_at=iso(from_micros(line["occurred_at"])),
        bank_reference=line["bank_reference"],
        members_by=by,
        parts=parts,
        note=note,
    )

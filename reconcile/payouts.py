"""The payout equation: which lines each payout paid, and whether they come to what was paid.

Where the provider says it of every line, its word is taken and checked. Where it does not, a payout
that empties the balance is everything since the last one, and any other is searched for: one exact
set of lines is an answer, none or several are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from domain.clock import from_micros, iso
from domain.payout import MembersBy, PayoutProof
from reconcile.frames import Frames
from reconcile.payout_lines import (
    Line,
    Loose,
    Parts,
    line_of,
    money_parts,
    payout_rows,
    stated_parts,
)
from reconcile.sides import some_rows
from reconcile.sums import SEARCH_MAX, solutions

AUTOMATIC = frozenset({"T0401"})
"""Words of payouts that empty the balance by the provider's own rule."""

_ROW = ("reference", "source", "parent", "bank_reference", "category", "amount_minor", "fee_minor",
        "currency", "occurred_at")  # fmt: skip


@dataclass(slots=True)
class _Payout:
    """One payout while its lines are looked for."""

    name: str
    line: dict[str, Any]
    returned: bool = False


def prove_payouts(parts: Frames) -> tuple[PayoutProof, ...]:
    """Every payout of a reported side with its lines, oldest first.

    The side has to reach back to the payout before the first one of interest.
    """
    rows = sorted((row for part in parts() for row in _records(part)), key=_order)
    if not rows:
        return ()
    payouts, returns = _sort_out(rows)
    loose = Loose((payout.line for payout in payouts), map(line_of, returns))
    stated: dict[str, Parts] = {}
    for frame in money_parts(parts):
        _add(stated, stated_parts(frame))
        loose.add_lines(frame)
    return tuple(_prove(payout, stated, loose) for payout in payouts)


def _records(part: pd.DataFrame) -> list[dict[str, Any]]:
    """The few rows that are payouts."""
    plain = some_rows(part, payout_rows(part))[list(_ROW)].astype(object)
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    """By contents alone."""
    return row["occurred_at"], row["reference"], row["amount_minor"], row["fee_minor"]


def _sort_out(rows: Sequence[dict[str, Any]]) -> tuple[list[_Payout], list[dict[str, Any]]]:
    """The payouts, and the lines that bring a failed one back.

    A payout is one, however often its line comes: that it came again is said of the line.
    """
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
        own = row["source"] or row["reference"]
        if own in by_name:
            continue
        payout = _Payout(own, row)
        payouts.append(payout)
        by_name |= dict.fromkeys((own, row["reference"]), payout)
    return payouts, returns


def _add(stated: dict[str, Parts], more: Mapping[str, Parts]) -> None:
    for name, parts in more.items():
        stated.setdefault(name, Parts()).add_all(parts)


def _prove(payout: _Payout, stated: Mapping[str, Parts], loose: Loose) -> PayoutProof:
    if payout.name in stated:
        return _proof(payout, MembersBy.STATED, stated[payout.name])
    if payout.returned:
        return _proof(payout, MembersBy.RETURNED, Parts())
    currency, at = payout.line["currency"], payout.line["occurred_at"]
    if payout.line["category"] in AUTOMATIC:
        return _proof(payout, MembersBy.SWEPT, loose.sweep(currency, at))
    paid = -payout.line["amount_minor"] - payout.line["fee_minor"]
    chosen, note = _search(loose, currency, at, paid)
    if note:
        # Nobody knows what it took: the next one pays that less.
        loose.add(line_of(payout.line))
        return _proof(payout, MembersBy.NONE, Parts(), note)
    return _proof(payout, MembersBy.SEARCHED, loose.take(chosen))


def _search(loose: Loose, currency: str, at: int, paid: int) -> tuple[list[Line], str]:
    """The one set of lines that comes to `paid`, or nothing and the reason."""
    count = loose.count(currency, at)
    if count > SEARCH_MAX:
        return [], f"{count} lines could be part of it, too many to be sure of any set"
    lines = loose.before(currency, at)
    found = solutions([line.amount_minor - line.fee_minor for line in lines], paid)
    if len(found) == 1:
        return [lines[place] for place in found[0]], ""
    return [], "more than one set of lines comes to it" if found else "no set of lines comes to it"


def _proof(payout: _Payout, by: MembersBy, parts: Parts, note: str = "") -> PayoutProof:
    line = payout.line
    return PayoutProof(
        payout_id=payout.name,
        currency=line["currency"],
        paid_minor=-line["amount_minor"] - line["fee_minor"],
        occurred_at=iso(from_micros(line["occurred_at"])),
        bank_reference=line["bank_reference"],
        members_by=by,
        parts=parts.told(),
        note=note,
    )

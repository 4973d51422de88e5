"""The payout equation: which lines each payout paid, and whether they come to what was paid.

Where the provider says it of every line, its word is taken and checked. Where it does not, a payout
that empties the balance is everything since the last one, and any other is searched for: one exact
set of lines is an answer, none or several are not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from domain.clock import from_micros, iso
from domain.payout import MembersBy, PayoutPart, PayoutProof
from domain.settlement import LineKind
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
    lines = frame[frame["kind"] != LineKind.MEMO.value]
    is_payout = lines["kind"] == LineKind.PAYOUT.value
    rows = _records(lines[is_payout])
    payouts, returns = _sort_out(rows)
    named = _by_payout(lines, rows)
    loose = [*_once(_records(lines[~is_payout & (lines["payout"] == "")])), *returns]
    loose.sort(key=_order)
    taken: set[int] = set()
    return tuple(_prove(payout, named, loose, taken) for payout in payouts)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = ("reference", "source", "parent", "payout", "bank_reference", "category", "kind",
             "amount_minor", "fee_minor", "currency", "occurred_at")  # fmt: skip
    plain = frame[list(names)].astype(object)
    plain["row"] = frame.index
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


def _by_payout(
    lines: pd.DataFrame, payouts: Sequence[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """The lines the provider names for each payout; a payout is not its own line."""
    own = {row["row"]: (row["source"], row["reference"]) for row in payouts}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _records(lines[lines["payout"] != ""]):
        if row["payout"] not in own.get(row["row"], ()):
            found.setdefault(row["payout"], []).append(row)
    return {name: _once(rows) for name, rows in found.items()}


def _once(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without those that repeat another in everything: money moves once."""
    names = ("reference", "category", "amount_minor", "fee_minor", "currency", "occurred_at")
    return list({tuple(row[name] for name in names): row for row in reversed(rows)}.values())[::-1]


def _prove(
    payout: _Payout,
    named: dict[str, list[dict[str, Any]]],
    loose: list[dict[str, Any]],
    taken: set[int],
) -> PayoutProof:
    if payout.name in named:
        return _proof(payout, MembersBy.STATED, named[payout.name])
    if payout.returned:
        return _proof(payout, MembersBy.RETURNED, [])
    paid = -payout.line["amount_minor"] - payout.line["fee_minor"]
    before = [
        row
        for row in loose
        if row["row"] not in taken
        and row["currency"] == payout.line["currency"]
        and row["occurred_at"] <= payout.line["occurred_at"]
    ]
    if payout.line["category"] in AUTOMATIC:
        taken |= {row["row"] for row in before}
        return _proof(payout, MembersBy.SWEPT, before)
    chosen, note = _search(before, paid)
    taken |= {row["row"] for row in chosen}
    if note:
        # Nobody knows what it took, but the balance is less by it: the next sweep pays that less.
        loose.append(payout.line)
    return _proof(payout, MembersBy.NONE if note else MembersBy.SEARCHED, chosen, note)


def _search(rows: Sequence[dict[str, Any]], paid: int) -> tuple[list[dict[str, Any]], str]:
    """The one set of lines that comes to `paid`, or nothing and the reason."""
    values = [row["amount_minor"] - row["fee_minor"] for row in rows]
    if len(values) > SEARCH_MAX:
        return [], f"{len(values)} lines could be part of it, too many to be sure of any set"
    found = solutions(values, paid)
    if len(found) == 1:
        return [rows[place] for place in found[0]], ""
    return [], "more than one set of lines comes to it" if found else "no set of lines comes to it"


def _proof(
    payout: _Payout, by: MembersBy, members: Iterable[dict[str, Any]], note: str = ""
) -> PayoutProof:
    line = payout.line
    sums: dict[str, list[int]] = {}
    for row in members:
        kind = row["kind"] if isinstance(row["kind"], str) and row["kind"] else "unknown"
        part = sums.setdefault(kind, [0, 0, 0])
        for place, value in enumerate((1, row["amount_minor"], row["fee_minor"])):
            part[place] += value
    order = [*(kind.value for kind in LineKind), "unknown"]
    return PayoutProof(
        payout_id=payout.name,
        currency=line["currency"],
        paid_minor=-line["amount_minor"] - line["fee_minor"],
        occurred_at=iso(from_micros(line["occurred_at"])),
        bank_reference=line["bank_reference"],
        members_by=by,
        parts=tuple(PayoutPart(kind, *sums[kind]) for kind in order if kind in sums),
        note=note,
    )

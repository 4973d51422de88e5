"""Rows without a partner, named more closely: what they are, and whether somebody may be theirs.

Amount, currency and time alone never make a pair. They only say that a row could be another's
partner: then nothing is missing for certain, and with several candidates the rows are `ambiguous`.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.buckets import Bucket
from domain.settlement import LineKind
from reconcile.by_payment import Members, Payments
from reconcile.codes import KIND_CODES, Array, Bools, Ints
from reconcile.rules import Rules
from reconcile.sides import Ours, Theirs, take

_CODE = {kind: KIND_CODES[kind.value] for kind in LineKind}


def their_kinds(theirs: Theirs, alone: Ints, payments: Payments) -> list[Bucket]:
    """What reported rows are that our ledger lacks, one bucket each."""
    kinds = theirs.kind[alone]
    found = np.full(len(alone), Bucket.MISSING_IN_LEDGER, object)
    found[kinds < 0] = Bucket.UNKNOWN_KIND
    found[kinds == _CODE[LineKind.CONVERSION]] = Bucket.FX_DIFFERENCE
    for kind in (LineKind.DISPUTE, LineKind.DISPUTE_REVERSAL):
        found[kinds == _CODE[kind]] = Bucket.UNKNOWN_DISPUTE
    _name_fees(theirs, alone, found)
    _name_refunds(theirs, alone, payments, found)
    return list(found)


def _name_fees(theirs: Theirs, alone: Ints, found: Array) -> None:
    """A fee line of its own: with a payment behind it, or for a period."""
    fees = np.flatnonzero(theirs.kind[alone] == _CODE[LineKind.FEE])
    if not fees.size:
        return
    belongs = _filled(theirs.parent, alone[fees]) | _filled(theirs.ours, alone[fees])
    found[fees[belongs]] = Bucket.UNEXPECTED_FEE
    found[fees[~belongs]] = Bucket.PERIOD_FEE


def _name_refunds(theirs: Theirs, alone: Ints, payments: Payments, found: Array) -> None:
    """A refund whose charge neither our ledger nor any file has."""
    refunds = np.flatnonzero(theirs.kind[alone] == _CODE[LineKind.REFUND])
    if not refunds.size:
        return
    parents = take(theirs.parent, alone[refunds]).to_pylist()
    held = payments.of(parents)
    known = payments.holds(parents)
    reported = _reported_charges(theirs, parents)
    strangers = [
        bool(parent) and not payment and not ours and parent not in reported
        for parent, payment, ours in zip(parents, held, known, strict=True)
    ]
    found[refunds[np.array(strangers, bool)]] = Bucket.REFUND_WITHOUT_CHARGE


def _reported_charges(theirs: Theirs, names: list[str]) -> set[str]:
    """Those of the names that a reported charge goes by."""
    wanted = pa.array({name for name in names if name}, pa.string())
    found: set[str] = set()
    for column in (theirs.source, theirs.reference):
        hits = pc.is_in(column, value_set=wanted).to_numpy()
        rows = np.flatnonzero(hits & (theirs.kind == _CODE[LineKind.CHARGE]))
        found |= set(take(column, rows).to_pylist())
    return found


def _filled(column: Any, rows: Ints) -> Bools:
    return np.array([bool(text) for text in take(column, rows).to_pylist()], bool)


def ambiguous(
    ours: Ours, theirs: Theirs, e_alone: Ints, r_alone: Ints, rules: Rules
) -> list[Members]:
    """Groups of rows that could be each other's partners equally well.

    Only rows of ours that name no id take part: an id that was not found contradicts every pair.
    One row on either side is a proposal, shown by `candidates`, and stays what it is.
    """
    silent = e_alone[~_filled(ours.reference, e_alone)] if e_alone.size else e_alone
    if not (silent.size and r_alone.size):
        return []
    found = []
    for es, rs in _alike(ours, theirs, silent, r_alone):
        es, rs = _near(ours, theirs, es, rs, rules)
        if es and rs and len(es) + len(rs) > 2:
            found.append((es, rs))
    return found


def _alike(ours: Ours, theirs: Theirs, e: Ints, r: Ints) -> list[Members]:
    """Rows of equal kind, currency and amount, where both sides have some."""
    key = ["kind", "currency", "amount"]
    mine = pd.DataFrame(
        {"row": e, "kind": ours.kind[e], "currency": ours.currency[e], "amount": ours.amount[e]}
    )
    other = pd.DataFrame(
        {"row": r, "kind": theirs.kind[r], "currency": theirs.currency[r],
         "amount": theirs.amount[r]}
    )  # fmt: skip
    theirs_by = other.groupby(key)["row"].apply(list).to_dict()
    ours_by = mine.groupby(key)["row"].apply(list).to_dict()
    return [(rows, theirs_by[name]) for name, rows in ours_by.items() if name in theirs_by]


def _near(ours: Ours, theirs: Theirs, es: list[int], rs: list[int], rules: Rules) -> Members:
    """Those that have somebody of the other side within the allowed time."""
    at_e, at_r = np.sort(ours.at[es]), np.sort(theirs.at[rs])
    limit = rules.dates_apart_micros
    return (
        sorted(row for row in es if _any_within(at_r, int(ours.at[row]), limit)),
        sorted(row for row in rs if _any_within(at_e, int(theirs.at[row]), limit)),
    )


def _any_within(instants: Ints, at: int, limit: int) -> bool:
    place = int(np.searchsorted(instants, at - limit))
    return place < len(instants) and int(instants[place]) <= at + limit

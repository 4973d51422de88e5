"""Why a break of an earlier run is gone: what its rows say now.

A break is only cleared by evidence about it. One whose rows this run did not look at stays open.
"""

from collections.abc import Iterable

import numpy as np

from domain.arrival import Arrival
from domain.break_life import BreakRecord
from domain.buckets import Bucket
from domain.payout import PayoutProof
from reconcile.classify import BUCKETS
from reconcile.comparison import Comparison
from reconcile.rules import PASSES

_PAYOUTS = (Bucket.PAYOUT_TOTAL, Bucket.PAYOUT_UNEXPLAINED)
_BANK = (Bucket.PAYOUT_NOT_IN_BANK, Bucket.BANK_AMOUNT, Bucket.BANK_WITHOUT_PAYOUT)
_OF_FILES = (Bucket.UNREADABLE, Bucket.CONTROL_TOTAL, Bucket.BALANCE_GAP)
"""Only a corrected file or a person can settle these."""


def evidence_for(
    gone: Iterable[BreakRecord],
    comparison: Comparison,
    payouts: Iterable[PayoutProof],
    arrivals: Iterable[Arrival],
) -> dict[str, str]:
    """Why each break is gone, for those this run can say it of; break id -> one sentence."""
    records = list(gone)
    ours = _rows(comparison, "expected", {r.transaction_id for r in records if r.transaction_id})
    theirs = _rows(comparison, "reported", {r.provider_reference for r in records})
    arrived = {arrival.payout_id: arrival for arrival in arrivals}
    arrived |= {arrival.deposit: arrival for arrival in arrived.values()}
    proven = {proof.payout_id: proof for proof in payouts}
    found: dict[str, str] = {}
    for record in records:
        if record.kind in _OF_FILES:
            continue
        if record.kind in _BANK:
            arrival = arrived.get(record.provider_reference)
            if arrival is not None:
                found[record.break_id] = (
                    f"{arrival.payout_id} arrived on {arrival.booked_on}, found by {arrival.by}"
                )
            continue
        if record.kind in _PAYOUTS:
            proof = proven.get(record.provider_reference)
            if proof is not None:
                found[record.break_id] = f"the payout adds up: lines {proof.members_by.value}"
            continue
        text = ours.get(record.transaction_id) or theirs.get(record.provider_reference)
        if text:
            found[record.break_id] = text
    return found


def _rows(comparison: Comparison, side: str, names: set[str]) -> dict[str, str]:
    """What became of rows of one side, by transaction id or by line and source id; of several rows
    the one that has a partner speaks, and the order of rows means nothing."""
    frame = getattr(comparison, side).frame
    keys = ("transaction_id",) if side == "expected" else ("source", "reference")
    verdict = comparison.verdict
    buckets = verdict.e_bucket if side == "expected" else verdict.r_bucket
    own, other = (
        (verdict.pairs.e, verdict.pairs.r)
        if side == "expected"
        else (verdict.pairs.r, verdict.pairs.e)
    )
    partner = dict(zip(own.tolist(), range(len(own)), strict=True)) if names else {}
    summed = {row for part in verdict.parts for row in part[0 if side == "expected" else 1]}
    said: dict[str, set[tuple[bool, str]]] = {}
    for key in keys:
        hits: list[int] = np.flatnonzero(frame[key].isin(names).to_numpy(bool)).tolist()
        for row in hits:
            place = partner.get(row)
            if place is None:
                sentence = _alone(BUCKETS[int(buckets[row])], summed=row in summed)
            else:
                step = PASSES[int(verdict.pairs.step[place])]
                name = _partner(comparison, side, int(other[place]))
                sentence = f"agrees with {name}, found by {step}"
            said.setdefault(frame[key].iloc[row], set()).add((place is None, sentence))
    return {name: min(sentences)[1] for name, sentences in said.items()}


def _alone(bucket: Bucket, *, summed: bool) -> str:
    if bucket is Bucket.NOT_EXPECTED and summed:
        return "the provider's lines of it come to nothing"
    if bucket is Bucket.NOT_EXPECTED:
        return "our ledger does not hold it as succeeded any more"
    return f"its rows are {bucket.replace('_', ' ')} together with others"


def _partner(comparison: Comparison, side: str, row: int) -> str:
    if side == "expected":
        frame = comparison.reported.frame
        return f"the provider's line {frame['reference'].iloc[row]}"
    return f"our transaction {comparison.expected.frame['transaction_id'].iloc[row]}"

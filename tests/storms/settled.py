"""Liveness: what must hold when faults are over, late requests arrived and sweeps have run."""

from collections import Counter
from collections.abc import Iterator

from tests.storms.checks import OPEN, Rows
from tests.storms.truth import Truth

_STATE = {
    "needs_method": ("processing", "pending", "failed", "cancelled"),
    "needs_confirmation": ("processing", "pending"),
    "needs_action": ("requires_action", "processing"),
    "processing": ("processing",),
    "approved": (),
    "authorized": ("authorized",),
    "succeeded": ("succeeded", "refunded"),
    "cancelled": ("cancelled", "failed"),
}
"""What a payment may be called when its object at the provider has that status."""

WAITS = ("needs_action", "processing")
"""Statuses in which somebody else has to act: an open operation is no fault of ours."""


def unsettled(books: Rows, truth: Truth) -> Iterator[tuple[str, str]]:
    """What is not settled, as (payment id or currency, sentence); empty once all converged."""
    status = {t.intent_id: t.status for t in truth.paid}
    waiting = {
        p["payment_id"] for p in books["payments"] if status.get(p["provider_payment_id"]) in WAITS
    }
    for o in books["operations"]:
        if o["state"] in OPEN and o["payment_id"] not in waiting:
            yield o["payment_id"], f"the {o['kind']} {o['operation_id']} is {o['state']}"
    for p in books["payments"]:
        theirs = status.get(p["provider_payment_id"])
        if theirs is not None and p["state"] not in _STATE[theirs]:
            yield p["payment_id"], f"it is {p['state']}, {p['provider_payment_id']} is {theirs}"
        if theirs is None and p["state"] not in ("failed", "cancelled"):
            yield p["payment_id"], f"it is {p['state']} and unknown to the provider"


def unlike_truth(books: Rows, truth: Truth) -> Iterator[tuple[str, str]]:
    """I4 and I14 at the end: every movement attached, amounts and balances equal."""
    ours = {p["provider_payment_id"]: p for p in books["payments"] if p["provider_payment_id"]}
    for t in truth.paid:
        p = ours.get(t.intent_id)
        if p is None and (t.captured or t.refunded):
            yield "I4", f"{t.intent_id} moved money that belongs to no payment"
        if p is not None and (p["captured_minor"], p["refunded_minor"]) != (t.captured, t.refunded):
            yield "I14", f"{p['payment_id']}: ours {p['captured_minor']}, theirs {t.captured}"
    if _balances(books) != truth.net:
        yield "I14", f"the ledger holds {_balances(books)}, the provider {truth.net}"


def _balances(books: Rows) -> dict[str, int]:
    total: Counter[str] = Counter()
    for line in books["postings"]:
        for side, sign in (("destination", 1), ("source", -1)):
            if line[side] == "provider_balance":
                total[line["currency"]] += sign * line["amount_minor"]
    return {c: n for c, n in total.items() if n}


def queued(books: Rows) -> set[str]:
    """Payments that a person has been asked to look at."""
    return {r["payment_id"] for r in books["reviews"] if r["state"] == "open"}

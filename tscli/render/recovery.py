"""Sweeps, reviews and evidence as plain data for every format."""

import json
from typing import Any

from domain.audit import AuditRecord
from domain.clock import iso
from domain.operation import Operation, Step
from domain.payment import Payment
from domain.recovery import Evidence, Orphans, Swept
from domain.review import Review, ReviewKind
from tscli.render.payments import money
from tscli.render.view import Column

SWEEP_COLUMNS = (
    Column("payment_id", "payment", stack=True),
    Column("outcome", "outcome"),
    Column("before", "before"),
    Column("after", "after"),
    Column("changed", "what changed", stack=True),
    Column("why", "why", stack=True),
)
QUEUE_COLUMNS = (
    Column("id", "review", stack=True),
    Column("kind", "kind"),
    Column("payment_id", "payment", stack=True),
    Column("amount.value", "amount", number=True),
    Column("amount.currency", "cur"),
    Column("opened_at", "since", stack=True),
    Column("reason", "reason", stack=True),
)
LADDER_COLUMNS = (
    Column("at", "at", stack=True),
    Column("what", "what", stack=True),
    Column("detail", "detail"),
)

REMEDIES: dict[ReviewKind, str] = {
    ReviewKind.CONTRADICTED: "Compare both views; it leaves the queue when they agree again.",
    ReviewKind.TOO_OLD: "`tscli recover retry PAYMENT` asks once more and sends with a fresh key;"
    " `tscli recover resolve REVIEW` writes down what you have found out.",
    ReviewKind.UNSETTLED: "`tscli recover explain PAYMENT` shows what is missing.",
    ReviewKind.REFUSED: "Find out who used our key or which setting is wrong, then"
    " `tscli recover retry PAYMENT`.",
    ReviewKind.ORPHAN: "Find out who made it; refund it at the provider if it is nobody's, then"
    " `tscli recover resolve REVIEW`.",
}
"""What helps with each kind of review."""


def swept_data(swept: Swept) -> dict[str, Any]:
    """One payment of a sweep."""
    return {
        "payment_id": swept.payment_id,
        "provider": swept.provider,
        "outcome": swept.outcome.value,
        "before": str(swept.before),
        "after": str(swept.after),
        "changes": list(swept.changes),
        "changed": "; ".join(swept.changes),
        "why": swept.why,
    }


def review_data(review: Review) -> dict[str, Any]:
    """One review."""
    amount = review.amount_minor
    return {
        "id": review.review_id,
        "kind": review.kind.value,
        "state": "open" if review.is_open else "closed",
        "subject": review.subject,
        "payment_id": review.payment_id,
        "operation_id": review.operation_id,
        "provider": review.owner.provider,
        "account": review.owner.account,
        "mode": review.owner.mode,
        "amount": None if amount is None else money(amount, review.currency),
        "reason": review.reason,
        "opened_at": iso(review.opened_at),
        "seen_at": iso(review.seen_at),
        "closed_at": iso(review.closed_at) if review.closed_at else None,
        "closed_by": review.closed_by,
        "resolution": review.resolution,
        "ticket": review.ticket,
    }


def review_detail(review: Review) -> dict[str, Any]:
    """One review with its evidence and what helps."""
    return review_data(review) | {
        "evidence": json.loads(review.evidence),
        "remedy": _named(REMEDIES[review.kind], review),
    }


def _named(remedy: str, review: Review) -> str:
    return remedy.replace("PAYMENT", review.payment_id or "PAYMENT").replace(
        "REVIEW", review.review_id
    )


def evidence_data(evidence: Evidence) -> dict[str, Any]:
    """The evidence ladder of a payment."""
    payment = evidence.payment
    return {
        "payment_id": payment.payment_id,
        "state": payment.state.value,
        "provider_payment_id": payment.provider_payment_id,
        "next_check_at": iso(payment.next_check_at) if payment.next_check_at else None,
        "operations": [_operation(o, payment, evidence.settles) for o in evidence.operations],
        "reviews": [review_data(r) for r in evidence.reviews],
        "ladder": [ladder_row(r) for r in evidence.history],
    }


def _operation(operation: Operation, payment: Payment, settles: dict[str, str]) -> dict[str, Any]:
    sent = operation.step_sent_at
    return {
        "id": operation.operation_id,
        "kind": operation.kind.value,
        "state": operation.state.value,
        "amount": money(operation.amount_minor, payment.currency),
        "sent": operation.step or None,
        "key": operation.key(Step(operation.step)) if operation.step else None,
        "key_born_at": iso(sent) if sent else None,
        "last_answer": operation.error_message,
        "settled_by": settles.get(operation.operation_id, "settled"),
    }


def ladder_row(record: AuditRecord) -> dict[str, Any]:
    """One rung: what happened, and the words that matter of it."""
    after = json.loads(record.after) or {}
    names = ("step", "key", "why", "state", "provider_payment_id", "anomalies", "reason")
    detail = "; ".join(f"{n}: {after[n]}" for n in names if after.get(n))
    return {
        "at": iso(record.recorded_at),
        "what": record.action,
        "detail": detail,
        "operator": record.actor.operator,
        "command": record.actor.command,
    }


def orphans_data(found: Orphans) -> dict[str, Any]:
    """What a window of the provider showed."""
    return {
        "listed": found.listed,
        "adopted": list(found.adopted),
        "orphans": [review_data(r) for r in found.reviews],
    }

"""Putting things into the review queue, and taking them out when later evidence settles them."""

from collections.abc import Mapping

from db.database import Books
from domain.audit import canonical
from domain.operation import Operation
from domain.payment import Payment
from domain.provider import ProviderAccount
from domain.review import Review, ReviewKind
from tscli.services.context import Context


def ask_a_person(
    books: Books,
    context: Context,
    payment: Payment,
    kind: ReviewKind,
    reason: str,
    *,
    operation: Operation | None = None,
    evidence: Mapping[str, object] | None = None,
) -> bool:
    """Queue a payment, or one of its operations, unless it is there already; whether it is new."""
    now = context.clock.now()
    review = Review(
        review_id=context.ids.new("rev"),
        owner=ProviderAccount(payment.provider, payment.account, payment.mode),
        kind=kind,
        subject=operation.operation_id if operation else payment.payment_id,
        payment_id=payment.payment_id,
        operation_id=operation.operation_id if operation else "",
        amount_minor=operation.amount_minor if operation else payment.amount_minor,
        currency=payment.currency,
        reason=reason,
        evidence=canonical(evidence or {}).decode(),
        opened_at=now,
        seen_at=now,
    )
    return queue(books, context, review)


def queue(books: Books, context: Context, review: Review) -> bool:
    """Queue a review unless one of its kind and subject is open; whether it is new."""
    if not books.reviews.open(review):
        return False
    books.record(
        context.actor,
        "review.opened",
        review.payment_id or review.subject,
        after={
            "review_id": review.review_id,
            "kind": review.kind,
            "subject": review.subject,
            "reason": review.reason,
        },
    )
    return True


def close_settled(
    books: Books, context: Context, payment_id: str, why: str, *, subject: str = ""
) -> None:
    """Close what later evidence has settled: the reviews of one subject of a payment."""
    for review in books.reviews.find(payment_id=payment_id):
        if review.subject != (subject or payment_id):
            continue
        close(books, context, review, why)


def close(books: Books, context: Context, review: Review, why: str, ticket: str = "") -> None:
    """Close one review, with the audit record that says by what."""
    if not books.reviews.close(
        review.review_id, context.clock.now(), context.actor.operator, why, ticket
    ):
        return
    books.record(
        context.actor,
        "review.closed",
        review.payment_id or review.subject,
        before={"review_id": review.review_id, "kind": review.kind, "reason": review.reason},
        after={"review_id": review.review_id, "resolution": why, "ticket": ticket},
    )

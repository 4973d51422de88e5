"""Resolving a review: what a person has found out becomes a fact, once a second person agrees.

Nothing here asks the provider. A refusal releases what was reserved, a deed is booked under the
provider's reference; should the provider show something else later, `observe` finds it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from db.database import Books
from domain.errors import Conflict, InvalidRequest, InvalidTransition
from domain.operation import (
    LATE_EFFECT_MAX,
    Operation,
    OperationKind,
    OperationState,
    Verdict,
    may_still_arrive,
)
from domain.payment import Observation, Payment, Snapshot, Stage
from domain.review import Resolution, Review
from domain.settlement import LineKind, LineStatus
from domain.transaction import Movement
from tscli.services.booking import learn, store
from tscli.services.context import Context
from tscli.services.deciding import settle
from tscli.services.intents import check_text
from tscli.services.reviewing import close


def check_plan(books: Books, plan: Mapping[str, object]) -> tuple[Review, Operation | None]:
    """Whether a resolution can be carried out as things stand.

    Raises:
        Conflict: the review is closed.
        InvalidRequest: the finding does not fit what the review is about.
    """
    review = books.reviews.get(str(plan["review_id"]))
    if not review.is_open:
        raise Conflict(f"{review.review_id} was closed by {review.closed_by}.")
    found = Resolution(str(plan["finding"]))
    check_text(str(plan["reference"]), "reference")
    operation = books.operations.get(review.operation_id) if review.operation_id else None
    if found is Resolution.DISMISSED:
        return review, operation
    if operation is None:
        raise InvalidRequest(
            f"{review.review_id} is about no operation of ours: it can only be dismissed."
        )
    payment = books.payments.get(operation.payment_id)
    if found is Resolution.DONE:
        _check_deed(payment, operation, str(plan["reference"]))
    elif operation.kind is OperationKind.CREATE and payment.provider_payment_id is not None:
        raise InvalidRequest(
            f"{payment.payment_id} has an object at the provider that could still be paid.",
            hint=f"Call it off first: `tscli recover cancel {payment.payment_id}`.",
        )
    return review, operation


def _check_deed(payment: Payment, operation: Operation, reference: str) -> None:
    if operation.kind not in (OperationKind.REFUND, OperationKind.CAPTURE):
        raise InvalidRequest(
            f"A {operation.kind} is settled by asking the provider, not by hand.",
            hint=f"Run `tscli payments show {payment.payment_id} --refresh`.",
        )
    if not reference:
        raise InvalidRequest("A deed needs --reference: the provider's own id of it.")
    if payment.provider_payment_id is None:
        raise InvalidRequest("The provider's payment is not known; run `tscli recover orphans`.")


def apply_resolution(books: Books, context: Context, plan: Mapping[str, object]) -> None:
    """Carry a resolution out, in the transaction in which it was approved.

    Raises:
        Conflict: the review was closed meanwhile, or what it is about may still be executed.
        InvalidTransition: the payment cannot take what was found.
    """
    concerned = books.reviews.get(str(plan["review_id"])).payment_id
    if concerned:
        books.payments.get(concerned, lock=True)  # what is read from here on stays as it is
    review, operation = check_plan(books, plan)
    found, why = Resolution(str(plan["finding"])), str(plan["reason"])
    if operation is not None and found is not Resolution.DISMISSED:
        payment = books.payments.get(operation.payment_id, lock=True)
        if found is Resolution.DONE:
            _book(books, context, payment, operation, str(plan["reference"]))
        else:
            _check_silence(context, operation)
            _release(books, context, payment, operation, why)
    if books.reviews.get(review.review_id).is_open:
        close(books, context, review, f"{found}: {why}", str(plan["ticket"]))


def _book(
    books: Books, context: Context, payment: Payment, operation: Operation, reference: str
) -> None:
    refund = operation.kind is OperationKind.REFUND
    movement = Movement(
        kind=LineKind.REFUND if refund else LineKind.CHARGE,
        reference=reference,
        amount_minor=-operation.amount_minor if refund else operation.amount_minor,
        fee_minor=None,
        status=LineStatus.SUCCEEDED,
        occurred_at=operation.step_sent_at or context.clock.now(),
        operation_id=operation.operation_id,
    )
    shown = Snapshot(
        provider=payment.provider,
        account=payment.account,
        mode=payment.mode,
        provider_payment_id=payment.provider_payment_id or "",
        stage=payment.stage if refund else Stage.CAPTURED,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        movements=(movement,),
    )
    seen = learn(books, context, payment, shown)
    if seen.anomalies:
        raise InvalidTransition(seen.anomalies[0], hint="Nothing was booked.")
    settle(books, context, operation, Verdict(state=OperationState.DONE))


def _check_silence(context: Context, operation: Operation) -> None:
    """Let pass what can no longer be executed at the provider."""
    now = context.clock.now()
    if may_still_arrive(operation, now) and operation.last_sent_at:
        until = operation.last_sent_at + LATE_EFFECT_MAX
        raise Conflict(
            f"The {operation.kind} {operation.operation_id} was sent"
            f" {(now - operation.last_sent_at) // timedelta(minutes=1)} minutes ago and may still"
            " be executed: nothing was released.",
            hint=f"Agree to it after {until:%Y-%m-%d %H:%M} UTC.",
        )


def _release(
    books: Books, context: Context, payment: Payment, operation: Operation, why: str
) -> None:
    if operation.kind is OperationKind.CREATE and payment.stage < Stage.AUTHORIZED:
        failed = replace(payment, stage=Stage.FAILED, failure_code="resolved", failure_message=why)
        store(books, context, payment, Observation(failed, ("payment.failed",)))
    settle(books, context, operation, Verdict(state=OperationState.REFUSED, why=why))

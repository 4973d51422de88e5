"""What needs two people: refunds above a limit, and what a person has found out by hand."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from db.database import Books
from domain.approval import Approval
from domain.errors import ApprovalRequired, InvalidRequest
from domain.money import Money, format_minor
from domain.operation import Operation, OperationKind
from domain.operator import Permission
from domain.payment import Command, Payment, check_command
from domain.review import Resolution
from tscli.services.approvals import Action, Plan, agree, request, required
from tscli.services.closing import ACTION
from tscli.services.context import Context
from tscli.services.drive import drive, written_down
from tscli.services.intents import operation_intent, refundable_minor
from tscli.services.permission import require
from tscli.services.resolving import apply_resolution, check_plan


def check_refund_limit(
    context: Context, payment: Payment, refunds: list[Operation], minor: int
) -> None:
    """Let a refund pass that one person may make; all refunds of a payment count together.

    Raises:
        ApprovalRequired: with it, more than the limit of its currency would be given back.
    """
    limit = context.limits.refund_above.get(payment.currency)
    if limit is None:
        return
    seen = {m.operation_id for m in payment.movements}
    reserved = sum(
        o.amount_minor
        for o in refunds
        if o.kind is OperationKind.REFUND and o.operation_id not in seen
    )
    if payment.refunded_minor + reserved + minor > limit:
        most = format_minor(limit, payment.currency)
        raise ApprovalRequired(f"Refunds above {most} {payment.currency} need two people.")


def ask_for_refund(
    context: Context,
    payment_id: str,
    amount: str | None,
    minor: int,
    key: str,
    reason: str,
    why: ApprovalRequired,
    *,
    dry_run: bool,
) -> ApprovalRequired:
    """Write the request for a refund above the limit; the error that names it."""
    if dry_run:
        return ApprovalRequired(f"{why.message} A second person would be asked.")
    alone = context.operators.alone
    with context.database.transaction(dry_run=alone) as books:
        payment = books.payments.get(payment_id, lock=True)
        plan = {
            "payment_id": payment_id, "amount": amount, "amount_minor": minor,
            "currency": payment.currency,
        }  # fmt: skip
        asked = request(
            books, context, "refund", payment_id, plan, payment.version, key=key, reason=reason
        )
    return required(context, asked, why.message)


def ask_for_resolution(
    context: Context,
    review_id: str,
    finding: Resolution,
    *,
    reference: str = "",
    ticket: str = "",
    dry_run: bool = False,
) -> Approval:
    """Ask a second person to agree to what was found out about a review.

    Raises:
        InvalidRequest: no reason, or a finding that does not fit.
        Conflict: the review is closed.
        ApprovalRequired: there is only one person.
    """
    require(context, Permission.RECOVER)
    reason = context.actor.reason
    if not reason.strip():
        raise InvalidRequest("A resolution needs a reason.", hint="Add --reason TEXT.")
    plan = {
        "review_id": review_id, "finding": finding.value, "reference": reference,
        "reason": reason, "ticket": ticket,
    }  # fmt: skip
    with context.database.transaction(dry_run=dry_run or context.operators.alone) as books:
        review, _ = check_plan(books, plan)
        asked = request(
            books, context, "resolve", review.payment_id or review.subject, plan,
            _review_version(books, plan), key=context.ids.new("op"), reason=reason, ticket=ticket,
        )  # fmt: skip
    if context.operators.alone:
        raise required(context, asked, "Resolving a review needs two people.")
    return asked


async def approve(
    context: Context, approval_id: str, *, reason: str = "", dry_run: bool = False
) -> tuple[Approval, Operation | None]:
    """Agree to a request, and see what was asked for through.

    Raises:
        SelfApproval, NotPermitted, StaleVersion, Conflict: see `approvals.agree`.
        Unavailable, OutcomeUnknown: it was begun; see `drive`.
    """
    agreed = agree(context, ACTIONS, approval_id, reason=reason, dry_run=dry_run)
    if dry_run or not agreed.operation_id:
        return agreed, None
    with context.database.read() as books:
        operation = books.operations.get(agreed.operation_id)
        payment = books.payments.get(operation.payment_id)
    async with context.open_provider(payment.provider) as provider:
        with written_down(payment):
            _, done = await drive(context, provider, agreed.operation_id)
    return agreed, done


def _payment_version(books: Books, plan: Plan) -> int:
    return books.payments.get(str(plan["payment_id"]), lock=True).version


def _refund(books: Books, context: Context, asked: Approval, plan: Plan) -> str:
    def intended(payment: Payment, books: Books) -> int:
        check_command(payment, Command.REFUND)
        unfinished = books.operations.of_payment(payment.payment_id, only_open=True)
        minor = int(str(plan["amount_minor"]))
        left = refundable_minor(payment, unfinished)
        if minor > left:
            raise InvalidRequest(f"Only {Money(left, payment.currency)} is left to be refunded.")
        return minor

    intent = operation_intent(
        books, context, asked.subject, OperationKind.REFUND, {"amount": plan["amount"]}, intended,
        asked.key, asked.reason,
    )  # fmt: skip
    return intent.operation.operation_id


def _review_version(books: Books, plan: Plan) -> int:
    review = books.reviews.get(str(plan["review_id"]))
    return books.payments.get(review.payment_id, lock=True).version if review.payment_id else 0


def _resolve(books: Books, context: Context, asked: Approval, plan: Plan) -> str:
    apply_resolution(books, context, plan)
    return ""


def _replay(books: Books, context: Context, asked: Approval, plan: Plan) -> str:
    """Let the events be tried again; whoever applies what is due does the rest."""
    now = context.clock.now()
    for event_id in str(plan["event_ids"]).split():
        event = books.inbox.get(event_id, lock=True)
        books.inbox.save(replace(event, next_attempt_at=now))
    return ""


ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "refund": Action(_payment_version, _refund),
        "resolve": Action(_review_version, _resolve),
        "replay": Action(lambda _books, _plan: 0, _replay),
        **ACTION,
    }
)
"""Everything that needs two people, by the name of the action."""

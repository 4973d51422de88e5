"""Recovery by hand: the queue, the evidence behind a payment, another try, a cancellation.

Every manual act carries a reason and a ticket into the audit trail.
"""

from datetime import timedelta

from domain.errors import Conflict, InvalidRequest
from domain.operation import LATE_EFFECT_MAX, Operation, OperationState, Step, is_too_old, next_step
from domain.operator import Permission
from domain.payment import Payment
from domain.provider import Provider
from domain.recovery import Evidence
from domain.review import Review, ReviewKind
from tscli.services.context import Context
from tscli.services.drive import refresh, store_snapshot
from tscli.services.payments import Outcome, cancel_payment, check_owner
from tscli.services.permission import require

_KEY_SPOILT = "idempotency_error"
"""The provider knows our key with other words: under it nothing of ours will ever be done."""


def queue(
    context: Context, *, kind: ReviewKind | None = None, provider: str | None = None,
    closed: bool = False, limit: int = 1_000,
) -> list[Review]:  # fmt: skip
    """What waits for a person, oldest first; with `closed` what was looked at as well."""
    with context.database.read() as books:
        return books.reviews.find(kind=kind, provider=provider, only_open=not closed, limit=limit)


def review(context: Context, review_id: str) -> Review:
    """One review.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        return books.reviews.get(review_id)


def explain(context: Context, payment_id: str) -> Evidence:
    """The evidence ladder of a payment: what was sent under which key, what came back, what is
    missing.

    Raises:
        NotFound: there is no such payment.
    """
    with context.database.read() as books:
        payment = books.payments.get(payment_id)
        operations = books.operations.of_payment(payment_id)
        reviews = books.reviews.find(payment_id=payment_id, only_open=False)
        history = list(books.audit.records(subject=payment_id))
    waiting = {r.operation_id for r in reviews if r.is_open}
    settles = {
        o.operation_id: _what_settles(o, payment, o.operation_id in waiting)
        for o in operations
        if o.state not in (OperationState.DONE, OperationState.REFUSED)
    }
    return Evidence(payment, operations, reviews, history, settles)


def _what_settles(operation: Operation, payment: Payment, reviewed: bool) -> str:
    verdict = next_step(operation, payment)
    show = f"`tscli payments show {payment.payment_id} --refresh`"
    if reviewed:
        return (
            "a person: compare the provider's own dashboard with the key above, then `tscli recover"
            f" retry {payment.payment_id}` or `tscli recover resolve`"
        )
    if verdict.step is None:
        return _lower(verdict.why) or f"nothing is missing; {show} writes it down"
    if payment.provider_payment_id is None:
        return f"an answer to the {verdict.step}; {show} sends it again, which moves no money"
    return f"one look at {payment.provider_payment_id}, then the {verdict.step} again: {show}"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


async def retry(
    context: Context, payment_id: str, ticket: str = "", *, dry_run: bool = False
) -> Payment:
    """Ask about a payment and go on with what is open; what is too old to be sent again gets fresh
    keys, once the provider has shown that it did not happen.

    Raises:
        InvalidRequest: no reason was given.
        ProviderError: the provider could not be asked, or the outcome is still unknown.
    """
    require(context, Permission.RECOVER)
    _check_reason(context)
    with context.database.read() as books:
        payment = books.payments.get(payment_id)
    async with context.open_provider(payment.provider) as provider:
        check_owner(payment, provider.account)
        if dry_run:
            return payment
        if payment.provider_payment_id is None:
            await _look_for(context, provider, payment)
        else:
            seen = await provider.get(payment.provider_payment_id)
            store_snapshot(context, payment_id, seen)
            _renew_stuck(context, provider, payment_id, ticket)
        return await refresh(context, provider, payment_id)


async def _look_for(context: Context, provider: Provider, payment: Payment) -> None:
    """Adopt an object whose creation was never answered; none found proves nothing."""
    start = payment.created_at - timedelta(minutes=5)
    found = await provider.find(
        payment.payment_id, start, context.clock.now() + timedelta(seconds=1)
    )
    if found is not None:
        store_snapshot(context, payment.payment_id, found)


def _renew_stuck(context: Context, provider: Provider, payment_id: str, ticket: str) -> None:
    """Fresh keys for what was sent too long ago, or met other words, and is not there.

    The last try under the old key may still arrive for a while: until then nothing is renewed.

    Raises:
        Conflict: what the provider shows contradicts our record.
    """
    now = context.clock.now()
    with context.database.transaction() as books:
        payment = books.payments.get(payment_id, lock=True)
        if books.reviews.find(payment_id=payment_id, kind=ReviewKind.CONTRADICTED):
            raise Conflict(
                f"What the provider shows of {payment_id} contradicts our record.",
                hint="See `tscli recover queue`; nothing was sent.",
            )
        for operation in books.operations.of_payment(payment_id, only_open=True):
            step = next_step(operation, payment).step
            if step not in (Step.CONFIRM, Step.CAPTURE, Step.REFUND):
                continue
            spoilt = operation.error_code == _KEY_SPOILT
            window = timedelta() if spoilt else provider.capabilities.key_window(step)
            window += LATE_EFFECT_MAX
            if not is_too_old(operation, payment, step, now, window):
                continue
            renewed = books.operations.restart(operation, now)
            books.record(
                context.actor,
                "operation.renewed",
                payment_id,
                before={"operation_id": operation.operation_id, "key": operation.key(step)},
                after={"key": renewed.key(step), "ticket": ticket},
            )


async def cancel(
    context: Context, payment_id: str, ticket: str = "", *, dry_run: bool = False
) -> Outcome:
    """Call off a payment that is stuck: here and at the provider.

    Raises:
        InvalidRequest: no reason was given.
        InvalidTransition: the money was captured, or the payment is over.
    """
    require(context, Permission.RECOVER)
    _check_reason(context)
    reason = context.actor.reason + (f" ({ticket})" if ticket else "")
    return await cancel_payment(context, payment_id, reason=reason, dry_run=dry_run)


def payment_of(context: Context, target: str) -> str:
    """The payment behind `pay_…`, `op_…` or `rev_…`.

    Raises:
        InvalidRequest: another kind of id, or a review of no payment of ours.
        NotFound: there is no such thing.
    """
    with context.database.read() as books:
        if target.startswith("rev_"):
            found = books.reviews.get(target).payment_id
            if not found:
                raise InvalidRequest(f"{target} is about money that is no payment of ours.")
            return found
        if target.startswith("op_"):
            return books.operations.get(target).payment_id
        if not target.startswith("pay_"):
            raise InvalidRequest(f"{target!r} is the id of no payment, operation or review.")
        return books.payments.get(target).payment_id


def _check_reason(context: Context) -> None:
    if not context.actor.reason.strip():
        raise InvalidRequest(
            "What is done by hand needs a reason for whoever reads the trail.",
            hint="Add --reason TEXT, and --ticket where there is one.",
        )

"""Driving an operation to its end: decide, send, learn, again; re-entered by whoever finds it open.

Nothing is sent before it is marked as sending in a committed row, no transaction is open while we
wait, and doubt is settled by asking for the provider's object, never by sending something new.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

from db.database import Books
from domain.errors import (
    CapabilityMissing,
    Declined,
    OutcomeUnknown,
    ProviderError,
    Rejected,
    Unavailable,
)
from domain.operation import Operation, OperationState, Step, Verdict, next_step
from domain.payment import Observation, Payment, Snapshot, Stage
from domain.provider import PaymentRequest, Provider, ProviderAccount
from tscli.services.booking import learn, store, summary
from tscli.services.context import Context

RESENDS = 2
"""How often one command sends a doubtful step again, under the same key, before it leaves it."""

KEY_WINDOW = timedelta(hours=23)
"""Age up to which a provider's key may be sent again; Stripe forgets keys after 24 hours."""

_NO_REFUSAL = frozenset({"idempotency_error", "mode_mismatch"})
"""Reasons that tell nothing about the request: the key met other words, or the wrong books
answered."""

_PAUSE_SECONDS = 0.2


async def drive(
    context: Context, provider: Provider, operation_id: str
) -> tuple[Payment, Operation]:
    """Take an operation as far as it can go now.

    Raises:
        OutcomeUnknown: it may or may not have happened; it stays open.
        Unavailable: the provider cannot be asked; it stays open.
    """
    resent = 0
    resumed = _is_resumed(context, operation_id)
    while True:
        payment, operation, verdict = _decide(context, operation_id)
        if verdict.step is None:
            return payment, operation
        if _is_too_old(context, operation, verdict.step):
            if await _ask(context, provider, payment):
                continue
            raise _too_old(operation)
        try:
            await _take(context, provider, payment, operation, verdict.step)
        except (CapabilityMissing, Declined, Rejected) as error:
            await _after_refusal(
                context, provider, payment, operation, verdict.step, error, resumed or resent > 0
            )
        except OutcomeUnknown as error:
            resent += 1
            moved = await _ask(context, provider, payment)
            if not moved and resent > RESENDS:
                _leave_unknown(context, operation, error)
                raise _unknown(payment, error) from error
            await asyncio.sleep(0 if moved else _PAUSE_SECONDS * resent)
        except Unavailable as error:
            if not resent:
                raise
            # This try did nothing, but one before it may have.
            _leave_unknown(context, operation, error)
            raise _unknown(payment, error) from error


def _is_resumed(context: Context, operation_id: str) -> bool:
    """Whether an earlier process may already have sent something for this operation."""
    with context.database.read() as books:
        return books.operations.get(operation_id).sent_at is not None


def _decide(context: Context, operation_id: str) -> tuple[Payment, Operation, Verdict]:
    """What to do next; whatever is to be sent has been marked as sending when this returns."""
    with context.database.transaction() as books:
        operation = books.operations.get(operation_id)
        payment = books.payments.get(operation.payment_id, lock=True)
        operation = books.operations.get(operation_id)
        verdict = next_step(operation, payment)
        if verdict.step is None:
            return payment, _settle(books, context, operation, verdict), verdict
        if operation.state is not OperationState.SENDING:
            operation = books.operations.settle(
                operation, OperationState.SENDING, context.clock.now()
            )
            if payment.stage is Stage.RECORDED:
                sent = Observation(replace(payment, stage=Stage.SENT), ("payment.sent",))
                payment = store(books, context, payment, sent)
        return payment, operation, verdict


def _settle(books: Books, context: Context, operation: Operation, verdict: Verdict) -> Operation:
    """Write an operation's end once."""
    state = verdict.state
    if state is None or operation.state is state:
        return operation
    refused = state is OperationState.REFUSED
    after = books.operations.settle(
        operation,
        state,
        context.clock.now(),
        error_code=operation.error_code or "refused" if refused else "",
        error_message=verdict.why if refused else "",
    )
    books.record(
        context.actor,
        f"operation.{state}",
        operation.payment_id,
        before={"operation_id": operation.operation_id, "state": operation.state},
        after={
            "operation_id": operation.operation_id,
            "kind": operation.kind,
            "amount_minor": operation.amount_minor,
            "state": state,
            "why": after.error_message,
        },
    )
    return after


async def _take(
    context: Context, provider: Provider, payment: Payment, operation: Operation, step: Step
) -> None:
    """Make one call and store what it shows.

    Raises:
        OutcomeUnknown: also when the answer teaches nothing, as one that contradicts our record.
    """
    snapshot = await _call(context, provider, payment, operation, step)
    if not _store_snapshot(context, payment.payment_id, snapshot):
        raise OutcomeUnknown("the provider's answer did not bring the payment any further.")


async def _call(
    context: Context, provider: Provider, payment: Payment, operation: Operation, step: Step
) -> Snapshot:
    key = operation.key(step)
    if step is Step.CREATE:
        return await provider.create(_request(context, payment), key)
    target = payment.provider_payment_id
    if target is None:
        raise ValueError(f"{step} needs the provider's payment id")
    if step is Step.CONFIRM:
        return await provider.confirm(target, payment.method_token, key)
    if step is Step.CAPTURE:
        return await provider.capture(target, operation.amount_minor, payment.currency, key)
    if step is Step.REFUND:
        movement = await provider.refund(
            target, operation.amount_minor, payment.currency, operation.operation_id, key
        )
        return replace(_same(payment, target), movements=(movement,))
    return await provider.cancel(target, key)


def _request(context: Context, payment: Payment) -> PaymentRequest:
    customer = ""
    if payment.customer_id:
        with context.database.read() as books:
            owner = _owner(payment)
            customer = books.people.provider_customer(owner, payment.customer_id)
    return PaymentRequest(
        payment_id=payment.payment_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        capture=payment.capture,
        method_token=payment.method_token,
        order_reference=payment.order_reference or "",
        provider_customer_id=customer,
        description=payment.description,
    )


async def _after_refusal(
    context: Context,
    provider: Provider,
    payment: Payment,
    operation: Operation,
    step: Step,
    error: CapabilityMissing | Declined | Rejected,
    doubtful: bool,
) -> None:
    """A refusal is believed after one look at the provider's object, unless doubt came before
    it.

    Creating moves no money, so its refusal is always believed: an object we never heard of can
    never be confirmed.
    """
    if await _ask(context, provider, payment):
        return
    doubtful = doubtful and step is not Step.CREATE
    if doubtful or step is Step.FENCE or error.reason in _NO_REFUSAL:
        _leave_unknown(context, operation, error)
        raise _unknown(payment, error) from error
    with context.database.transaction() as books:
        held = books.payments.get(payment.payment_id, lock=True)
        current = books.operations.get(operation.operation_id)
        if step in (Step.CREATE, Step.CONFIRM):
            _refuse_payment(books, context, held, step, error)
            return
        refused = replace(current, error_code=error.reason or error.code)
        verdict = Verdict(state=OperationState.REFUSED, why=error.message)
        _settle(books, context, refused, verdict)


def _refuse_payment(
    books: Books, context: Context, payment: Payment, step: Step, error: ProviderError
) -> None:
    """Without an object at the provider it failed; with one, it is fenced off first."""
    stage = Stage.FAILED if step is Step.CREATE else Stage.DECLINED
    refused = replace(
        payment,
        stage=max(payment.stage, stage),
        failure_code=error.reason or error.code,
        failure_message=error.message,
    )
    fact = "payment.failed" if step is Step.CREATE else "payment.refused"
    store(books, context, payment, Observation(refused, (fact,)))


async def _ask(context: Context, provider: Provider, payment: Payment) -> bool:
    """Read the provider's object; whether that taught us anything."""
    if payment.provider_payment_id is None:
        return False
    try:
        snapshot = await provider.get(payment.provider_payment_id)
    except ProviderError:
        return False  # an error while asking is no evidence
    return _store_snapshot(context, payment.payment_id, snapshot)


def _store_snapshot(context: Context, payment_id: str, snapshot: Snapshot) -> bool:
    with context.database.transaction() as books:
        payment = books.payments.get(payment_id, lock=True)
        return bool(learn(books, context, payment, snapshot).facts)


async def refresh(context: Context, provider: Provider, payment_id: str) -> Payment:
    """Ask the provider about a payment, store the answer, and finish what is open.

    Raises:
        Unavailable, OutcomeUnknown: see `drive`.
    """
    with context.database.read() as books:
        payment = books.payments.get(payment_id)
        unfinished = books.operations.of_payment(payment_id, only_open=True)
    if payment.provider_payment_id is not None:
        _store_snapshot(context, payment_id, await provider.get(payment.provider_payment_id))
    for operation in unfinished:
        await drive(context, provider, operation.operation_id)
    with context.database.read() as books:
        return books.payments.get(payment_id)


def _is_too_old(context: Context, operation: Operation, step: Step) -> bool:
    """A refund has no object of its own before it exists: past the window it is never sent
    again."""
    if step is not Step.REFUND or operation.sent_at is None:
        return False
    return context.clock.now() - operation.sent_at > KEY_WINDOW


def _too_old(operation: Operation) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"The refund {operation.operation_id} was sent at {operation.sent_at:%Y-%m-%d %H:%M}"
        " UTC and the provider does not show it; its key is too old to be sent again.",
        hint=f"Look at the refunds of {operation.payment_id} at the provider.",
    )


def _leave_unknown(context: Context, operation: Operation, error: ProviderError) -> None:
    with context.database.transaction() as books:
        current = books.operations.get(operation.operation_id)
        if current.state is not OperationState.SENDING:
            return
        books.operations.settle(
            current,
            OperationState.UNKNOWN,
            context.clock.now(),
            error_code=error.reason or error.code,
            error_message=error.message,
        )
        books.record(
            context.actor,
            "operation.unknown",
            operation.payment_id,
            before=summary(books.payments.get(operation.payment_id)),
            after={"operation_id": operation.operation_id, "why": error.message},
        )


def _unknown(payment: Payment, error: ProviderError) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"It is not known whether {payment.payment_id} was changed at the provider:"
        f" {error.message}",
        hint=f"Settle it with `tscli payments show {payment.payment_id} --refresh`.",
        reason=error.reason,
        request_id=error.request_id,
    )


def _same(payment: Payment, provider_payment_id: str) -> Snapshot:
    """A snapshot that says only what we know already."""
    return Snapshot(
        provider=payment.provider,
        account=payment.account,
        mode=payment.mode,
        provider_payment_id=provider_payment_id,
        stage=payment.stage,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )


def _owner(payment: Payment) -> ProviderAccount:
    return ProviderAccount(payment.provider, payment.account, payment.mode)

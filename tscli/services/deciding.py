"""What to do next about an operation: decided in one transaction, written down before it is done.

Whatever is to be sent has been marked as sending, with its key, when `decide` returns.
"""

from dataclasses import dataclass, replace

from db.database import Books
from domain.errors import ProviderError
from domain.operation import (
    OPEN_STATES,
    Operation,
    OperationState,
    Step,
    Verdict,
    is_too_old,
    next_step,
    when_too_old,
)
from domain.payment import Observation, Payment, Stage
from domain.provider import Capabilities
from domain.review import ReviewKind
from tscli.services.booking import store, summary
from tscli.services.context import Context
from tscli.services.reviewing import ask_a_person, close_settled


@dataclass(frozen=True, slots=True)
class Next:
    """Where an operation stands: a step to take, a look to take first, or nothing to do."""

    payment: Payment
    operation: Operation
    step: Step | None = None
    look: bool = False
    """The step is too old to be sent: the provider has to be asked before it is given up."""
    stuck: str = ""
    """Why only a person can go on."""
    elsewhere: bool = False
    """Somebody else has had the operation since it was seen, and may have sent something."""


def decide(context: Context, able: Capabilities, seen: Operation, *, looked: bool = False) -> Next:
    """What to do next about an operation as this command saw it last; `looked` says that the
    provider has just shown nothing new."""
    return context.database.run(lambda books: _decided(books, context, able, seen, looked=looked))


def _decided(
    books: Books, context: Context, able: Capabilities, seen: Operation, *, looked: bool
) -> Next:
    payment = books.payments.get(seen.payment_id, lock=True)
    operation = books.operations.get(seen.operation_id)
    verdict = next_step(operation, payment)
    step, now = verdict.step, context.clock.now()
    if step and is_too_old(operation, payment, step, now, able.key_window(step)):
        if not looked:
            return Next(payment, operation, look=True)
        verdict = when_too_old(operation, step)
        if step is Step.CREATE:
            payment = give_up_creation(books, context, payment)
        if verdict.step is None and verdict.state is None:
            return Next(payment, operation, stuck=verdict.why)
    if verdict.step is None:
        return Next(payment, settle(books, context, operation, verdict))
    elsewhere = operation.sent_at is not None and operation != seen
    payment, operation = _mark(books, context, payment, operation, verdict.step)
    return Next(payment, operation, step=verdict.step, elsewhere=elsewhere)


def _mark(
    books: Books, context: Context, payment: Payment, operation: Operation, step: Step
) -> tuple[Payment, Operation]:
    """Commit that `step` may leave: with a record once per step and key, with its instant each
    time, because what was sent may be executed for a while."""
    if operation.state is OperationState.SENDING and operation.step == step:
        return payment, books.operations.sent_again(operation, context.clock.now())
    marked = books.operations.mark_sending(operation, step, context.clock.now())
    books.record(
        context.actor,
        "operation.sending",
        payment.payment_id,
        after={"operation_id": marked.operation_id, "step": step, "key": marked.key(step)},
    )
    if payment.stage is Stage.RECORDED:
        sent = Observation(replace(payment, stage=Stage.SENT), ("payment.sent",))
        payment = store(books, context, payment, sent)
    return payment, marked


def settle(books: Books, context: Context, operation: Operation, verdict: Verdict) -> Operation:
    """Write an operation's end once; what has ended stays as it ended."""
    state = verdict.state
    if state is None or operation.state not in OPEN_STATES:
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
    why = f"The {operation.kind} is {state}."
    close_settled(books, context, operation.payment_id, why, subject=operation.operation_id)
    return after


def settle_refused(context: Context, found: Next, error: ProviderError) -> None:
    """Write a refusal that is believed: of the operation, or of the payment it was to create.

    It says nothing where somebody else has brought the operation further meanwhile.
    """
    with context.database.transaction() as books:
        payment = books.payments.get(found.payment.payment_id, lock=True)
        current = books.operations.get(found.operation.operation_id)
        if next_step(current, payment).step is not found.step:
            return
        if found.step in (Step.CREATE, Step.CONFIRM):
            stage = Stage.FAILED if found.step is Step.CREATE else Stage.DECLINED
            _refuse_payment(books, context, payment, stage, error.reason or error.code, error)
            return
        refused = replace(current, error_code=error.reason or error.code)
        verdict = Verdict(state=OperationState.REFUSED, why=error.message)
        settle(books, context, refused, verdict)


def give_up_creation(books: Books, context: Context, payment: Payment) -> Payment:
    """A creation too old to be sent: without our confirmation no object of it can take money."""
    failed = replace(
        payment,
        stage=Stage.FAILED,
        failure_code="expired",
        failure_message="It could not be created at the provider in time.",
    )
    return store(books, context, payment, Observation(failed, ("payment.failed",)))


def _refuse_payment(
    books: Books, context: Context, payment: Payment, stage: Stage, code: str, error: ProviderError
) -> None:
    """Without an object at the provider it failed; with one, it is fenced off first."""
    if stage is Stage.FAILED and payment.provider_payment_id is not None:
        return  # another process created it meanwhile
    refused = replace(
        payment,
        stage=max(payment.stage, stage),
        failure_code=code,
        failure_message=error.message,
    )
    fact = "payment.failed" if stage is Stage.FAILED else "payment.refused"
    store(books, context, payment, Observation(refused, (fact,)))


def leave_unknown(
    context: Context, operation: Operation, error: ProviderError, *, review: bool = False
) -> None:
    """Write that the outcome is unknown; with `review` a person has to look at it, too."""

    def written(books: Books) -> None:
        # Under the payment's lock, as everybody writes operations: a row is written whole.
        payment = books.payments.get(operation.payment_id, lock=True)
        current = books.operations.get(operation.operation_id)
        if review:
            ask_a_person(
                books, context, payment, ReviewKind.REFUSED,
                f"The provider refused the {operation.step or operation.kind} for a reason that"
                f" says nothing about it: {error.message}",
                operation=current, evidence={"reason": error.reason, "code": error.code},
            )  # fmt: skip
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
            before=summary(payment),
            after={"operation_id": operation.operation_id, "why": error.message},
        )

    context.database.run(written)


def renew(context: Context, operation: Operation) -> None:
    """Give a creation in doubt fresh keys, unless another process has brought it further: what
    moves money was, or will be, sent under the present one."""
    with context.database.transaction() as books:
        payment = books.payments.get(operation.payment_id, lock=True)
        current = books.operations.get(operation.operation_id)
        if current.attempt != operation.attempt or payment.provider_payment_id is not None:
            return
        books.operations.renew(current, context.clock.now())

"""Operations: one intended effect at a provider, recorded before a byte leaves.

`next_step` is the whole recovery logic: whoever finds an unfinished operation, the first command or
a sweep days later, asks it what to do. Steps that may be repeated are repeated under the same key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.payment import Payment, Stage
from domain.settlement import LineStatus

LATE_EFFECT_MAX = timedelta(hours=1)
"""A request whose answer was lost is executed within this time, or never."""


class OperationKind(StrEnum):
    """The intended effect."""

    CREATE = "create"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"


class OperationState(StrEnum):
    """What is certain about the effect."""

    RECORDED = "recorded"
    """Intent committed, nothing sent."""
    SENDING = "sending"
    """Committed before the call: a byte may have left."""
    UNKNOWN = "unknown"
    """Asked and sent again in vain: it may or may not have happened."""
    DONE = "done"
    REFUSED = "refused"
    """Certainly not done, and it never will be."""


OPEN_STATES = frozenset({OperationState.RECORDED, OperationState.SENDING, OperationState.UNKNOWN})
"""States in which the operation still reserves its amount."""


class Step(StrEnum):
    """One call to the provider."""

    CREATE = "create"
    CONFIRM = "confirm"
    CAPTURE = "capture"
    CANCEL = "cancel"
    FENCE = "fence"
    """Cancel the provider's object of a declined payment, so that it can never be paid."""
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Operation:
    """One intended effect; the amount is in minor units of the payment's currency."""

    operation_id: str
    payment_id: str
    kind: OperationKind
    amount_minor: int
    state: OperationState
    operator: str
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    """First time a byte may have left: the birth of the provider keys."""
    attempt: int = 1
    """Counts keys; a new one only where the one before certainly did nothing, or moves none."""
    step: str = ""
    """The step that was sent last, empty before the first."""
    step_sent_at: datetime | None = None
    """First time that step was sent under its present key: the birth of that key."""
    last_sent_at: datetime | None = None
    """Last time a byte may have left."""
    reason: str = ""
    error_code: str = ""
    error_message: str = ""

    def key(self, step: Step) -> str:
        """The provider's idempotency key of a step: a function of what is intended, never
        random."""
        return f"{self.operation_id}.{step}.{self.attempt}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do next about an operation: a step to take, or the state it has reached.

    Neither means waiting: for the customer to act, or for their bank.
    """

    step: Step | None = None
    state: OperationState | None = None
    why: str = ""


def next_step(operation: Operation, payment: Payment) -> Verdict:
    """Decide from what is known, never from what was tried.

    At most one of `step` and `state` is set in the answer.
    """
    if operation.state in (OperationState.DONE, OperationState.REFUSED):
        return Verdict(state=operation.state, why=operation.error_message)
    if operation.kind is OperationKind.CREATE:
        return _next_create(payment)
    if operation.kind is OperationKind.CAPTURE:
        return _next_capture(payment)
    if operation.kind is OperationKind.CANCEL:
        return _next_cancel(payment)
    return _next_refund(operation, payment)


def _next_refund(operation: Operation, payment: Payment) -> Verdict:
    mine = [m for m in payment.movements if m.operation_id == operation.operation_id]
    if not mine:
        return Verdict(step=Step.REFUND)
    if all(m.status in (LineStatus.FAILED, LineStatus.CANCELLED) for m in mine):
        return Verdict(state=OperationState.REFUSED, why="The refund failed at the provider.")
    return Verdict(state=OperationState.DONE)


def _next_create(payment: Payment) -> Verdict:
    if payment.stage in (Stage.FAILED, Stage.CANCELLED):
        return Verdict(state=OperationState.REFUSED, why=payment.failure_message or "Cancelled.")
    if payment.provider_payment_id is None:
        return Verdict(step=Step.CREATE)
    if payment.stage <= Stage.CREATED or payment.stage is Stage.APPROVED:
        return Verdict(step=Step.CONFIRM)
    if payment.stage is Stage.DECLINED:
        return Verdict(step=Step.FENCE)
    if payment.stage in (Stage.ACTION, Stage.UNDERWAY):
        return Verdict(why="The customer or their bank has to act first.")
    return Verdict(state=OperationState.DONE)


def _next_capture(payment: Payment) -> Verdict:
    if payment.stage is Stage.CAPTURED:
        return Verdict(state=OperationState.DONE)
    if payment.stage is Stage.AUTHORIZED:
        return Verdict(step=Step.CAPTURE)
    return Verdict(state=OperationState.REFUSED, why=f"The payment is {payment.state}.")


def _next_cancel(payment: Payment) -> Verdict:
    if payment.stage in (Stage.CANCELLED, Stage.FAILED):
        return Verdict(state=OperationState.DONE)
    if payment.stage is Stage.CAPTURED:
        return Verdict(state=OperationState.REFUSED, why="Too late: the money was captured.")
    if payment.provider_payment_id is None:
        return Verdict(step=Step.CREATE)
    return Verdict(step=Step.CANCEL)


def is_too_old(
    operation: Operation, payment: Payment, step: Step, now: datetime, window: timedelta
) -> bool:
    """Whether a step must not be sent any more: its key, or its intent, is older than `window`.

    What makes success impossible may be sent at any age; so may the step a customer's word has
    only now made due, unless it was sent once already and then fenced off.
    """
    if step in (Step.CANCEL, Step.FENCE):
        return False
    if operation.step == step and operation.step_sent_at is not None:
        return now - operation.step_sent_at > window
    newly_due = payment.stage is Stage.APPROVED and operation.step in ("", Step.CREATE)
    return not newly_due and now - operation.created_at > window


def may_still_arrive(operation: Operation, now: datetime) -> bool:
    """Whether what was sent last may still be executed."""
    return operation.last_sent_at is not None and now - operation.last_sent_at < LATE_EFFECT_MAX


def when_too_old(operation: Operation, step: Step) -> Verdict:
    """What becomes of a step that must not be sent any more, after the provider was asked.

    A creation moves no money and is given up; an unconfirmed object is fenced off. A capture or
    refund that was never sent is given up as well; one that was sent waits for a person.
    """
    if step is Step.CONFIRM:
        return Verdict(step=Step.FENCE)
    if step is not Step.CREATE and operation.step == step:
        return Verdict(why=f"The {step} was sent too long ago to be sent again.")
    return Verdict(state=OperationState.REFUSED, why="It was not sent in time.")


CHECK_DELAYS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
)
"""How long after the last look an unsettled payment is asked for again; the last one repeats."""


def next_check_at(since: datetime, now: datetime) -> datetime:
    """When to ask again for what has been unsettled `since`: later and later, but never never."""
    age = now - since
    for delay in CHECK_DELAYS:
        if age < delay:
            return now + delay
    return now + CHECK_DELAYS[-1]

"""The payment: its states, the table of legal moves, and `observe`, the one way to learn.

Replies, webhooks, polls and sweeps all yield a `Snapshot`; `observe` joins it with what is known.
The join is commutative and idempotent, so duplicated, late and reordered news converge.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum, StrEnum

from domain.errors import InvalidTransition
from domain.settlement import LineKind, LineStatus
from domain.transaction import Movement


class PaymentState(StrEnum):
    """What an operator sees; the amounts are the truth behind it."""

    PENDING = "pending"
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class Stage(IntEnum):
    """How far a payment is known to have come; observations only ever raise it.

    CAPTURED stands above the ends without money: should both ever be reported, money that moved is
    adopted, because it is at the provider whether we like it or not.
    """

    RECORDED = 0
    """Our row exists, nothing was sent."""
    SENT = 1
    """Marked as sending; the provider may or may not know of it."""
    CREATED = 2
    """The provider has an object that moves no money."""
    ACTION = 3
    """The customer has to act."""
    APPROVED = 4
    """The customer agreed; nothing moves until we confirm."""
    UNDERWAY = 5
    """The provider works on it; banks take days."""
    DECLINED = 6
    """Refused, but the provider's object could still be paid: it must be fenced off first."""
    AUTHORIZED = 7
    CANCELLED = 8
    FAILED = 9
    """Refused, and the provider's object can never be paid."""
    CAPTURED = 10


STATE_OF: dict[Stage, PaymentState] = {
    Stage.RECORDED: PaymentState.PENDING,
    Stage.SENT: PaymentState.PROCESSING,
    Stage.CREATED: PaymentState.PROCESSING,
    Stage.ACTION: PaymentState.REQUIRES_ACTION,
    Stage.APPROVED: PaymentState.PROCESSING,
    Stage.UNDERWAY: PaymentState.PROCESSING,
    Stage.DECLINED: PaymentState.PROCESSING,
    Stage.AUTHORIZED: PaymentState.AUTHORIZED,
    Stage.CANCELLED: PaymentState.CANCELLED,
    Stage.FAILED: PaymentState.FAILED,
    Stage.CAPTURED: PaymentState.SUCCEEDED,
}


class Command(StrEnum):
    """What an operator can ask of a payment."""

    CONFIRM = "confirm"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"


TRANSITIONS: dict[tuple[PaymentState, Command], PaymentState] = {
    (PaymentState.PENDING, Command.CONFIRM): PaymentState.PROCESSING,
    (PaymentState.PROCESSING, Command.CONFIRM): PaymentState.PROCESSING,
    (PaymentState.AUTHORIZED, Command.CAPTURE): PaymentState.SUCCEEDED,
    (PaymentState.PENDING, Command.CANCEL): PaymentState.CANCELLED,
    (PaymentState.PROCESSING, Command.CANCEL): PaymentState.CANCELLED,
    (PaymentState.REQUIRES_ACTION, Command.CANCEL): PaymentState.CANCELLED,
    (PaymentState.AUTHORIZED, Command.CANCEL): PaymentState.CANCELLED,
    (PaymentState.SUCCEEDED, Command.REFUND): PaymentState.REFUNDED,
}
"""Every legal command by state, with the state it aims at; every other pair is refused."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The provider's view of one payment at one moment."""

    provider: str
    account: str
    mode: str
    provider_payment_id: str
    stage: Stage
    amount_minor: int
    currency: str
    movements: tuple[Movement, ...] = ()
    payment_id: str | None = None
    """Our id, as the provider's metadata carries it."""
    order_reference: str = ""
    """The order's reference, where the provider's object carries one."""
    failure_code: str = ""
    failure_message: str = ""
    next_action_url: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as we know it; amounts in minor units of `currency`."""

    payment_id: str
    provider: str
    account: str
    mode: str
    amount_minor: int
    currency: str
    capture: bool
    """True: capture at once; False: authorise only, capture later."""
    method_token: str
    """The provider's token of the payment method; never a card number."""
    created_at: datetime
    updated_at: datetime
    stage: Stage = Stage.RECORDED
    provider_payment_id: str | None = None
    order_reference: str | None = None
    customer_id: str | None = None
    description: str = ""
    failure_code: str = ""
    failure_message: str = ""
    next_action_url: str = ""
    next_check_at: datetime | None = None
    """When an unsettled payment is to be asked for again."""
    version: int = 1
    movements: tuple[Movement, ...] = ()

    @property
    def captured_minor(self) -> int:
        """Money that came in."""
        return self._sum(LineKind.CHARGE, {LineStatus.SUCCEEDED})

    @property
    def refunded_minor(self) -> int:
        """Money given back, refunds under way included."""
        return -self._sum(LineKind.REFUND, {LineStatus.SUCCEEDED, LineStatus.PENDING})

    @property
    def disputed_minor(self) -> int:
        """Money withdrawn by disputes and not reinstated."""
        won = self._sum(LineKind.DISPUTE_REVERSAL, {LineStatus.SUCCEEDED})
        return -self._sum(LineKind.DISPUTE, {LineStatus.SUCCEEDED}) - won

    @property
    def fee_minor(self) -> int:
        """Fees stated so far."""
        return sum(m.fee_minor or 0 for m in self.movements)

    @property
    def state(self) -> PaymentState:
        """The state an operator sees."""
        state = STATE_OF[self.stage]
        if state is PaymentState.SUCCEEDED and 0 < self.captured_minor <= self.refunded_minor:
            return PaymentState.REFUNDED
        return state

    def _sum(self, kind: LineKind, statuses: set[LineStatus]) -> int:
        return sum(
            m.amount_minor for m in self.movements if m.kind is kind and m.status in statuses
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """What a snapshot taught: the payment after it, the facts that are new, what could not be."""

    payment: Payment
    facts: tuple[str, ...] = ()
    """Past-tense names such as `payment.captured`, in order; empty when nothing is new."""
    changed: tuple[tuple[Movement | None, Movement], ...] = ()
    """Movements that are new or say more: (before, after)."""
    anomalies: tuple[str, ...] = field(default=())
    """Sentences about what contradicts our record; nothing of such a snapshot is applied."""


_FACTS = {
    PaymentState.PROCESSING: "payment.sent",
    PaymentState.REQUIRES_ACTION: "payment.action_required",
    PaymentState.AUTHORIZED: "payment.authorized",
    PaymentState.SUCCEEDED: "payment.captured",
    PaymentState.FAILED: "payment.failed",
    PaymentState.CANCELLED: "payment.cancelled",
    PaymentState.REFUNDED: "payment.refunded",
}

_MOVEMENT_FACTS = {
    LineKind.REFUND: "payment.refund",
    LineKind.DISPUTE: "payment.dispute",
    LineKind.DISPUTE_REVERSAL: "payment.dispute_reversal",
    LineKind.CHARGE: "payment.charge",
}


def check_command(payment: Payment, command: Command) -> None:
    """Let a legal command pass.

    Raises:
        InvalidTransition: the payment's state has no such edge.
    """
    if (payment.state, command) not in TRANSITIONS:
        legal = sorted(c for s, c in TRANSITIONS if s is payment.state)
        choices = f"only {', '.join(legal)} is possible" if legal else "it is final"
        raise InvalidTransition(
            f"A payment that is {payment.state} cannot be asked to {command}: {choices}.",
            hint=f"Look at it with `tscli payments show {payment.payment_id}`.",
        )


def observe(payment: Payment, snapshot: Snapshot) -> Observation:
    """Join what the provider shows with what we know.

    Returns the same payment and no facts when the snapshot is old or known, and the same payment
    with anomalies when it contradicts the record (another object, amount, currency, account or
    mode). An untouched object first heard of when the payment is over stays unknown: nobody will
    ever confirm it.
    """
    if _came_too_late(payment, snapshot):
        return Observation(payment)
    merged = replace(payment, movements=_merged(payment, snapshot))
    anomalies = _contradictions(payment, snapshot) + _impossible(merged)
    if anomalies:
        return Observation(payment, anomalies=anomalies)
    stage = _joined_stage(merged, snapshot)
    code, message = _failure(stage, payment, snapshot)
    after = replace(
        merged,
        stage=stage,
        provider_payment_id=snapshot.provider_payment_id,
        failure_code=code,
        failure_message=message,
        next_action_url=_action_url(stage, payment, snapshot),
    )
    known = {m.name: m for m in payment.movements}
    changed = tuple((known.get(m.name), m) for m in after.movements if known.get(m.name) != m)
    return Observation(after, _facts(payment, after, changed), changed)


def _came_too_late(payment: Payment, snapshot: Snapshot) -> bool:
    over = payment.stage in (Stage.CANCELLED, Stage.FAILED)
    unknown = payment.provider_payment_id is None
    return over and unknown and snapshot.stage <= Stage.APPROVED and not snapshot.movements


def _merged(payment: Payment, snapshot: Snapshot) -> tuple[Movement, ...]:
    merged = {m.name: m for m in payment.movements}
    for movement in snapshot.movements:
        old = merged.get(movement.name)
        merged[movement.name] = old.join(movement) if old else movement
    return tuple(sorted(merged.values(), key=lambda m: (m.kind, m.reference)))


def _joined_stage(merged: Payment, snapshot: Snapshot) -> Stage:
    """The further stage of both; money that came in decides, whatever the status says."""
    if merged.captured_minor:
        return Stage.CAPTURED
    if {merged.stage, snapshot.stage} == {Stage.DECLINED, Stage.CANCELLED}:
        return Stage.FAILED  # the fence behind a refusal: the money was refused, not called off
    return max(merged.stage, snapshot.stage)


def _failure(stage: Stage, payment: Payment, snapshot: Snapshot) -> tuple[str, str]:
    """Why it was refused, as long as it is: the further of both views that says so."""
    if stage not in (Stage.DECLINED, Stage.FAILED):
        return "", ""
    ours = (payment.failure_code, payment.failure_message)
    theirs = (snapshot.failure_code, snapshot.failure_message)
    first, second = (theirs, ours) if snapshot.stage >= payment.stage else (ours, theirs)
    return first if any(first) else second


def _action_url(stage: Stage, payment: Payment, snapshot: Snapshot) -> str:
    if stage is not Stage.ACTION:
        return ""
    return snapshot.next_action_url or payment.next_action_url


def _contradictions(payment: Payment, snapshot: Snapshot) -> tuple[str, ...]:
    ours: dict[str, object] = {
        "provider": payment.provider,
        "account": payment.account,
        "mode": payment.mode,
        "currency": payment.currency,
        "amount": payment.amount_minor,
    }
    theirs: dict[str, object] = {
        "provider": snapshot.provider,
        "account": snapshot.account,
        "mode": snapshot.mode,
        "currency": snapshot.currency,
        "amount": snapshot.amount_minor,
    }
    if payment.provider_payment_id:
        ours["object"] = payment.provider_payment_id
        theirs["object"] = snapshot.provider_payment_id
    if snapshot.payment_id:
        ours["payment"] = payment.payment_id
        theirs["payment"] = snapshot.payment_id
    found = [
        f"The provider's {what} is {theirs[what]}, ours is {ours[what]}."
        for what in ours
        if ours[what] != theirs[what]
    ]
    known = {m.name: m.amount_minor for m in payment.movements}
    found += [
        f"The {m.kind} {m.reference} changed from {known[m.name]} to {m.amount_minor}."
        for m in snapshot.movements
        if known.get(m.name, m.amount_minor) != m.amount_minor
    ]
    return tuple(found)


def _impossible(merged: Payment) -> tuple[str, ...]:
    """More money than there can be, both views taken together."""
    bounds = (
        ("captured", merged.captured_minor, "intended", merged.amount_minor),
        ("refunded", merged.refunded_minor, "captured", merged.captured_minor),
        ("withdrew", merged.disputed_minor, "captured", merged.captured_minor),
    )
    return tuple(
        f"The provider {did} {minor} of {bound} {most}."
        for did, minor, bound, most in bounds
        if minor > most
    )


def _facts(
    before: Payment, after: Payment, changed: tuple[tuple[Movement | None, Movement], ...]
) -> tuple[str, ...]:
    facts = [_FACTS[after.state]] if after.state is not before.state else []
    for old, new in changed:
        if old is None or old.status is not new.status:
            facts.append(f"{_MOVEMENT_FACTS.get(new.kind, 'payment.movement')}.{new.status}")
        else:
            facts.append("payment.fee_stated")
    if not facts and after != before:
        facts.append("payment.observed")
    return tuple(facts)

"""Faults built into the product on purpose, one at a time: a harness that misses them is blind.

Each mutant is a patch of the product applied in a process of its own before any command is forked,
with the defences that overlap it switched off (`weak`).
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import providers.guard
import tests.storms.child
from db.database import Books, Database
from domain.errors import CircuitOpen, Conflict, OutcomeUnknown
from domain.inbox import DONE
from domain.operation import Operation, OperationKind, OperationState, Step, Verdict
from domain.payment import Observation, Payment, Snapshot, Stage
from domain.provider import Provider
from domain.stored_event import StoredEvent
from domain.webhook import EventState
from tests.storms.commands import acknowledge
from tests.storms.weak import weaken
from tscli.services import applying, booking, deciding, drive, inbox, intents, payments, steps
from tscli.services.context import Context
from tscli.services.deciding import Next


@dataclass(frozen=True)
class Mutant:
    """One fault: its name, what it does wrong, and the patch."""

    name: str
    fault: str
    patch: Callable[[], None]

    def apply(self) -> None:
        """Break the product in this process."""
        weaken()
        self.patch()


def _fail_on_unknown() -> None:
    def fail(context: Context, operation: Operation, error: Any, **_: Any) -> None:
        with context.database.transaction() as books:
            current = books.operations.get(operation.operation_id)
            payment = books.payments.get(operation.payment_id, lock=True)
            if operation.kind is OperationKind.CREATE:
                dead = replace(payment, stage=max(payment.stage, Stage.FAILED))
                booking.store(books, context, payment, Observation(dead, ("payment.failed",)))
            verdict = Verdict(state=OperationState.REFUSED, why=error.message)
            deciding.settle(books, context, current, verdict)

    drive.leave_unknown = fail
    drive.renew = lambda context, operation: None


def _fresh_key() -> None:
    def key(self: Operation, step: Step) -> str:
        return f"{self.operation_id}.{step}.{self.attempt}.{random.getrandbits(64):x}"

    Operation.key = key  # type: ignore[method-assign]


def _send_before_intent() -> None:
    def mark(
        books: Books, context: Context, payment: Payment, operation: Operation, step: Step
    ) -> tuple[Payment, Operation]:
        return payment, replace(operation, state=OperationState.SENDING, step=step)

    deciding._mark = mark


def _post_later() -> None:
    _record_later(lambda entries: bool(entries))


def _audit_later() -> None:
    _record_later(lambda entries: not entries)


def _record_later(apart: Callable[[Any], bool]) -> None:
    """Records that `apart` picks are written in a transaction of their own, after the first."""
    record, transaction = Books.record, Database.transaction

    def recorded(self: Books, *words: Any, entries: Any = (), **more: Any) -> Any:
        later = getattr(self, "later", None)
        if later is None or not apart(entries):
            return record(self, *words, entries=entries, **more)
        later.append((words, more, entries))
        return None if not entries else record(self, *words, **more)

    @contextmanager
    def split(self: Database, *, dry_run: bool = False) -> Iterator[Books]:
        with transaction(self, dry_run=dry_run) as books:
            books.later = []  # type: ignore[attr-defined]
            yield books
        if books.later and not dry_run:  # type: ignore[attr-defined]
            tests.storms.child.CURRENT.meet("begin")
            with transaction(self) as again:
                for words, more, entries in books.later:  # type: ignore[attr-defined]
                    again.record(*words, entries=entries, **more)

    Books.record = recorded  # type: ignore[method-assign]
    tests.storms.child._transaction = split


def _no_reservation() -> None:
    def left(payment: Payment, unfinished: list[Operation]) -> int:
        return payment.captured_minor - payment.refunded_minor

    payments.refundable_minor = left
    intents.refundable_minor = left


def _other_provider() -> None:
    call = steps.call

    async def elsewhere(
        context: Context, provider: Provider, payment: Payment, operation: Operation, step: Step
    ) -> Snapshot:
        try:
            return await call(context, provider, payment, operation, step)
        except OutcomeUnknown:
            if step is not Step.CONFIRM or payment.provider_payment_id is None:
                raise
        key, token = f"{operation.operation_id}.elsewhere.", payment.method_token
        made = await provider.create(steps._request(context, payment), f"{key}1")
        paid = await provider.confirm(made.provider_payment_id, token, f"{key}2")
        return replace(paid, provider_payment_id=payment.provider_payment_id)

    drive.call = elsewhere


def _any_age() -> None:
    deciding.is_too_old = lambda *_: False


def _not_found_is_failed() -> None:
    otherwise = drive._give_way

    def give_way(context: Context, found: Next, error: Any) -> None:
        if found.step is Step.REFUND:
            deciding.settle_refused(context, found, error)
        else:
            otherwise(context, found, error)

    drive.RESENDS = 0
    drive._give_way = give_way


def _declines_trip_the_breaker() -> None:
    providers.guard._says_down = lambda error: not isinstance(error, CircuitOpen)


def _only_a_lease() -> None:
    """Two refunds of one payment are kept apart by a lease and by nothing else."""
    _no_reservation()
    refund = payments.refund_payment

    async def leased(context: Context, payment_id: str, *words: Any, **more: Any) -> Any:
        name, holder, now = f"refund:{payment_id}", context.ids.new("run"), context.clock.now()
        with context.database.transaction() as books:
            if not books.leases.take([name], holder, now, now + timedelta(seconds=90)):
                raise Conflict("another refund is under way.")
        try:
            return await refund(context, payment_id, *words, **more)
        finally:
            with context.database.transaction() as books:
                books.leases.release([name], holder)

    payments.refund_payment = leased


def _blind_overwrite() -> None:
    """An event's view replaces ours, however old it is, and the database lets it."""

    def overwrite(books: Books, context: Context, payment: Payment, shown: Snapshot) -> Observation:
        if payment.captured_minor or shown.stage == payment.stage:
            return booking.learn(books, context, payment, shown)
        # The database refuses this as well: without that defence it shows what else notices it.
        table = " ON payments" if context.database.kind == "postgresql" else ""
        drop = f"DROP TRIGGER IF EXISTS payments_refuse_going_back{table}"
        books._connection.exec_driver_sql(drop)
        after = replace(payment, stage=shown.stage)
        seen = Observation(after, ("payment.observed",))
        return replace(seen, payment=booking.store(books, context, payment, seen))

    applying.learn = overwrite


def _dedup_after_effect() -> None:
    """News is recorded first, and known as recorded in a transaction of its own."""

    def note(context: Context, event: StoredEvent, *, dry_run: bool) -> Any:
        if event.state in DONE:
            return EventState.UNCHANGED, ()
        with context.database.transaction() as books:
            after = {"type": event.type, "event_id": event.event_id}
            books.record(context.actor, f"{event.topic}.reported", event.event_id, after=after)
        return EventState.APPLIED, (f"{event.topic}.reported",)

    applying._note = note


def _ack_first() -> None:
    """The answer leaves before the event is stored."""
    receive = inbox.receive

    async def hasty(
        context: Context, provider: Provider, headers: Any, body: bytes, **more: Any
    ) -> StoredEvent:
        _, event = await inbox.verified(provider, headers, body)
        acknowledge(event.provider_event_id)
        return await receive(context, provider, headers, body, **more)

    inbox.receive = hasty


SOUND = Mutant("-", "no fault, on the same provider without guards", lambda: None)
"""The control: what is caught must be the fault, not the weak provider."""

MUTANTS: tuple[Mutant, ...] = (
    Mutant("M1", "an unknown outcome is called failed", _fail_on_unknown),
    Mutant("M2", "a fresh provider key for every try", _fresh_key),
    Mutant("M3", "sent before the intent is committed", _send_before_intent),
    Mutant("M4", "the ledger is posted in a second transaction", _post_later),
    Mutant("M5", "refunds are not reserved", _no_reservation),
    Mutant("M6", "an older event overwrites what is known", _blind_overwrite),
    Mutant("M7", "an event is known as seen only after its effect", _dedup_after_effect),
    Mutant("M8", "a delivery is acknowledged before it is durable", _ack_first),
    Mutant("M9", "another object is charged after a send was marked", _other_provider),
    Mutant("M10", "sent again after the key's window", _any_age),
    Mutant("M11", "audit records are appended outside the transaction", _audit_later),
    Mutant("M12", "one look that does not show it is a failure", _not_found_is_failed),
    Mutant("M13", "the breaker counts declines", _declines_trip_the_breaker),
    Mutant("M14", "a lease is the only guard of refunds", _only_a_lease),
)

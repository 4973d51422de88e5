"""Idempotency: one request, one effect; whoever repeats it waits, finishes it, or is told.

The permanent rows in the books decide. Claims say who is at work on a key at the moment, so that
two processes do not send the same step side by side; without them all is slower and as safe.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.database import Books
from db.sql_store import lease_name
from domain.errors import Busy, IdempotencyInFlight, NotFound, OutcomeUnknown, Unavailable
from domain.idempotency import CLAIM_SECONDS, IdempotencyRow
from domain.operation import OPEN_STATES, Operation, Step, next_step
from domain.payment import Payment
from tscli.services.context import Context
from tscli.services.intents import Intent
from tscli.services.leasing import is_gone, lease, new_holder

WAIT_SECONDS = 5.0
"""How long a repeated command waits for the one that is at work."""

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Standing:
    """What a key stands for."""

    row: IdempotencyRow
    payment: Payment
    operation: Operation
    holder: str | None
    """Who is at work on it, as far as is known still alive."""
    step: Step | None
    """What would be sent next."""
    sendable_until: datetime | None
    """Until when that may be sent again under the key it was sent with."""


class IdempotencyService:
    """The keys of one command's requests."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.holder = new_holder(context.actor.host)

    async def begin(
        self,
        scope: str,
        key: str,
        write: Callable[[Books], Intent],
        *,
        dry_run: bool = False,
    ) -> Intent:
        """Write or find what a key stands for, and be the one who works on it until `end`; of what
        is settled there is nothing to let go.

        The store of claims makes us wait, it never turns us away: that is for the books, which are
        asked in the end.

        Raises:
            IdempotencyInFlight: another command still is, after all our waiting.
            PaymentsError: whatever `write` refuses.
        """
        if dry_run:
            with self._context.database.transaction(dry_run=True) as books:
                return write(books)
        waited_seconds = 0.0
        with ExitStack() as undo:
            undo.callback(self.end, scope, key)
            while True:
                patient = waited_seconds < WAIT_SECONDS
                if self._claim(scope, key) is None or not patient:
                    with _naming(key):
                        intent, ours = self._context.database.run(
                            lambda books: self._written(books, scope, key, write(books))
                        )
                    if ours:
                        if intent.operation.state in OPEN_STATES:
                            undo.pop_all()
                        return intent
                if not patient:
                    raise IdempotencyInFlight(
                        f"Another command is at work on the idempotency key {key!r}."
                    )
                await asyncio.sleep(_POLL_SECONDS)
                waited_seconds += _POLL_SECONDS

    def end(self, scope: str, key: str) -> None:
        """Let others go on with what is still open."""
        with suppress(Unavailable, OutcomeUnknown, Busy):  # it expires by itself
            self._context.claims.release(scope, key, self.holder)

    def _claim(self, scope: str, key: str) -> str | None:
        """Who else is at work on a key; a holder that is dead is none."""
        store = self._context.claims
        held = store.claim(scope, key, self.holder)
        if held is not None and is_gone(held, self._context.actor.host):
            store.take_over(scope, key, held, self.holder)
            held = store.claim(scope, key, self.holder)
        return held

    def _written(self, books: Books, scope: str, key: str, intent: Intent) -> tuple[Intent, bool]:
        """The intent, and whether nobody else began it between our question and our writing."""
        if intent.operation.state not in OPEN_STATES:
            return intent, True
        now, name = self._context.clock.now(), lease_name(scope, key)
        until = now + timedelta(seconds=CLAIM_SECONDS)
        return intent, bool(lease(books, [name], self.holder, now, until))


@contextmanager
def _naming(key: str) -> Iterator[None]:
    """Name the key in an error that leaves open whether the intent is written: whoever repeats the
    words without it would ask for the money twice."""
    try:
        yield
    except OutcomeUnknown as error:
        error.hint = f"{error.hint} The key is {key}."
        raise


def standings(
    context: Context, key: str, window: Callable[[str, Step], timedelta]
) -> list[Standing]:
    """Everything a key stands for, in all its scopes; `window` says how long a provider remembers
    the key of a step.

    Raises:
        NotFound: nothing was ever asked for under it.
    """
    with context.database.read() as books:
        found = [_standing(context, books, row, window) for row in books.idempotency.find(key)]
    if not found:
        raise NotFound(f"Nothing was asked for under the idempotency key {key!r}.")
    return found


def _standing(
    context: Context, books: Books, row: IdempotencyRow, window: Callable[[str, Step], timedelta]
) -> Standing:
    payment = books.payments.get(row.payment_id)
    operation = books.operations.get(row.operation_id)
    if operation.state not in OPEN_STATES:
        return Standing(row, payment, operation, None, None, None)
    until = None
    if operation.step and operation.step_sent_at:
        until = operation.step_sent_at + window(payment.provider, Step(operation.step))
    holder = books.leases.holder(lease_name(row.scope, row.key), context.clock.now())
    if holder is not None and is_gone(holder, context.actor.host):
        holder = None
    return Standing(row, payment, operation, holder, next_step(operation, payment).step, until)

"""Operations and idempotency rows: what was intended, under which key, and what is certain."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, String, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError as DatabaseIntegrityError

from db.schema import idempotency, operations, payments
from domain.clock import from_micros, to_micros
from domain.errors import IdempotencyInFlight, NotFound, StaleVersion
from domain.idempotency import IdempotencyRow
from domain.operation import OPEN_STATES, Operation, OperationKind, OperationState, Step
from domain.provider import ProviderAccount

_OPEN = bindparam(
    "open",
    [state.value for state in sorted(OPEN_STATES)],
    type_=String(),
    expanding=True,
    literal_execute=True,
)
"""The open states as words of the statement: SQLite uses the index over them for nothing else."""

_BY_ID = select(operations).where(operations.c.operation_id == bindparam("of"))
_WRITE = update(operations).where(
    operations.c.operation_id == bindparam("of"),
    operations.c.state == bindparam("read_state"),
    operations.c.attempt == bindparam("read_attempt"),
)
_OF_KEY = select(idempotency).where(
    idempotency.c.scope == bindparam("scope"), idempotency.c.key == bindparam("key")
)


class Operations:
    """The operations table; whoever changes a row holds the lock of its payment, and has read the
    row under it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, operation: Operation) -> None:
        """Insert a new intent."""
        row = {
            "operation_id": operation.operation_id,
            "payment_id": operation.payment_id,
            "kind": operation.kind,
            "amount_minor": operation.amount_minor,
            "state": operation.state,
            "operator": operation.operator,
            "created_at": to_micros(operation.created_at),
            "updated_at": to_micros(operation.updated_at),
            "sent_at": None,
            "attempt": operation.attempt,
            "reason": operation.reason,
            "error_code": operation.error_code,
            "error_message": operation.error_message,
            "step": operation.step,
            "step_sent_at": None,
            "last_sent_at": None,
        }
        self._connection.execute(insert(operations), row)

    def get(self, operation_id: str) -> Operation:
        """One operation.

        Raises:
            NotFound: there is none.
        """
        row = self._connection.execute(_BY_ID, {"of": operation_id}).first()
        if row is None:
            raise NotFound(f"There is no operation {operation_id}.")
        return _operation(row)

    def of_payment(self, payment_id: str, *, only_open: bool = False) -> list[Operation]:
        """A payment's operations, oldest first; with `only_open` those that are not settled."""
        query = select(operations).where(operations.c.payment_id == payment_id)
        if only_open:
            query = query.where(operations.c.state.in_(_OPEN))
        query = query.order_by(operations.c.created_at, operations.c.operation_id)
        return [_operation(row) for row in self._connection.execute(query)]

    def unfinished(self) -> list[tuple[str, ProviderAccount, datetime, datetime]]:
        """Payments with open operations: (id, owner, oldest intent, last look), once each."""
        p, o = payments.c, operations.c
        rows = self._connection.execute(
            select(o.payment_id, p.provider, p.account, p.mode, o.created_at, o.updated_at)
            .select_from(operations.join(payments, o.payment_id == p.payment_id))
            .where(o.state.in_(_OPEN))
        )
        # Grouped here: SQLite would rather walk along all payments than sort the few open ones.
        found: dict[str, tuple[str, ProviderAccount, datetime, datetime]] = {}
        for row in rows:
            owner = ProviderAccount(row.provider, row.account, row.mode)
            since, looked = from_micros(row.created_at), from_micros(row.updated_at)
            if row.payment_id in found:
                _, _, first, last = found[row.payment_id]
                since, looked = min(first, since), max(last, looked)
            found[row.payment_id] = (row.payment_id, owner, since, looked)
        return list(found.values())

    def mark_sending(self, operation: Operation, step: Step, now: datetime) -> Operation:
        """Write that a byte of `step` may leave; the first time is the birth of its key."""
        known = operation.step == step and operation.step_sent_at is not None
        after = replace(
            operation,
            state=OperationState.SENDING,
            updated_at=now,
            sent_at=operation.sent_at or now,
            step=step.value,
            step_sent_at=operation.step_sent_at if known else now,
            last_sent_at=now,
            error_code="",
            error_message="",
        )
        self._write(operation, after)
        return after

    def sent_again(self, operation: Operation, now: datetime) -> Operation:
        """Write that a byte of the same step may leave once more under the same key."""
        after = replace(operation, updated_at=now, last_sent_at=now)
        self._write(operation, after)
        return after

    def renew(self, operation: Operation, now: datetime) -> Operation:
        """Give the operation new provider keys: only where the old ones certainly move nothing."""
        after = replace(
            operation, attempt=operation.attempt + 1, step="", step_sent_at=None, updated_at=now
        )
        self._write(operation, after)
        return after

    def restart(self, operation: Operation, now: datetime) -> Operation:
        """Begin anew with fresh keys, as decided by a person: its age counts from now."""
        after = replace(
            operation,
            attempt=operation.attempt + 1,
            state=OperationState.UNKNOWN,
            step=operation.step,
            step_sent_at=now,
            updated_at=now,
        )
        self._write(operation, after)
        return after

    def look(self, operation_id: str, now: datetime) -> None:
        """Write that the provider was asked and had nothing new to say."""
        self._connection.execute(
            update(operations)
            .where(operations.c.operation_id == operation_id)
            .values(updated_at=to_micros(now))
        )

    def settle(
        self,
        operation: Operation,
        state: OperationState,
        now: datetime,
        *,
        error_code: str = "",
        error_message: str = "",
    ) -> Operation:
        """Write what has become certain, or that it is unknown."""
        after = replace(
            operation,
            state=state,
            updated_at=now,
            error_code=error_code,
            error_message=error_message,
        )
        self._write(operation, after)
        return after

    def _write(self, before: Operation, after: Operation) -> None:
        changed = {
            "state": after.state,
            "updated_at": to_micros(after.updated_at),
            "sent_at": _micros(after.sent_at),
            "attempt": after.attempt,
            "step": after.step,
            "step_sent_at": _micros(after.step_sent_at),
            "last_sent_at": _micros(after.last_sent_at),
            "error_code": after.error_code,
            "error_message": after.error_message,
        }
        of = {
            "of": before.operation_id, "read_state": before.state, "read_attempt": before.attempt
        }  # fmt: skip
        if self._connection.execute(_WRITE, of | changed).rowcount != 1:
            raise StaleVersion(f"The operation {before.operation_id} changed meanwhile.")


class Idempotency:
    """The permanent rows of idempotency keys."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, scope: str, key: str) -> IdempotencyRow | None:
        """The row of a key in its scope."""
        row = self._connection.execute(_OF_KEY, {"scope": scope, "key": key}).first()
        return None if row is None else _idempotency(row)

    def find(self, key: str) -> list[IdempotencyRow]:
        """Every scope a key stands in, oldest first."""
        rows = self._connection.execute(
            select(idempotency)
            .where(idempotency.c.key == key)
            .order_by(idempotency.c.created_at, idempotency.c.scope)
        )
        return [_idempotency(row) for row in rows]

    def add(self, row: IdempotencyRow) -> None:
        """Insert a row.

        Raises:
            IdempotencyInFlight: another process inserted the same key a moment ago.
        """
        values = {
            "scope": row.scope,
            "key": row.key,
            "fingerprint": row.fingerprint,
            "payment_id": row.payment_id,
            "operation_id": row.operation_id,
            "created_at": to_micros(row.created_at),
        }
        try:
            self._connection.execute(insert(idempotency), values)
        except DatabaseIntegrityError as error:
            raise IdempotencyInFlight(
                f"The idempotency key {row.key!r} is being used by another command."
            ) from error


def _idempotency(row: Row[Any]) -> IdempotencyRow:
    return IdempotencyRow(
        row.scope,
        row.key,
        row.fingerprint,
        row.payment_id,
        row.operation_id,
        from_micros(row.created_at),
    )


def _operation(row: Row[Any]) -> Operation:
    return Operation(
        operation_id=row.operation_id,
        payment_id=row.payment_id,
        kind=OperationKind(row.kind),
        amount_minor=row.amount_minor,
        state=OperationState(row.state),
        operator=row.operator,
        created_at=from_micros(row.created_at),
        updated_at=from_micros(row.updated_at),
        sent_at=_instant(row.sent_at),
        attempt=row.attempt,
        reason=row.reason,
        error_code=row.error_code,
        error_message=row.error_message,
        step=row.step,
        step_sent_at=_instant(row.step_sent_at),
        last_sent_at=_instant(row.last_sent_at),
    )


def _micros(at: datetime | None) -> int | None:
    return None if at is None else to_micros(at)


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)

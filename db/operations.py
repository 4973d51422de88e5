"""Operations and idempotency rows: what was intended, under which key, and what is certain."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError as DatabaseIntegrityError

from db.schema import idempotency, operations
from domain.clock import from_micros, to_micros
from domain.errors import IdempotencyInFlight, NotFound
from domain.idempotency import IdempotencyRow
from domain.operation import OPEN_STATES, Operation, OperationKind, OperationState


class Operations:
    """The operations table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, operation: Operation) -> None:
        """Insert a new intent."""
        self._connection.execute(
            insert(operations).values(
                operation_id=operation.operation_id,
                payment_id=operation.payment_id,
                kind=operation.kind,
                amount_minor=operation.amount_minor,
                state=operation.state,
                operator=operation.operator,
                created_at=to_micros(operation.created_at),
                updated_at=to_micros(operation.updated_at),
                sent_at=None,
                attempt=operation.attempt,
                reason=operation.reason,
                error_code=operation.error_code,
                error_message=operation.error_message,
            )
        )

    def get(self, operation_id: str) -> Operation:
        """One operation.

        Raises:
            NotFound: there is none.
        """
        row = self._connection.execute(
            select(operations).where(operations.c.operation_id == operation_id)
        ).first()
        if row is None:
            raise NotFound(f"There is no operation {operation_id}.")
        return _operation(row)

    def of_payment(self, payment_id: str, *, only_open: bool = False) -> list[Operation]:
        """A payment's operations, oldest first; with `only_open` those that are not settled."""
        query = select(operations).where(operations.c.payment_id == payment_id)
        if only_open:
            query = query.where(operations.c.state.in_(sorted(OPEN_STATES)))
        query = query.order_by(operations.c.created_at, operations.c.operation_id)
        return [_operation(row) for row in self._connection.execute(query)]

    def settle(
        self,
        operation: Operation,
        state: OperationState,
        now: datetime,
        *,
        error_code: str = "",
        error_message: str = "",
    ) -> Operation:
        """Write what has become certain; `SENDING` also notes the birth of the provider's keys."""
        born = operation.sent_at
        if born is None and state is OperationState.SENDING:
            born = now
        after = replace(
            operation,
            state=state,
            updated_at=now,
            sent_at=born,
            error_code=error_code,
            error_message=error_message,
        )
        self._connection.execute(
            update(operations)
            .where(operations.c.operation_id == operation.operation_id)
            .values(
                state=state,
                updated_at=to_micros(now),
                sent_at=None if born is None else to_micros(born),
                error_code=error_code,
                error_message=error_message,
            )
        )
        return after


class Idempotency:
    """The permanent rows of idempotency keys."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, scope: str, key: str) -> IdempotencyRow | None:
        """The row of a key in its scope."""
        row = self._connection.execute(
            select(idempotency).where(idempotency.c.scope == scope, idempotency.c.key == key)
        ).first()
        if row is None:
            return None
        return IdempotencyRow(
            row.scope,
            row.key,
            row.fingerprint,
            row.payment_id,
            row.operation_id,
            from_micros(row.created_at),
        )

    def add(self, row: IdempotencyRow) -> None:
        """Insert a row.

        Raises:
            IdempotencyInFlight: another process inserted the same key a moment ago.
        """
        try:
            self._connection.execute(
                insert(idempotency).values(
                    scope=row.scope,
                    key=row.key,
                    fingerprint=row.fingerprint,
                    payment_id=row.payment_id,
                    operation_id=row.operation_id,
                    created_at=to_micros(row.created_at),
                )
            )
        except DatabaseIntegrityError as error:
            raise IdempotencyInFlight(
                f"The idempotency key {row.key!r} is being used by another command."
            ) from error


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
        sent_at=None if row.sent_at is None else from_micros(row.sent_at),
        attempt=row.attempt,
        reason=row.reason,
        error_code=row.error_code,
        error_message=row.error_message,
    )

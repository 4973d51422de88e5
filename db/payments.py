"""Payments and their movements: load whole, save with a version check."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError as DatabaseIntegrityError

from db.schema import payments, transactions
from domain.clock import from_micros, to_micros
from domain.errors import AlreadyExists, NotFound, StaleVersion
from domain.ids import Ids
from domain.payment import Payment, PaymentState, Stage
from domain.provider import ProviderAccount
from domain.settlement import LineKind, LineStatus
from domain.transaction import Movement, Transaction

_COLUMNS = (
    "payment_id", "provider", "account", "mode", "amount_minor", "currency", "method_token",
    "provider_payment_id", "order_reference", "customer_id", "description", "failure_code",
    "failure_message", "next_action_url", "version",
)  # fmt: skip
"""Stored as they are; the others are converted."""

_PAGE = 500

_BY_ID = select(payments).where(payments.c.payment_id == bindparam("of"))
_LOCKED = _BY_ID.with_for_update()
_SAVE = update(payments).where(
    payments.c.payment_id == bindparam("of"), payments.c.version == bindparam("read")
)
_MOVEMENTS = (
    select(transactions)
    .where(
        transactions.c.payment_id.in_(bindparam("of", expanding=True)),
        transactions.c.origin == "payment",
    )
    .order_by(transactions.c.kind, transactions.c.provider_reference)
)


class Payments:
    """The payments table and the transactions that are their movements."""

    def __init__(self, connection: Connection, ids: Ids) -> None:
        self._connection = connection
        self._ids = ids

    def add(self, payment: Payment) -> None:
        """Insert a new payment.

        Raises:
            AlreadyExists: the order reference is taken by a payment that is not failed or
            cancelled.
        """
        taken = payment.order_reference and self.by_order(payment.mode, payment.order_reference)
        if taken:
            raise _order_taken(taken)
        try:
            self._connection.execute(insert(payments), _row(payment))
        except DatabaseIntegrityError as error:  # a concurrent insert won the race
            raise AlreadyExists(
                f"The order {payment.order_reference} is being paid by another payment."
            ) from error

    def get(self, payment_id: str, *, lock: bool = False) -> Payment:
        """One payment with its movements; `lock` keeps others out until the transaction ends.

        Raises:
            NotFound: there is none.
        """
        found = self._load(_LOCKED if lock else _BY_ID, {"of": payment_id})
        if not found:
            raise NotFound(f"There is no payment {payment_id}.", hint="See `tscli payments list`.")
        return found[0]

    def by_order(self, mode: str, order_reference: str) -> Payment | None:
        """The payment that holds an order reference, unless it failed or was cancelled."""
        dead = (PaymentState.FAILED, PaymentState.CANCELLED)
        found = self._load(
            select(payments).where(
                payments.c.mode == mode,
                payments.c.order_reference == order_reference,
                payments.c.state.not_in(dead),
            )
        )
        return found[0] if found else None

    def find(
        self,
        *,
        state: str | None = None,
        provider: str | None = None,
        search: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> list[Payment]:
        """Payments, newest first; `search` is an exact id, order reference or provider
        reference."""
        query = select(payments).order_by(
            payments.c.created_at.desc(), payments.c.payment_id.desc()
        )
        if state:
            query = query.where(payments.c.state == state)
        if provider:
            query = query.where(payments.c.provider == provider)
        if after:
            query = query.where(payments.c.payment_id < after)
        if search:
            moved = select(transactions.c.payment_id).where(
                transactions.c.provider_reference == search
            )
            query = query.where(
                (payments.c.payment_id == search)
                | (payments.c.order_reference == search)
                | (payments.c.provider_payment_id == search)
                | payments.c.payment_id.in_(moved)
            )
        return self._load(query.limit(limit))

    def unsettled(self) -> list[tuple[str, ProviderAccount, datetime, datetime]]:
        """Payments that wait to be asked for again: (id, owner, since, next check)."""
        p = payments.c
        rows = self._connection.execute(
            select(
                p.payment_id, p.provider, p.account, p.mode, p.created_at, p.next_check_at
            ).where(p.next_check_at.is_not(None))
        )
        return [
            (
                row.payment_id,
                ProviderAccount(row.provider, row.account, row.mode),
                from_micros(row.created_at),
                from_micros(row.next_check_at),
            )
            for row in rows
        ]

    def owners(self) -> set[ProviderAccount]:
        """Every provider account that has a payment."""
        p = payments.c
        rows = self._connection.execute(select(p.provider, p.account, p.mode).distinct())
        return {ProviderAccount(*row) for row in rows}

    def postpone(self, payment_id: str, check_at: datetime) -> None:
        """Ask for an unsettled payment no sooner; a hint for sweeps, no fact about the payment."""
        self._connection.execute(
            update(payments)
            .where(payments.c.payment_id == payment_id, payments.c.next_check_at.is_not(None))
            .values(next_check_at=to_micros(check_at))
        )

    def known(self, owner: ProviderAccount, provider_payment_ids: Sequence[str]) -> set[str]:
        """Which of these objects of an account belong to payments of ours."""
        p = payments.c
        found: set[str] = set()
        for start in range(0, len(provider_payment_ids), _PAGE):
            part = provider_payment_ids[start : start + _PAGE]
            query = select(p.provider_payment_id).where(
                p.provider == owner.provider,
                p.account == owner.account,
                p.mode == owner.mode,
                p.provider_payment_id.in_(part),
            )
            found |= set(self._connection.execute(query).scalars())
        return found

    def save(self, before: Payment, after: Payment) -> Payment:
        """Write what changed and return the payment with its new version.

        Raises:
            StaleVersion: somebody saved it since `before` was read.
        """
        row = _row(after) | {"version": before.version + 1}
        terms = ("payment_id", "provider", "account", "mode", "amount_minor", "currency")
        changed = {k: v for k, v in row.items() if k not in terms}
        of = {"of": before.payment_id, "read": before.version}
        done = self._connection.execute(_SAVE, of | changed)
        if done.rowcount != 1:
            raise StaleVersion(f"The payment {before.payment_id} changed meanwhile.")
        moved = sorted(after.movements, key=lambda m: (m.kind, m.reference))
        return replace(after, version=before.version + 1, movements=tuple(moved))

    def save_movement(self, payment: Payment, before: Movement | None, after: Movement) -> str:
        """Insert or update the transaction of one movement; returns its id."""
        where = (
            transactions.c.payment_id == payment.payment_id,
            transactions.c.kind == after.kind,
            transactions.c.provider_reference == after.reference,
            transactions.c.origin == "payment",
        )
        if before is not None:
            self._connection.execute(
                update(transactions)
                .where(*where)
                .values(
                    status=after.status,
                    fee_minor=after.fee_minor,
                    occurred_at=to_micros(after.occurred_at),
                    operation_id=after.operation_id,
                )
            )
            found = self._connection.execute(select(transactions.c.transaction_id).where(*where))
            return str(found.scalar_one())
        transaction_id = self._ids.new("txn")
        row = {
            "transaction_id": transaction_id,
            "payment_id": payment.payment_id,
            "provider": payment.provider,
            "account": payment.account,
            "mode": payment.mode,
            "kind": after.kind,
            "provider_reference": after.reference,
            "amount_minor": after.amount_minor,
            "currency": payment.currency,
            "fee_minor": after.fee_minor,
            "status": after.status,
            "occurred_at": to_micros(after.occurred_at),
            "origin": "payment",
            "operation_id": after.operation_id,
        }
        self._connection.execute(insert(transactions), row)
        return transaction_id

    def contradictions(self) -> list[tuple[str, str, int, int]]:
        """Payments whose stored amounts are not those of their transactions.

        Rows of (payment id, column, stored minor units, counted minor units).
        """
        found: list[tuple[str, str, int, int]] = []
        query = select(payments).order_by(payments.c.payment_id).limit(_PAGE)
        rows = self._connection.execute(query).all()
        while rows:
            moved = self._movements(row.payment_id for row in rows)
            for row in rows:
                counted = _amounts(_payment(row, moved.get(row.payment_id, ())))
                found += [
                    (row.payment_id, column, getattr(row, column), minor)
                    for column, minor in counted.items()
                    if getattr(row, column) != minor
                ]
            following = query.where(payments.c.payment_id > rows[-1].payment_id)
            rows = self._connection.execute(following).all()
        return found

    def _load(self, query: Select[Any], words: dict[str, object] | None = None) -> list[Payment]:
        rows = self._connection.execute(query, words).all()
        if not rows:
            return []
        moved = self._movements(row.payment_id for row in rows)
        return [_payment(row, moved.get(row.payment_id, ())) for row in rows]

    def _movements(self, payment_ids: Iterable[str]) -> dict[str, tuple[Movement, ...]]:
        found: dict[str, tuple[Movement, ...]] = {}
        for row in self._connection.execute(_MOVEMENTS, {"of": list(payment_ids)}):
            found[row.payment_id] = (*found.get(row.payment_id, ()), _movement(row))
        return found


def _order_taken(payment: Payment) -> AlreadyExists:
    return AlreadyExists(
        f"The order {payment.order_reference} already has the payment {payment.payment_id}"
        f" ({payment.state}).",
        hint=f"Look at it with `tscli payments show {payment.payment_id}`.",
    )


def _amounts(payment: Payment) -> dict[str, int]:
    """The amounts that follow from the movements, as stored for queries and constraints."""
    return {
        "captured_minor": payment.captured_minor,
        "refunded_minor": payment.refunded_minor,
        "disputed_minor": max(payment.disputed_minor, 0),
    }


def _row(payment: Payment) -> dict[str, object]:
    check = payment.next_check_at
    return {name: getattr(payment, name) for name in _COLUMNS} | {
        **_amounts(payment),
        "capture": int(payment.capture),
        "stage": int(payment.stage),
        "state": payment.state,
        "next_check_at": None if check is None else to_micros(check),
        "created_at": to_micros(payment.created_at),
        "updated_at": to_micros(payment.updated_at),
    }


def _payment(row: Row[Any], movements: tuple[Movement, ...]) -> Payment:
    return Payment(
        **{name: getattr(row, name) for name in _COLUMNS},
        capture=bool(row.capture),
        stage=Stage(row.stage),
        created_at=from_micros(row.created_at),
        updated_at=from_micros(row.updated_at),
        next_check_at=None if row.next_check_at is None else from_micros(row.next_check_at),
        movements=movements,
    )


def _movement(row: Row[Any]) -> Movement:
    return Movement(
        kind=LineKind(row.kind),
        reference=row.provider_reference,
        amount_minor=row.amount_minor,
        fee_minor=row.fee_minor,
        status=LineStatus(row.status),
        occurred_at=from_micros(row.occurred_at),
        operation_id=row.operation_id,
    )


def transaction(row: Row[Any]) -> Transaction:
    """A row of the transactions table as a value."""
    return Transaction(
        transaction_id=row.transaction_id,
        payment_id=row.payment_id,
        provider=row.provider,
        account=row.account,
        mode=row.mode,
        kind=LineKind(row.kind),
        provider_reference=row.provider_reference,
        amount_minor=row.amount_minor,
        currency=row.currency,
        fee_minor=row.fee_minor,
        status=LineStatus(row.status),
        occurred_at=from_micros(row.occurred_at),
        origin=row.origin,
        operation_id=row.operation_id,
    )

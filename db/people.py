"""Customers and payment methods: the only rows with personal data, referred to by id elsewhere."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from db.inserting import insert_new
from db.schema import customers, payment_methods, provider_customers
from domain.clock import from_micros, to_micros
from domain.errors import NotFound
from domain.payment_method import Customer, PaymentMethod
from domain.provider import ProviderAccount


class People:
    """The customers and payment_methods tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def customer(self, name: str) -> Customer | None:
        """A customer by our id or the shop's own reference."""
        row = self._connection.execute(
            select(customers).where(
                (customers.c.customer_id == name) | (customers.c.reference == name)
            )
        ).first()
        if row is None:
            return None
        return Customer(row.customer_id, row.reference, from_micros(row.created_at))

    def add_customer(self, customer: Customer) -> bool:
        """Insert a customer, unless there is one of that reference by now; whether it is new."""
        row = {
            "customer_id": customer.customer_id,
            "reference": customer.reference,
            "created_at": to_micros(customer.created_at),
        }
        return insert_new(self._connection, customers, row, key=("reference",))

    def provider_customer(self, owner: ProviderAccount, customer_id: str) -> str:
        """The provider's id of a customer, empty when it has none there."""
        found = self._connection.execute(
            select(provider_customers.c.provider_customer_id).where(
                *_owned(provider_customers, owner), provider_customers.c.customer_id == customer_id
            )
        ).scalar()
        return found or ""

    def add_provider_customer(
        self, owner: ProviderAccount, customer_id: str, provider_customer_id: str
    ) -> None:
        """Keep the provider's id of a customer; the first one stays."""
        row = {
            "provider": owner.provider,
            "account": owner.account,
            "mode": owner.mode,
            "customer_id": customer_id,
            "provider_customer_id": provider_customer_id,
        }
        key = ("provider", "account", "mode", "customer_id")
        insert_new(self._connection, provider_customers, row, key=key)

    def add_method(self, method: PaymentMethod) -> bool:
        """Insert a payment method, unless its token is kept by now; whether it is new."""
        key = ("provider", "account", "mode", "token")
        return insert_new(
            self._connection, payment_methods, _row(method), key=key, where="removed_at IS NULL"
        )

    def method(self, method_id: str) -> PaymentMethod:
        """A payment method by our id.

        Raises:
            NotFound: there is none.
        """
        row = self._connection.execute(
            select(payment_methods).where(payment_methods.c.method_id == method_id)
        ).first()
        if row is None:
            raise NotFound(
                f"There is no payment method {method_id}.", hint="See `tscli methods list`."
            )
        return _method(row)

    def has_method(self, method_id: str) -> bool:
        """Whether this is one of our payment method ids."""
        query = select(payment_methods.c.method_id).where(payment_methods.c.method_id == method_id)
        return self._connection.execute(query).first() is not None

    def method_by_token(self, owner: ProviderAccount, token: str) -> PaymentMethod | None:
        """The payment method kept for a provider's token, unless it was removed."""
        row = self._connection.execute(
            select(payment_methods).where(
                *_owned(payment_methods, owner),
                payment_methods.c.token == token,
                payment_methods.c.removed_at.is_(None),
            )
        ).first()
        return _method(row) if row else None

    def methods(self, customer_id: str | None, *, removed: bool, limit: int) -> list[PaymentMethod]:
        """Payment methods, newest first."""
        query = select(payment_methods).order_by(
            payment_methods.c.created_at.desc(), payment_methods.c.method_id.desc()
        )
        if customer_id:
            query = query.where(payment_methods.c.customer_id == customer_id)
        if not removed:
            query = query.where(payment_methods.c.removed_at.is_(None))
        return [_method(row) for row in self._connection.execute(query.limit(limit))]

    def remove_method(self, method_id: str, now: datetime) -> None:
        """Mark a payment method as removed."""
        self._connection.execute(
            update(payment_methods)
            .where(payment_methods.c.method_id == method_id)
            .values(removed_at=to_micros(now))
        )


def _owned(table: Any, owner: ProviderAccount) -> tuple[Any, ...]:
    return (
        table.c.provider == owner.provider,
        table.c.account == owner.account,
        table.c.mode == owner.mode,
    )


def _row(method: PaymentMethod) -> dict[str, object]:
    removed = method.removed_at
    names = [c.name for c in payment_methods.c]
    return {name: getattr(method, name) for name in names} | {
        "created_at": to_micros(method.created_at),
        "removed_at": None if removed is None else to_micros(removed),
    }


def _method(row: Row[Any]) -> PaymentMethod:
    values = dict(row._mapping)
    values["created_at"] = from_micros(row.created_at)
    values["removed_at"] = None if row.removed_at is None else from_micros(row.removed_at)
    return PaymentMethod(**values)

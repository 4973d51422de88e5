"""Looking things up: payments with all that belongs to them, their history, nothing changed.

`refresh_payment` is the exception: it asks the provider, stores the answer and finishes what is
open.
"""

from dataclasses import dataclass

from domain.audit import AuditRecord
from domain.operation import Operation
from domain.operator import Permission
from domain.payment import Payment, PaymentState
from domain.transaction import Transaction
from tscli.services.context import Context
from tscli.services.drive import refresh
from tscli.services.payments import check_owner
from tscli.services.permission import require


@dataclass(frozen=True, slots=True)
class PaymentDetail:
    """One payment and everything recorded with it."""

    payment: Payment
    operations: list[Operation]
    transactions: list[Transaction]


def payment_detail(context: Context, payment_id: str) -> PaymentDetail:
    """One payment.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        return PaymentDetail(
            books.payments.get(payment_id),
            books.operations.of_payment(payment_id),
            books.ledger.transactions(payment_id=payment_id),
        )


async def refresh_payment(context: Context, payment_id: str) -> Payment:
    """Ask the provider about one payment.

    Raises:
        NotFound: there is none.
        Conflict: it belongs to another account than the configured one.
        Unavailable, OutcomeUnknown: see `drive.refresh`.
    """
    require(context, Permission.RECOVER)
    with context.database.read() as books:
        payment = books.payments.get(payment_id)
    async with context.open_provider(payment.provider) as provider:
        check_owner(payment, provider.account)
        return await refresh(context, provider, payment_id)


def find_payments(
    context: Context,
    *,
    state: PaymentState | None = None,
    provider: str | None = None,
    search: str | None = None,
    limit: int = 50,
) -> list[Payment]:
    """Payments, newest first."""
    with context.database.read() as books:
        return books.payments.find(state=state, provider=provider, search=search, limit=limit)


def payment_history(context: Context, payment_id: str) -> list[AuditRecord]:
    """Every audit record about a payment, oldest first.

    Raises:
        NotFound: there is no such payment.
    """
    with context.database.read() as books:
        books.payments.get(payment_id)
        return list(books.audit.records(subject=payment_id))

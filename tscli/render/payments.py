"""Payments, operations and payment methods as plain data for every format."""

import json
from typing import Any

from domain.audit import AuditRecord
from domain.clock import iso
from domain.money import format_minor
from domain.operation import Operation
from domain.payment import Payment
from domain.payment_method import PaymentMethod
from domain.transaction import Transaction
from tscli.render.audit import audit_data
from tscli.render.view import Column

LIST_COLUMNS = (
    Column("id", "payment", stack=True),
    Column("state", "state", stack=True),
    Column("amount.value", "amount", number=True),
    Column("amount.currency", "cur"),
    Column("captured.value", "captured", number=True),
    Column("refunded.value", "refunded", number=True),
    Column("order_reference", "order", stack=True),
    Column("created_at", "created", stack=True),
)
METHOD_COLUMNS = (
    Column("id", "method", stack=True),
    Column("type", "type"),
    Column("brand", "brand"),
    Column("last4", "last 4"),
    Column("expires", "expires"),
    Column("customer_id", "customer", stack=True),
    Column("token", "token", stack=True),
    Column("removed_at", "removed"),
)
HISTORY_COLUMNS = (
    Column("at", "at", stack=True),
    Column("what", "what", stack=True),
    Column("operator", "operator"),
    Column("command", "command"),
    Column("changed", "changed"),
)


def money(minor: int, currency: str) -> dict[str, Any]:
    """An amount for machines: plain decimal, currency, minor units."""
    return {"value": format_minor(minor, currency), "currency": currency, "minor": minor}


def payment_data(payment: Payment) -> dict[str, Any]:
    """One payment."""
    currency = payment.currency
    return {
        "id": payment.payment_id,
        "state": payment.state.value,
        "amount": money(payment.amount_minor, currency),
        "captured": money(payment.captured_minor, currency),
        "refunded": money(payment.refunded_minor, currency),
        "disputed": money(payment.disputed_minor, currency),
        "fee": money(payment.fee_minor, currency),
        "provider": payment.provider,
        "account": payment.account,
        "mode": payment.mode,
        "provider_payment_id": payment.provider_payment_id,
        "order_reference": payment.order_reference,
        "customer_id": payment.customer_id,
        "method": payment.method_token,
        "capture": payment.capture,
        "description": payment.description,
        "failure_code": payment.failure_code,
        "failure_message": payment.failure_message,
        "next_action_url": payment.next_action_url,
        "next_check_at": iso(payment.next_check_at) if payment.next_check_at else None,
        "created_at": iso(payment.created_at),
        "updated_at": iso(payment.updated_at),
    }


def operation_data(operation: Operation, currency: str) -> dict[str, Any]:
    """One operation."""
    return {
        "id": operation.operation_id,
        "kind": operation.kind.value,
        "state": operation.state.value,
        "amount": money(operation.amount_minor, currency),
        "error_code": operation.error_code,
        "error_message": operation.error_message,
        "created_at": iso(operation.created_at),
    }


def transaction_data(transaction: Transaction) -> dict[str, Any]:
    """One line of the ledger."""
    fee = transaction.fee_minor
    return {
        "transaction_id": transaction.transaction_id,
        "payment_id": transaction.payment_id,
        "kind": transaction.kind.value,
        "provider_reference": transaction.provider_reference,
        "amount": money(transaction.amount_minor, transaction.currency),
        "fee": None if fee is None else money(fee, transaction.currency),
        "status": transaction.status.value,
        "occurred_at": iso(transaction.occurred_at),
        "provider": transaction.provider,
        "account": transaction.account,
        "mode": transaction.mode,
        "origin": transaction.origin,
    }


def method_data(method: PaymentMethod) -> dict[str, Any]:
    """One payment method."""
    return {
        "id": method.method_id,
        "type": method.type,
        "brand": method.brand,
        "last4": method.last4,
        "expires": method.expires,
        "token": method.token,
        "customer_id": method.customer_id,
        "provider": method.provider,
        "account": method.account,
        "mode": method.mode,
        "created_at": iso(method.created_at),
        "removed_at": iso(method.removed_at) if method.removed_at else None,
    }


def history_data(record: AuditRecord) -> dict[str, Any]:
    """One audit record of a payment, with what changed in words."""
    return audit_data(record) | {"changed": _changed(record.before, record.after)}


def _changed(before: str, after: str) -> str:
    """Names and new values of what is not as before; versions and unchanged facts are left out."""
    old, new = json.loads(before) or {}, json.loads(after) or {}
    return ", ".join(
        f"{name} {value}"
        for name, value in new.items()
        if old.get(name) != value and name != "version" and value not in (None, "", 0)
    )

"""Columns of Stripe's export files and what the world puts into each.

A column the world has no truth for is empty, never invented; unknown columns are refused elsewhere.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from domain.money import format_minor
from providers.sandbox import stripe_words
from providers.sandbox.truth.records import Charge, Customer, Dispute, Line, Payout, Refund


@dataclass
class Row:
    """One line with everything a column may ask about."""

    line: Line
    zone: tzinfo
    charge: Charge | None
    refund: Refund | None
    dispute: Dispute | None
    customer: Customer | None
    payout: Payout | None
    """The automatic payout that carried the line, or in payouts.itemized the payout itself."""


def stamp(instant: int | None, zone: tzinfo = UTC, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """An instant as the files write it, empty for none."""
    return datetime.fromtimestamp(instant, zone).strftime(form) if instant is not None else ""


def _major(minor: int, line: Line) -> str:
    return format_minor(minor, line.currency)


def _detail(row: Row, name: str) -> str:
    return str(row.charge.method["details"].get(name, "")) if row.charge else ""


def _customer(row: Row, name: str) -> str:
    return str(row.customer.details.get(name) or "") if row.customer else ""


def _faces_customer(row: Row) -> bool:
    return row.line.category in ("charge", "refund", "refund_failure", "partial_capture_reversal")


def trace_id(payout: Payout) -> tuple[str, str]:
    """(status, value) of the bank's own reference; the value exists once the payout is paid."""
    if payout.status not in ("paid", "failed"):
        return "pending", ""
    number = int.from_bytes(hashlib.sha256(payout.id.encode()).digest()[:8])
    return "supported", str(number % 10**15).rjust(15, "0")


def effective_at(row: Row) -> int | None:
    """When a payout counts: arrival of the payout, or the moment it came back."""
    if row.payout is None:
        return None
    return row.line.created_at if row.line.category == "payout_reversal" else row.payout.arrival_at


Column = Callable[[Row], str]

MONEY: dict[str, Column] = {
    "currency": lambda row: row.line.currency.lower(),
    "gross": lambda row: _major(row.line.amount_minor, row.line),
    "fee": lambda row: _major(row.line.fee_minor, row.line),
    "net": lambda row: _major(row.line.net_minor, row.line),
    "reporting_category": lambda row: row.line.category,
    "balance_transaction_id": lambda row: row.line.id,
    "description": lambda row: stripe_words.line_description(row.line),
    "regulatory_tag": lambda row: "",
}

ITEMIZED: dict[str, Column] = {
    "balance_transaction_id": MONEY["balance_transaction_id"],
    "created_utc": lambda row: stamp(row.line.created_at),
    "created": lambda row: stamp(row.line.created_at, row.zone),
    "available_on_utc": lambda row: stamp(row.line.available_at),
    "available_on": lambda row: stamp(row.line.available_at, row.zone),
    **MONEY,
    "source_id": lambda row: row.line.source_id or "",
    "customer_facing_amount": lambda row: (
        _major(row.line.amount_minor, row.line) if _faces_customer(row) else ""
    ),
    "customer_facing_currency": lambda row: (
        row.line.currency.lower() if _faces_customer(row) else ""
    ),
    "automatic_payout_id": lambda row: row.payout.id if row.payout else "",
    "automatic_payout_effective_at_utc": lambda row: stamp(effective_at(row)),
    "automatic_payout_effective_at": lambda row: stamp(effective_at(row), row.zone),
    "customer_id": lambda row: row.customer.id if row.customer else "",
    "customer_email": lambda row: _customer(row, "email"),
    "customer_name": lambda row: _customer(row, "name"),
    "customer_description": lambda row: _customer(row, "description"),
    "charge_id": lambda row: row.line.charge_id or "",
    "payment_intent_id": lambda row: row.charge.intent_id if row.charge else "",
    "charge_created_utc": lambda row: stamp(row.charge.created_at if row.charge else None),
    "charge_created": lambda row: stamp(row.charge.created_at if row.charge else None, row.zone),
    "payment_method_type": lambda row: str(row.charge.method["kind"]) if row.charge else "",
    "is_link": lambda row: "false" if row.charge else "",
    "card_brand": lambda row: _detail(row, "brand"),
    "card_funding": lambda row: _detail(row, "funding"),
    "card_country": lambda row: _detail(row, "country"),
    "statement_descriptor": lambda row: str(
        (row.charge.echo.get("statement_descriptor") if row.charge else "") or ""
    ),
    "dispute_reason": lambda row: row.dispute.reason if row.dispute else "",
    "order_id": lambda row: "",
    "destination_payment_id": lambda row: "",
    "trace_id": lambda row: trace_id(row.payout)[1] if row.payout else "",
    "trace_id_status": lambda row: trace_id(row.payout)[0] if row.payout else "",
}

_PLACES = ("line1", "line2", "city", "state", "postal_code", "country")
ITEMIZED |= {
    f"{of}_address_{place}": (lambda row: "")
    for of in ("customer_shipping", "customer", "shipping", "card")
    for place in _PLACES
}
ITEMIZED |= {
    name: (lambda row: "")
    for name in (
        "invoice_id", "invoice_number", "subscription_id", "connected_account_id",
        "connected_account_name", "connected_account_country", "connected_account_direct_charge_id",
    )
}  # fmt: skip

PAYOUTS: dict[str, Column] = {
    "payout_id": lambda row: row.payout.id if row.payout else "",
    "effective_at_utc": lambda row: stamp(effective_at(row)),
    "effective_at": lambda row: stamp(effective_at(row), row.zone),
    **MONEY,
    "payout_expected_arrival_date": lambda row: stamp(
        row.payout.arrival_at if row.payout else None, form="%Y-%m-%d"
    ),
    "payout_status": lambda row: (
        stripe_words.PAYOUT_STATUS.get(row.payout.status, row.payout.status) if row.payout else ""
    ),
    "payout_reversed_at_utc": lambda row: stamp(row.payout.reversed_at if row.payout else None),
    "payout_reversed_at": lambda row: stamp(
        row.payout.reversed_at if row.payout else None, row.zone
    ),
    "payout_type": lambda row: "bank_account",
    "payout_description": lambda row: (row.payout.description if row.payout else None) or "",
    "payout_destination_id": lambda row: DESTINATION,
}

HISTORY: dict[str, Column] = {
    "id": MONEY["balance_transaction_id"],
    "Type": lambda row: stripe_words.line_type(row.line),
    "Source": lambda row: row.line.source_id or "",
    "Amount": MONEY["gross"],
    "Fee": MONEY["fee"],
    "Destination Platform Fee": lambda row: "",
    "Destination Platform Fee Currency": lambda row: "",
    "Net": MONEY["net"],
    "Currency": MONEY["currency"],
    "Created (UTC)": lambda row: stamp(row.line.created_at, form="%Y-%m-%d %H:%M"),
    "Available On (UTC)": lambda row: stamp(row.line.available_at, form="%Y-%m-%d %H:%M"),
    "Description": MONEY["description"],
    "Customer Facing Amount": ITEMIZED["customer_facing_amount"],
    "Customer Facing Currency": ITEMIZED["customer_facing_currency"],
    "Transfer": lambda row: row.payout.id if row.payout else "",
    "Transfer Date (UTC)": lambda row: stamp(effective_at(row), form="%Y-%m-%d %H:%M"),
    "Transfer Group": lambda row: "",
}

DESTINATION = "ba_1SandboxBankAccount01"
"""The company's bank account, as the provider names it."""

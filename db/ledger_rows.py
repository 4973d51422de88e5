"""Transactions, entries and postings as rows of their tables, and back."""

from collections.abc import Iterable
from typing import Any

from db.schema import postings, transactions
from domain.clock import from_micros, to_micros
from domain.ledger import Account, Entry, Posting
from domain.transaction import Transaction

LEGS = (
    postings.c.line, postings.c.source, postings.c.destination, postings.c.amount_minor,
    postings.c.currency,
)  # fmt: skip
"""What is read of a posting beside its entry."""


def entry_row(audit_id: str, entry: Entry) -> dict[str, object]:
    """An entry under its audit record."""
    return {
        "entry_id": entry.entry_id,
        "audit_id": audit_id,
        "transaction_id": entry.transaction_id,
        "provider": entry.provider,
        "account": entry.account,
        "mode": entry.mode,
        "kind": entry.kind,
        "occurred_at": to_micros(entry.occurred_at),
        "reverses": entry.reverses,
    }


def transaction_row(t: Transaction) -> dict[str, object]:
    """A transaction with its instant as it is stored."""
    names = [c.name for c in transactions.c]
    return {name: getattr(t, name) for name in names} | {"occurred_at": to_micros(t.occurred_at)}


def entry(rows: list[Any]) -> Entry:
    """An entry from its rows, each with one of its postings or, where it has none, without."""
    return entry_of(rows[0], [row for row in rows if row.line is not None])


def entry_of(row: Any, lines: Iterable[Any]) -> Entry:
    """An entry from its row and those of its postings, in their order."""
    return Entry(
        entry_id=row.entry_id,
        transaction_id=row.transaction_id,
        provider=row.provider,
        account=row.account,
        mode=row.mode,
        kind=row.kind,
        occurred_at=from_micros(row.occurred_at),
        postings=tuple(
            Posting(Account(p.source), Account(p.destination), p.amount_minor, p.currency)
            for p in lines
        ),
        reverses=row.reverses,
    )

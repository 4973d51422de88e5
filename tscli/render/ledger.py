"""Ledger results as plain data for every format."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from domain.clock import iso
from domain.ledger import Balance
from domain.money import format_minor
from tscli.render.payments import money, transaction_data
from tscli.render.view import Column

TRANSACTION_COLUMNS = (
    Column("transaction_id", "transaction", stack=True),
    Column("kind", "kind"),
    Column("provider_reference", "reference", stack=True),
    Column("amount.value", "amount", number=True),
    Column("fee.value", "fee", number=True),
    Column("amount.currency", "cur"),
    Column("status", "status", stack=True),
    Column("occurred_at", "occurred", stack=True),
)
BALANCE_COLUMNS = (
    Column("provider", "provider"),
    Column("mode", "mode"),
    Column("ledger_account", "account"),
    Column("currency", "cur"),
    Column("debit.value", "debit", number=True),
    Column("credit.value", "credit", number=True),
    Column("balance.value", "balance", number=True),
)


def balance_data(balance: Balance) -> dict[str, Any]:
    """One row of the trial balance."""
    currency = balance.currency
    return {
        "provider": balance.provider,
        "account": balance.account,
        "mode": balance.mode,
        "ledger_account": balance.ledger_account.value,
        "currency": currency,
        "debit": money(balance.debit_minor, currency),
        "credit": money(balance.credit_minor, currency),
        "balance": money(balance.balance_minor, currency),
    }


def proof_lines(balances: Iterable[Balance]) -> Iterator[str]:
    """One sentence per currency: what all debits and all credits come to."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for b in balances:
        sums[b.currency][0] += b.debit_minor
        sums[b.currency][1] += b.credit_minor
    for currency, (debit, credit) in sorted(sums.items()):
        yield (
            f"{currency}: debits {format_minor(debit, currency)}, credits"
            f" {format_minor(credit, currency)}, difference"
            f" {format_minor(debit - credit, currency)}"
        )


def detail_data(detail: Any) -> dict[str, Any]:
    """One transaction with its entries."""
    return transaction_data(detail.transaction) | {
        "entries": [
            {
                "entry_id": entry.entry_id,
                "kind": str(entry.kind),
                "occurred_at": iso(entry.occurred_at),
                "from": p.source.value,
                "to": p.destination.value,
                "amount": money(p.amount_minor, p.currency),
                "reverses": entry.reverses,
            }
            for entry in detail.entries
            for p in entry.postings
        ]
    }


def imported_data(done: Any) -> dict[str, Any]:
    """What became of a ledger file."""
    return {
        "file": done.file.name,
        "digest": done.file.digest,
        "rows": done.file.rows,
        "added": done.added,
        "known": done.known,
        "unreadable": len(done.rejects),
        "seen_before": done.seen_before,
        "dry_run": done.dry_run,
        "rejects": [reject_data(r) for r in done.rejects],
    }


def reject_data(reject: Any) -> dict[str, Any]:
    """One unreadable row."""
    return {
        "file": reject.file,
        "line": reject.line,
        "column": reject.column,
        "reason": reject.reason,
        "text": reject.text,
    }

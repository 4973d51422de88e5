"""Our ledger as the CSV that `ledger import` and `reconcile files` take."""

import csv
import io
from collections.abc import Iterable

from domain.clock import iso
from domain.money import format_minor
from domain.transaction import Transaction

COLUMNS = (
    "transaction_id", "payment_id", "kind", "provider_reference", "amount", "currency", "fee",
    "status", "occurred_at",
)  # fmt: skip


def ledger_csv(lines: Iterable[Transaction]) -> bytes:
    """The lines in the order given: amounts and fees in major units, instants ISO 8601 UTC."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for t in lines:
        writer.writerow(
            (
                t.transaction_id,
                t.payment_id or "",
                t.kind.value,
                t.provider_reference,
                format_minor(t.amount_minor, t.currency),
                t.currency,
                format_minor(t.fee_minor or 0, t.currency),
                t.status.value,
                iso(t.occurred_at),
            )
        )
    return out.getvalue().encode()

"""Seals over the audit chains, and an index for every list, look-up and sweep.

Each index stands for a question that is asked while the tables grow without end; a test explains
those questions on both databases.
"""

from db.migrations.dialect import create_table, index, refuse, refuse_replace, refuse_truncate

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table, which is only ever appended to, and the indexes."""
    create_table(
        "audit_seals",
        "number {integer} PRIMARY KEY CHECK (number >= 1), sealed_at {integer} NOT NULL,"
        "heads TEXT NOT NULL, previous TEXT NOT NULL UNIQUE CHECK (length(previous) = 64),"
        "hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)",
    )
    refuse("audit_seals", ("UPDATE", "DELETE"), "audit_seals rows are permanent")
    refuse_truncate("audit_seals", "audit_seals rows are permanent")
    refuse_replace("audit_seals", ("number", "previous", "hash"), "audit_seals rows are permanent")
    _payments()
    _lists()


def _payments() -> None:
    index("payments_state", "payments", "state, created_at, payment_id")
    index("payments_reference", "payments", "order_reference", "order_reference IS NOT NULL")
    index(
        "payments_provider_id", "payments", "provider_payment_id", "provider_payment_id IS NOT NULL"
    )
    index("transactions_reference", "transactions", "provider_reference")
    index("transactions_occurred", "transactions", "occurred_at, transaction_id")
    index("entries_occurred", "entries", "occurred_at, entry_id")
    index("idempotency_key", "idempotency", "key")
    index("idempotency_created", "idempotency", "created_at")
    index("operations_created", "operations", "created_at")


def _lists() -> None:
    index("audit_time", "audit", "recorded_at, chain, seq")
    index("webhook_events_state", "webhook_events", "state, received_at, event_id")
    index("reviews_queue", "reviews", "state, opened_at, review_id")
    index("breaks_kinds", "breaks", "kind, provider_reference, break_id")
    index("runs_started", "runs", "started_at, run_id")
    index("approvals_time", "approvals", "requested_at, approval_id")
    index("methods_created", "payment_methods", "created_at, method_id")
    index("methods_customer", "payment_methods", "customer_id, created_at")
    index("bank_lines_identity", "bank_lines", "identity")

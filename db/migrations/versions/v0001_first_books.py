"""The first books: payments and their operations, the ledger, the audit chain, runs and breaks.

Constraints live here, as text that both databases read; `db.schema` only names columns for queries.
"""

from db.migrations.dialect import (
    create_table,
    index,
    prepare,
    refuse,
    refuse_replace,
    refuse_truncate,
)

revision = "0001"
down_revision = None

_OWNER = (
    "provider TEXT NOT NULL, account TEXT NOT NULL,"
    " mode TEXT NOT NULL CHECK (mode IN ('live', 'test'))"
)
_CURRENCY = "currency TEXT NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency))"
_MAX = 10**15 - 1
_LINE_KINDS = "'charge', 'refund', 'dispute', 'dispute_reversal', 'fee', 'adjustment', 'payout'"
_ACCOUNTS = (
    "'provider_balance', 'customer_clearing', 'fees', 'refunds', 'disputes', "
    "'payouts_in_transit', 'bank', 'suspense'"
)
_ORDER_TAKEN = (
    "mode, order_reference WHERE kept.state NOT IN ('failed', 'cancelled')"
    " AND NEW.state NOT IN ('failed', 'cancelled')"
)
_MOVEMENT_TAKEN = (
    "provider, account, mode, kind, provider_reference"
    " WHERE kept.origin = 'payment' AND NEW.origin = 'payment'"
)
"""The partial unique indexes as keys for `refuse_replace`."""


def upgrade() -> None:
    """Create everything."""
    prepare()
    _people()
    _payments()
    _operations()
    _audit()
    _ledger()
    _reconciliation()
    _permanence()
    _replacing()
    _indexes()


def _people() -> None:
    create_table(
        "customers",
        "customer_id TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE,"
        "created_at {integer} NOT NULL",
    )
    create_table(
        "provider_customers",
        f"{_OWNER}, customer_id TEXT NOT NULL REFERENCES customers,"
        "provider_customer_id TEXT NOT NULL, PRIMARY KEY (provider, account, mode, customer_id)",
    )
    create_table(
        "payment_methods",
        f"method_id TEXT PRIMARY KEY, customer_id TEXT REFERENCES customers, {_OWNER},"
        "token TEXT NOT NULL, type TEXT NOT NULL, brand TEXT NOT NULL,"
        "last4 TEXT NOT NULL CHECK (length(last4) <= 4), expires TEXT NOT NULL,"
        "created_at {integer} NOT NULL, removed_at {integer}",
    )


def _payments() -> None:
    create_table(
        "payments",
        f"payment_id TEXT PRIMARY KEY, {_OWNER},"
        f"amount_minor {{integer}} NOT NULL CHECK (amount_minor BETWEEN 1 AND {_MAX}), {_CURRENCY},"
        "captured_minor {integer} NOT NULL CHECK (captured_minor BETWEEN 0 AND amount_minor),"
        "refunded_minor {integer} NOT NULL CHECK (refunded_minor BETWEEN 0 AND captured_minor),"
        "disputed_minor {integer} NOT NULL CHECK (disputed_minor BETWEEN 0 AND captured_minor),"
        "capture {integer} NOT NULL CHECK (capture IN (0, 1)),"
        "stage {integer} NOT NULL CHECK (stage BETWEEN 0 AND 10),"
        "state TEXT NOT NULL CHECK (state IN ('pending', 'processing', 'requires_action',"
        " 'authorized', 'succeeded', 'failed', 'cancelled', 'refunded')),"
        "method_token TEXT NOT NULL, provider_payment_id TEXT, order_reference TEXT,"
        "customer_id TEXT REFERENCES customers, description TEXT NOT NULL,"
        "failure_code TEXT NOT NULL, failure_message TEXT NOT NULL,"
        "next_action_url TEXT NOT NULL, next_check_at {integer},"
        "created_at {integer} NOT NULL, updated_at {integer} NOT NULL,"
        "version {integer} NOT NULL CHECK (version >= 1),"
        "UNIQUE (provider, account, mode, provider_payment_id),"
        "CHECK (captured_minor = 0 OR stage = 10),"
        "CHECK ((stage = 10) = (state IN ('succeeded', 'refunded'))),"
        "CHECK ((stage = 9) = (state = 'failed')), CHECK ((stage = 8) = (state = 'cancelled')),"
        "CHECK ((stage = 7) = (state = 'authorized')), CHECK ((stage = 0) = (state = 'pending'))",
    )


def _operations() -> None:
    create_table(
        "operations",
        "operation_id TEXT PRIMARY KEY, payment_id TEXT NOT NULL REFERENCES payments,"
        "kind TEXT NOT NULL CHECK (kind IN ('create', 'capture', 'cancel', 'refund')),"
        "amount_minor {integer} NOT NULL CHECK (amount_minor > 0),"
        "state TEXT NOT NULL"
        " CHECK (state IN ('recorded', 'sending', 'unknown', 'done', 'refused')),"
        "operator TEXT NOT NULL, created_at {integer} NOT NULL, updated_at {integer} NOT NULL,"
        "sent_at {integer}, attempt {integer} NOT NULL CHECK (attempt >= 1),"
        "reason TEXT NOT NULL, error_code TEXT NOT NULL, error_message TEXT NOT NULL,"
        "CHECK (state IN ('recorded', 'refused', 'done') OR sent_at IS NOT NULL)",
    )
    create_table(
        "idempotency",
        "scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,"
        "payment_id TEXT NOT NULL REFERENCES payments,"
        "operation_id TEXT NOT NULL REFERENCES operations,"
        "created_at {integer} NOT NULL, PRIMARY KEY (scope, key)",
    )
    create_table(
        "events",
        "event_id TEXT PRIMARY KEY, name TEXT NOT NULL, subject TEXT NOT NULL,"
        "occurred_at {integer} NOT NULL, payload TEXT NOT NULL, published_at {integer}",
    )


def _audit() -> None:
    create_table(
        "audit",
        "chain {integer} NOT NULL, seq {integer} NOT NULL CHECK (seq >= 1),"
        "audit_id TEXT NOT NULL UNIQUE, recorded_at {integer} NOT NULL,"
        "operator TEXT NOT NULL, command TEXT NOT NULL, host TEXT NOT NULL, reason TEXT NOT NULL,"
        "action TEXT NOT NULL, subject TEXT NOT NULL,"
        "state_before TEXT NOT NULL, state_after TEXT NOT NULL, ledger_digest TEXT NOT NULL,"
        "previous TEXT NOT NULL CHECK (length(previous) = 64),"
        "hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64), PRIMARY KEY (chain, seq)",
    )


def _ledger() -> None:
    create_table(
        "transactions",
        f"transaction_id TEXT PRIMARY KEY, payment_id TEXT, {_OWNER},"
        f"kind TEXT NOT NULL CHECK (kind IN ({_LINE_KINDS})), provider_reference TEXT NOT NULL,"
        f"amount_minor {{integer}} NOT NULL CHECK (abs(amount_minor) <= {_MAX}), {_CURRENCY},"
        f"fee_minor {{integer}} CHECK (abs(fee_minor) <= {_MAX}),"
        "status TEXT NOT NULL"
        " CHECK (status IN ('pending', 'processing', 'succeeded', 'failed', 'cancelled')),"
        "occurred_at {integer} NOT NULL,"
        "origin TEXT NOT NULL CHECK (origin IN ('payment', 'import')), operation_id TEXT",
    )
    create_table(
        "entries",
        "entry_id TEXT PRIMARY KEY, audit_id TEXT NOT NULL REFERENCES audit (audit_id),"
        f"transaction_id TEXT NOT NULL REFERENCES transactions, {_OWNER},"
        f"kind TEXT NOT NULL CHECK (kind IN ({_LINE_KINDS}, 'fee_stated', 'reversal')),"
        "occurred_at {integer} NOT NULL, reverses TEXT UNIQUE REFERENCES entries",
    )
    create_table(
        "postings",
        "entry_id TEXT NOT NULL REFERENCES entries, line {integer} NOT NULL CHECK (line >= 1),"
        f"source TEXT NOT NULL CHECK (source IN ({_ACCOUNTS})),"
        f"destination TEXT NOT NULL CHECK (destination IN ({_ACCOUNTS})),"
        f"amount_minor {{integer}} NOT NULL CHECK (amount_minor BETWEEN 1 AND {_MAX}), {_CURRENCY},"
        "PRIMARY KEY (entry_id, line), CHECK (source <> destination)",
    )


def _reconciliation() -> None:
    create_table(
        "files",
        "file_id TEXT PRIMARY KEY, purpose TEXT NOT NULL, digest TEXT NOT NULL, name TEXT NOT NULL,"
        f"{_OWNER}, rows {{integer}} NOT NULL CHECK (rows >= 0), imported_at {{integer}} NOT NULL,"
        "UNIQUE (purpose, digest, provider, account, mode)",
    )
    create_table(
        "runs",
        f"run_id TEXT PRIMARY KEY, {_OWNER}, fingerprint TEXT NOT NULL UNIQUE,"
        "start_at {integer} NOT NULL, end_at {integer} NOT NULL, started_at {integer} NOT NULL,"
        "breaks {integer} NOT NULL CHECK (breaks >= 0),"
        "unreadable {integer} NOT NULL CHECK (unreadable >= 0),"
        "document TEXT NOT NULL, CHECK (start_at < end_at)",
    )
    create_table(
        "breaks",
        f"break_id TEXT PRIMARY KEY, {_OWNER}, kind TEXT NOT NULL,"
        "provider_reference TEXT NOT NULL, currency TEXT NOT NULL,"
        "transaction_id TEXT NOT NULL, payment_id TEXT NOT NULL,"
        "state TEXT NOT NULL CHECK (state IN ('open', 'resolved')),"
        "first_run_id TEXT NOT NULL REFERENCES runs, last_run_id TEXT NOT NULL REFERENCES runs",
    )
    create_table(
        "run_breaks",
        "run_id TEXT NOT NULL REFERENCES runs, ordinal {integer} NOT NULL,"
        "break_id TEXT NOT NULL REFERENCES breaks, document TEXT NOT NULL,"
        "PRIMARY KEY (run_id, ordinal)",
    )


def _permanence() -> None:
    both = ("UPDATE", "DELETE")
    for table in ("audit", "entries", "postings", "idempotency", "run_breaks", "runs", "files"):
        refuse(table, both, f"{table} rows are permanent")
        refuse_truncate(table, f"{table} rows are permanent")
    for table in ("payments", "operations", "transactions"):
        refuse(table, ("DELETE",), f"{table} rows are permanent")
        refuse_truncate(table, f"{table} rows are permanent")
    money = {"amount_minor", "currency", "provider", "account", "mode"}
    refuse(
        "payments",
        ("UPDATE",),
        "the terms of a payment are permanent",
        money | {"payment_id", "order_reference", "method_token", "capture", "created_at"},
    )
    refuse(
        "transactions",
        ("UPDATE",),
        "the money of a transaction is permanent",
        money | {"transaction_id", "payment_id", "kind", "provider_reference", "origin"},
    )
    refuse(
        "operations",
        ("UPDATE",),
        "the intent of an operation is permanent",
        {"operation_id", "payment_id", "kind", "amount_minor", "operator"},
    )


def _replacing() -> None:
    inserted = {
        "audit": ("chain, seq", "audit_id", "hash"),
        "entries": ("entry_id", "reverses"),
        "postings": ("entry_id, line",),
        "idempotency": ("scope, key",),
        "files": ("file_id", "purpose, digest, provider, account, mode"),
        "runs": ("run_id", "fingerprint"),
        "run_breaks": ("run_id, ordinal",),
    }
    changed = {
        "payments": ("payment_id", "provider, account, mode, provider_payment_id", _ORDER_TAKEN),
        "operations": ("operation_id",),
        "transactions": ("transaction_id", _MOVEMENT_TAKEN),
    }
    for table, keys in inserted.items():
        refuse_replace(table, keys, f"{table} rows are permanent")
    for table, keys in changed.items():
        refuse_replace(table, keys, f"{table} rows are permanent", ("INSERT", "UPDATE"))


def _indexes() -> None:
    index(
        "payments_order",
        "payments",
        "mode, order_reference",
        "order_reference IS NOT NULL AND state NOT IN ('failed', 'cancelled')",
        unique=True,
    )
    index("payments_created", "payments", "created_at, payment_id")
    index("payments_check", "payments", "next_check_at", "next_check_at IS NOT NULL")
    index(
        "methods_token",
        "payment_methods",
        "provider, account, mode, token",
        "removed_at IS NULL",
        unique=True,
    )
    index("operations_payment", "operations", "payment_id")
    index(
        "transactions_movement",
        "transactions",
        "provider, account, mode, kind, provider_reference",
        "origin = 'payment'",
        unique=True,
    )
    index("transactions_time", "transactions", "provider, account, mode, occurred_at")
    index("transactions_payment", "transactions", "payment_id")
    index("entries_transaction", "entries", "transaction_id")
    index("entries_audit", "entries", "audit_id")
    index("audit_subject", "audit", "subject")
    index("events_unpublished", "events", "occurred_at", "published_at IS NULL")
    index("breaks_state", "breaks", "state, provider, account, mode")
    index("run_breaks_break", "run_breaks", "break_id")

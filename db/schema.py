"""The tables by name and column, for queries; their constraints stand in the migrations.

A test compares these columns with a migrated database. Instants are microseconds since 1970 UTC,
amounts minor units, truth values 0 and 1, documents canonical JSON text.
"""

from sqlalchemy import TableClause, column, table


def _table(name: str, columns: str) -> TableClause:
    return table(name, *(column(c) for c in columns.split()))


OWNER = "provider account mode"
"""Whose books: stands in every table that holds provider-side keys."""

customers = _table("customers", "customer_id reference created_at")
provider_customers = _table("provider_customers", f"{OWNER} customer_id provider_customer_id")
payment_methods = _table(
    "payment_methods",
    f"method_id customer_id {OWNER} token type brand last4 expires created_at removed_at",
)
payments = _table(
    "payments",
    f"payment_id {OWNER} amount_minor currency captured_minor refunded_minor disputed_minor"
    " capture stage state method_token provider_payment_id order_reference customer_id"
    " description failure_code failure_message next_action_url next_check_at created_at"
    " updated_at version",
)
operations = _table(
    "operations",
    "operation_id payment_id kind amount_minor state operator created_at updated_at sent_at"
    " attempt reason error_code error_message step step_sent_at last_sent_at",
)
idempotency = _table("idempotency", "scope key fingerprint payment_id operation_id created_at")
events = _table("events", "event_id name subject occurred_at payload published_at")
audit = _table(
    "audit",
    "chain seq audit_id recorded_at operator command host reason action subject"
    " state_before state_after ledger_digest previous hash",
)
audit_seals = _table("audit_seals", "number sealed_at heads previous hash")
transactions = _table(
    "transactions",
    f"transaction_id payment_id {OWNER} kind provider_reference amount_minor currency fee_minor"
    " status occurred_at origin operation_id",
)
entries = _table("entries", f"entry_id audit_id transaction_id {OWNER} kind occurred_at reverses")
postings = _table("postings", "entry_id line source destination amount_minor currency")
files = _table("files", f"file_id purpose digest name {OWNER} rows imported_at format document")
archive = _table("archive", "digest part data")
lines = _table(
    "lines",
    f"file_id ordinal line {OWNER} identity reference source parent ours payout bank_reference"
    " category kind amount_minor currency fee_minor net_minor occurred_at description",
)
line_facts = _table("line_facts", f"{OWNER} identity field value file_id")
bank_lines = _table(
    "bank_lines",
    "file_id ordinal line bank_account identity currency amount_minor booked_on valued_on"
    " reference end_to_end counterparty remittance",
)
runs = _table(
    "runs",
    f"run_id {OWNER} fingerprint start_at end_at started_at breaks unreadable document",
)
breaks = _table(
    "breaks",
    f"break_id {OWNER} kind provider_reference currency transaction_id payment_id state"
    " first_run_id last_run_id closing effect occurred_at first_seen_at last_seen_at assignee"
    " snoozed_until version",
)
break_events = _table(
    "break_events", "break_id number at operator action note run_id transaction_id"
)
run_breaks = _table("run_breaks", "run_id ordinal break_id document")

provider_accounts = _table(
    "provider_accounts",
    f"{OWNER} status status_reason status_by status_at breaker_state breaker_failures"
    " breaker_trips breaker_since breaker_version level_milli level_at only_asks",
)

leases = _table("leases", "name holder expires_at")
reviews = _table(
    "reviews",
    f"review_id {OWNER} kind subject payment_id operation_id amount_minor currency reason"
    " evidence state opened_at seen_at closed_at closed_by resolution ticket",
)
approvals = _table(
    "approvals",
    "approval_id action subject plan plan_hash subject_version key requested_by requested_at"
    " reason ticket state decided_by decided_at decision operation_id",
)
webhook_events = _table(
    "webhook_events",
    f"event_id {OWNER} provider_event_id type topic object_id provider_payment_id payment_id"
    " occurred_at received_at source proof body_digest state attempts deliveries next_attempt_at"
    " last_error done_at",
)
webhook_bodies = _table("webhook_bodies", "event_id body")
webhook_attempts = _table("webhook_attempts", "event_id number at outcome error operator")
webhook_refusals = _table(
    "webhook_refusals", "refusal_id provider at source reason body_digest size"
)

days = _table(
    "days",
    "day_on mode environment timezone state attempts started_at ended_at operator host exit_code",
)
day_steps = _table(
    "day_steps",
    "day_on mode step subject state attempts started_at ended_at exit_code reason note facts",
)

TABLES = (
    customers, provider_customers, payment_methods, payments, operations, idempotency, events,
    audit, audit_seals, transactions, entries, postings, files, archive, lines, line_facts,
    bank_lines, runs, breaks,
    run_breaks, break_events,
    provider_accounts, leases, reviews, approvals,
    webhook_events, webhook_bodies, webhook_attempts, webhook_refusals,
    days, day_steps,
)  # fmt: skip

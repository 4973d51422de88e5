"""Recovery: births of provider keys, leases that spare double work, the queue of what people see.

A key's age counts from the first time its own step was sent, so operations keep which step that is.
"""

from db.migrations.dialect import add_column, create_table, index, refuse, refuse_truncate

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables; a review is never deleted, and what it is about never changes."""
    add_column("operations", "step TEXT NOT NULL DEFAULT ''")
    add_column("operations", "step_sent_at {integer}")
    index(
        "operations_open",
        "operations",
        "updated_at",
        "state IN ('recorded', 'sending', 'unknown')",
    )
    create_table(
        "leases",
        "name TEXT PRIMARY KEY, holder TEXT NOT NULL, expires_at {integer} NOT NULL",
    )
    create_table(
        "reviews",
        "review_id TEXT PRIMARY KEY, provider TEXT NOT NULL, account TEXT NOT NULL,"
        "mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),"
        "kind TEXT NOT NULL CHECK (kind IN ('contradicted', 'too_old', 'unsettled', 'refused',"
        " 'orphan')),"
        "subject TEXT NOT NULL, payment_id TEXT NOT NULL, operation_id TEXT NOT NULL,"
        "amount_minor {integer}, currency TEXT NOT NULL, reason TEXT NOT NULL,"
        "evidence TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'closed')),"
        "opened_at {integer} NOT NULL, seen_at {integer} NOT NULL, closed_at {integer},"
        "closed_by TEXT NOT NULL, resolution TEXT NOT NULL, ticket TEXT NOT NULL,"
        "CHECK ((state = 'closed') = (closed_at IS NOT NULL))",
    )
    refuse("reviews", ("DELETE",), "reviews rows are permanent")
    refuse_truncate("reviews", "reviews rows are permanent")
    refuse(
        "reviews",
        ("UPDATE",),
        "what a review is about is permanent",
        {"review_id", "provider", "account", "mode", "kind", "subject", "opened_at"},
    )
    index(
        "reviews_open",
        "reviews",
        "provider, account, mode, kind, subject",
        "state = 'open'",
        unique=True,
    )
    index("reviews_payment", "reviews", "payment_id")

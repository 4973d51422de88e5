"""Approvals: requests for a second person's word; the database itself knows that it is a second."""

from db.migrations.dialect import create_table, index, refuse, refuse_truncate

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table; what was asked for never changes, and no request is deleted."""
    create_table(
        "approvals",
        "approval_id TEXT PRIMARY KEY, action TEXT NOT NULL, subject TEXT NOT NULL,"
        "plan TEXT NOT NULL, plan_hash TEXT NOT NULL CHECK (length(plan_hash) = 64),"
        "subject_version {integer} NOT NULL, key TEXT NOT NULL, requested_by TEXT NOT NULL,"
        "requested_at {integer} NOT NULL, reason TEXT NOT NULL, ticket TEXT NOT NULL,"
        "state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'stale')),"
        "decided_by TEXT NOT NULL, decided_at {integer}, decision TEXT NOT NULL,"
        "operation_id TEXT NOT NULL,"
        "CHECK ((state = 'pending') = (decided_at IS NULL)),"
        "CHECK (state <> 'approved' OR (decided_by <> '' AND decided_by <> requested_by))",
    )
    refuse("approvals", ("DELETE",), "approvals rows are permanent")
    refuse_truncate("approvals", "approvals rows are permanent")
    refuse(
        "approvals",
        ("UPDATE",),
        "what was asked for is permanent",
        {
            "approval_id", "action", "subject", "plan", "plan_hash", "subject_version", "key",
            "requested_by", "requested_at",
        },
    )  # fmt: skip
    index(
        "approvals_pending",
        "approvals",
        "action, subject, plan_hash",
        "state = 'pending'",
        unique=True,
    )
    index("approvals_state", "approvals", "state, requested_at")

"""The inbox: events received once, their bytes apart, every attempt to apply them, and refusals.

Bodies hold what providers wrote about people; they may be purged, the events may not.
"""

from db.migrations.dialect import create_table, index, refuse, refuse_truncate

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the four tables; what an event is never changes, and none is deleted."""
    create_table(
        "webhook_events",
        "event_id TEXT PRIMARY KEY, provider TEXT NOT NULL, account TEXT NOT NULL,"
        "mode TEXT NOT NULL CHECK (mode IN ('live', 'test')), provider_event_id TEXT NOT NULL,"
        "type TEXT NOT NULL, topic TEXT NOT NULL, object_id TEXT NOT NULL,"
        "provider_payment_id TEXT NOT NULL, payment_id TEXT NOT NULL,"
        "occurred_at {integer} NOT NULL, received_at {integer} NOT NULL, source TEXT NOT NULL"
        " CHECK (source IN ('delivery', 'file', 'listing')),"
        "proof TEXT NOT NULL, body_digest TEXT NOT NULL CHECK (length(body_digest) = 64),"
        "state TEXT NOT NULL CHECK (state IN ('received', 'applied', 'unchanged', 'parked',"
        " 'ignored', 'failed', 'dead', 'discarded')),"
        "attempts {integer} NOT NULL CHECK (attempts >= 0),"
        "deliveries {integer} NOT NULL CHECK (deliveries >= 1),"
        "next_attempt_at {integer}, last_error TEXT NOT NULL, done_at {integer},"
        "UNIQUE (provider, account, mode, provider_event_id)",
    )
    create_table(
        "webhook_bodies",
        "event_id TEXT PRIMARY KEY REFERENCES webhook_events, body TEXT NOT NULL",
    )
    create_table(
        "webhook_attempts",
        "event_id TEXT NOT NULL REFERENCES webhook_events,"
        "number {integer} NOT NULL CHECK (number >= 1), at {integer} NOT NULL,"
        "outcome TEXT NOT NULL, error TEXT NOT NULL, operator TEXT NOT NULL,"
        "PRIMARY KEY (event_id, number)",
    )
    create_table(
        "webhook_refusals",
        "refusal_id TEXT PRIMARY KEY, provider TEXT NOT NULL, at {integer} NOT NULL,"
        "source TEXT NOT NULL, reason TEXT NOT NULL, body_digest TEXT NOT NULL,"
        "size {integer} NOT NULL",
    )
    for table in ("webhook_events", "webhook_attempts", "webhook_refusals"):
        refuse(table, ("DELETE",), f"{table} rows are permanent")
        refuse_truncate(table, f"{table} rows are permanent")
    for table in ("webhook_attempts", "webhook_refusals"):
        refuse(table, ("UPDATE",), f"{table} rows are permanent")
    refuse(
        "webhook_events",
        ("UPDATE",),
        "what an event is never changes",
        {
            "event_id", "provider", "account", "mode", "provider_event_id", "type", "topic",
            "object_id", "occurred_at", "received_at", "source", "proof", "body_digest",
        },
    )  # fmt: skip
    refuse(
        "webhook_bodies", ("UPDATE",), "the bytes of an event never change", {"event_id", "body"}
    )
    index("webhook_events_received", "webhook_events", "received_at, event_id")
    index("webhook_events_due", "webhook_events", "next_attempt_at", "next_attempt_at IS NOT NULL")
    index("webhook_events_payment", "webhook_events", "payment_id")
    index("webhook_refusals_at", "webhook_refusals", "at")

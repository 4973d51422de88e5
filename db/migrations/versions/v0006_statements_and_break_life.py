"""Statements kept line by line with the files they came in, bank lines, and the life of breaks.

Raw files hold what providers and banks wrote about people; they may be purged, what was found in
them may not.
"""

from db.migrations.dialect import (
    add_column,
    create_table,
    index,
    refuse,
    refuse_replace,
    refuse_truncate,
)

revision = "0006"
down_revision = "0005"

_OWNER = (
    "provider TEXT NOT NULL, account TEXT NOT NULL,"
    " mode TEXT NOT NULL CHECK (mode IN ('live', 'test'))"
)


def upgrade() -> None:
    """Create the tables and give breaks a life over many runs."""
    _files()
    _lines()
    _break_life()


def _files() -> None:
    add_column("files", "format TEXT NOT NULL DEFAULT ''")
    add_column("files", "document TEXT NOT NULL DEFAULT ''")
    create_table(
        "archive",
        "digest TEXT NOT NULL, part {integer} NOT NULL, data {bytes} NOT NULL,"
        "PRIMARY KEY (digest, part)",
    )


def _lines() -> None:
    create_table(
        "lines",
        "file_id TEXT NOT NULL REFERENCES files, ordinal {integer} NOT NULL,"
        f"line {{integer}} NOT NULL, {_OWNER}, identity TEXT NOT NULL, reference TEXT NOT NULL,"
        "source TEXT NOT NULL, parent TEXT NOT NULL, ours TEXT NOT NULL, payout TEXT NOT NULL,"
        "bank_reference TEXT NOT NULL, category TEXT NOT NULL, kind TEXT NOT NULL,"
        "amount_minor {integer} NOT NULL, currency TEXT NOT NULL, fee_minor {integer} NOT NULL,"
        "net_minor {integer} NOT NULL, occurred_at {integer} NOT NULL,"
        "description TEXT NOT NULL, PRIMARY KEY (file_id, ordinal),"
        "UNIQUE (provider, account, mode, identity)",
    )
    create_table(
        "line_payouts",
        f"{_OWNER}, identity TEXT NOT NULL, payout TEXT NOT NULL,"
        "file_id TEXT NOT NULL REFERENCES files, PRIMARY KEY (provider, account, mode, identity)",
    )
    create_table(
        "bank_lines",
        "file_id TEXT NOT NULL REFERENCES files, ordinal {integer} NOT NULL,"
        "line {integer} NOT NULL, bank_account TEXT NOT NULL, identity TEXT NOT NULL,"
        "currency TEXT NOT NULL, amount_minor {integer} NOT NULL, booked_on TEXT NOT NULL,"
        "valued_on TEXT NOT NULL, reference TEXT NOT NULL, end_to_end TEXT NOT NULL,"
        "counterparty TEXT NOT NULL, remittance TEXT NOT NULL,"
        "PRIMARY KEY (file_id, ordinal), UNIQUE (bank_account, identity)",
    )
    for table in ("lines", "line_payouts", "bank_lines"):
        refuse(table, ("UPDATE", "DELETE"), f"{table} rows are permanent")
        refuse_truncate(table, f"{table} rows are permanent")
    identity = "provider, account, mode, identity"
    refuse_replace("lines", ("file_id, ordinal", identity), "lines rows are permanent")
    refuse_replace("line_payouts", (identity,), "line_payouts rows are permanent")
    refuse_replace(
        "bank_lines",
        ("file_id, ordinal", "bank_account, identity"),
        "bank_lines rows are permanent",
    )
    index("lines_time", "lines", "provider, account, mode, occurred_at")
    index("bank_lines_time", "bank_lines", "booked_on")


def _break_life() -> None:
    for column in (
        "closing TEXT NOT NULL DEFAULT ''",
        "effect TEXT NOT NULL DEFAULT '{}'",
        "occurred_at {integer} NOT NULL DEFAULT 0",
        "first_seen_at {integer} NOT NULL DEFAULT 0",
        "last_seen_at {integer} NOT NULL DEFAULT 0",
        "assignee TEXT NOT NULL DEFAULT ''",
        "snoozed_until {integer} NOT NULL DEFAULT 0",
        "version {integer} NOT NULL DEFAULT 1",
    ):
        add_column("breaks", column)
    create_table(
        "break_events",
        "break_id TEXT NOT NULL REFERENCES breaks, number {integer} NOT NULL CHECK (number >= 1),"
        "at {integer} NOT NULL, operator TEXT NOT NULL, action TEXT NOT NULL, note TEXT NOT NULL,"
        "run_id TEXT NOT NULL, transaction_id TEXT NOT NULL, PRIMARY KEY (break_id, number)",
    )
    refuse("break_events", ("UPDATE", "DELETE"), "break_events rows are permanent")
    refuse_truncate("break_events", "break_events rows are permanent")
    refuse_replace("break_events", ("break_id, number",), "break_events rows are permanent")
    index("breaks_list", "breaks", "state, kind, provider_reference, break_id")

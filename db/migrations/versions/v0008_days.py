"""The morning's runs: one row for each business date, one for each of its steps."""

from db.migrations.dialect import create_table

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create both tables; they say where a run stands, and change as it goes on."""
    create_table(
        "days",
        "day_on TEXT NOT NULL CHECK (length(day_on) = 10),"
        "mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),"
        "environment TEXT NOT NULL, timezone TEXT NOT NULL,"
        "state TEXT NOT NULL CHECK (state IN ('running', 'done', 'open', 'failed')),"
        "attempts {integer} NOT NULL CHECK (attempts >= 1), started_at {integer} NOT NULL,"
        "ended_at {integer}, operator TEXT NOT NULL, host TEXT NOT NULL,"
        "exit_code {integer} NOT NULL CHECK (exit_code >= 0), PRIMARY KEY (day_on, mode)",
    )
    create_table(
        "day_steps",
        "day_on TEXT NOT NULL, mode TEXT NOT NULL,"
        "step TEXT NOT NULL CHECK (step IN"
        " ('webhooks', 'recover', 'fetch', 'reconcile', 'reports', 'notify')),"
        "subject TEXT NOT NULL,"
        "state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done', 'open', 'failed')),"
        "attempts {integer} NOT NULL CHECK (attempts >= 0), started_at {integer},"
        "ended_at {integer}, exit_code {integer} NOT NULL CHECK (exit_code >= 0),"
        "reason TEXT NOT NULL, note TEXT NOT NULL, facts TEXT NOT NULL,"
        "PRIMARY KEY (day_on, mode, step, subject),"
        "FOREIGN KEY (day_on, mode) REFERENCES days (day_on, mode)",
    )

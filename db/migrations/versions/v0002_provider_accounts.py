"""What all processes share about a provider account: operator's switch, breaker, pace."""

from db.migrations.dialect import create_table

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    create_table(
        "provider_accounts",
        "provider TEXT NOT NULL, account TEXT NOT NULL,"
        "mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),"
        "status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'maintenance')),"
        "status_reason TEXT NOT NULL, status_by TEXT NOT NULL, status_at {integer},"
        "breaker_state TEXT NOT NULL CHECK (breaker_state IN ('closed', 'open', 'half_open')),"
        "breaker_failures {integer} NOT NULL CHECK (breaker_failures >= 0),"
        "breaker_trips {integer} NOT NULL CHECK (breaker_trips >= 0),"
        "breaker_since {integer}, breaker_version {integer} NOT NULL,"
        "level_milli {integer} NOT NULL, level_at {integer} NOT NULL,"
        "PRIMARY KEY (provider, account, mode)",
    )

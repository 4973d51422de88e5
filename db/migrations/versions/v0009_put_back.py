"""Accounts of books that were put back from a backup: asked, but sent nothing new."""

from db.migrations.dialect import add_column

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the mark; a resumed account loses it."""
    add_column("provider_accounts", "only_asks {integer} NOT NULL DEFAULT 0")

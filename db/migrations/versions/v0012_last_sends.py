"""When an operation was sent last: what was sent may be executed for a while."""

from alembic import op

from db.migrations.dialect import add_column

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    """Add the instant; of what was sent before, the last thing that is known of it."""
    add_column("operations", "last_sent_at {integer}")
    op.execute("UPDATE operations SET last_sent_at = updated_at WHERE sent_at IS NOT NULL")

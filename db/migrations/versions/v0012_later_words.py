"""When an operation was sent last, and all that a later file says of a line.

What was sent may be executed for a while. Of a line an earlier file had, only its payout was taken
from a later one; what it belongs to may be said later as well.
"""

from alembic import op

from db.migrations.dialect import (
    add_column,
    create_table,
    index,
    refuse,
    refuse_replace,
    refuse_truncate,
)

revision = "0012"
down_revision = "0011"

_KEY = "provider, account, mode, identity, field"


def upgrade() -> None:
    """Add the instant, as far as it is known, and the table that takes the place of payouts."""
    add_column("operations", "last_sent_at {integer}")
    op.execute("UPDATE operations SET last_sent_at = updated_at WHERE sent_at IS NOT NULL")
    create_table(
        "line_facts",
        "provider TEXT NOT NULL, account TEXT NOT NULL, mode TEXT NOT NULL,"
        " identity TEXT NOT NULL, field TEXT NOT NULL CHECK (field IN"
        " ('source', 'parent', 'ours', 'payout', 'bank_reference')),"
        " value TEXT NOT NULL CHECK (value <> ''),"
        f" file_id TEXT NOT NULL REFERENCES files, PRIMARY KEY ({_KEY})",
    )
    op.execute(
        "INSERT INTO line_facts (provider, account, mode, field, identity, value, file_id)"
        " SELECT provider, account, mode, 'payout', identity, payout, file_id FROM line_payouts"
    )
    op.execute("DROP TABLE line_payouts")
    index("line_facts_file", "line_facts", "file_id, field")
    permanent = "line_facts rows are permanent"
    refuse("line_facts", ("UPDATE", "DELETE"), permanent)
    refuse_truncate("line_facts", permanent)
    refuse_replace("line_facts", (_KEY,), permanent)

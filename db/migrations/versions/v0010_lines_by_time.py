"""The index by which the lines of a period are found, as each planner needs it.

Neither knows how many lines an account has while its first file is taken in. PostgreSQL then takes
any index that begins with the account for as good as the one by identity, so days come first there.
SQLite takes the one with the most equal columns, and would read all years of an account for a day.
"""

from alembic import op

from db.migrations.dialect import index, is_sqlite

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the index again."""
    op.execute("DROP INDEX lines_time")
    owner, day = "provider, account, mode", "occurred_at"
    index("lines_time", "lines", f"{owner}, {day}" if is_sqlite() else f"{day}, {owner}")

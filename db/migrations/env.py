"""Alembic's entry: runs the migrations on the connection it is handed, in one transaction.

The caller owns the transaction and the lock, so that an interrupted upgrade leaves nothing behind.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()

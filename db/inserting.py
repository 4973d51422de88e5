"""Inserting where others may insert the same: who comes second waits for the first, then finds it.

An error instead would undo the whole transaction, and what it learned with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, TableClause, text
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(
    connection: Connection,
    table: TableClause,
    row: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    where: str = "",
) -> bool:
    """Insert a row, or several, each unless one of its key is there; whether any was inserted.

    `key` names the columns of a unique index, `where` its condition where it is partial.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    partial = text(where) if where else None
    statement = (
        dialect.insert(table)
        .on_conflict_do_nothing(index_elements=list(key), index_where=partial)
        .execution_options(preserve_rowcount=True)
    )
    return connection.execute(statement, row).rowcount > 0

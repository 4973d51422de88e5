"""Many rows at once: written the way each database takes them fastest (PostgreSQL by COPY, SQLite
by one prepared statement), read as columns, a stretch at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, TableClause, insert

_STRETCH = 50_000
"""Rows that are in memory as single values at once."""


def insert_rows(
    connection: Connection, table: TableClause, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows of equal columns in the caller's transaction; every constraint and trigger
    holds, as for a row alone."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    names = list(rows[0])
    columns = ", ".join(connection.dialect.identifier_preparer.quote(name) for name in names)
    driver = connection.connection.driver_connection
    assert driver is not None
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([row[name] for name in names])


def column_stretches(
    connection: Connection, query: Select[Any], names: Sequence[str]
) -> Iterator[dict[str, list[Any]]]:
    """The rows of a query as columns under these names, stretch by stretch, none for no rows; to
    be read while the transaction is open."""
    rows = connection.execute(query.execution_options(yield_per=_STRETCH))
    for part in rows.partitions():
        yield dict(zip(names, map(list, zip(*part, strict=True)), strict=True))

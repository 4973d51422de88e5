"""Many rows at once: written the way each database takes them fastest (PostgreSQL by COPY, SQLite
by one prepared statement), read as columns, a stretch at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, TableClause, insert
from sqlalchemy.exc import DBAPIError

_STRETCH = 50_000
"""Rows that are in memory as single values at once."""


def insert_rows(
    connection: Connection, table: TableClause, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows of equal columns in the caller's transaction; every constraint and trigger
    holds, as for a row alone.

    Raises:
        DBAPIError: the database refused, or went away; as SQLAlchemy raises it.
    """
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    names = list(rows[0])
    columns = ", ".join(connection.dialect.identifier_preparer.quote(name) for name in names)
    words = f"COPY {table.name} ({columns}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    failures = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(words) as copy:
            for row in rows:
                copy.write_row([row[name] for name in names])
    except failures as error:
        raise _as_sqlalchemy_says(connection, words, error) from error


def _as_sqlalchemy_says(connection: Connection, words: str, error: Any) -> BaseException:
    """The driver's error as its other statements raise it; SQLAlchemy does not know of COPY."""
    dialect = connection.dialect
    raw = connection.connection.dbapi_connection
    said: BaseException = DBAPIError.instance(
        words,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=dialect.is_disconnect(error, raw, None),
        dialect=dialect,
    )
    return said


def column_stretches(
    connection: Connection, query: Select[Any], names: Sequence[str]
) -> Iterator[dict[str, list[Any]]]:
    """The rows of a query as columns under these names, stretch by stretch, none for no rows; to
    be read while the transaction is open."""
    rows = connection.execute(query.execution_options(yield_per=_STRETCH))
    for part in rows.partitions():
        yield dict(zip(names, map(list, zip(*part, strict=True)), strict=True))

"""Many rows at once: written the way each database takes them fastest (PostgreSQL by COPY, SQLite
by one prepared statement), read as columns, a stretch at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    TableClause,
    func,
    insert,
    literal,
    select,
    true,
)
from sqlalchemy.exc import DBAPIError

_STRETCH = 50_000
"""Rows that are in memory as single values at once."""

_CACHE_KIB = 256 << 10


def expect_many(connection: Connection) -> None:
    """Let SQLite keep the pages in memory that many rows touch, until its connection is closed: in
    the two megabytes it takes by itself it would write each of them out many times over."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")


def insert_rows(
    connection: Connection, table: TableClause, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows of equal columns; see `insert_columns`."""
    if rows:
        insert_columns(connection, table, {name: [row[name] for row in rows] for name in rows[0]})


def insert_columns(
    connection: Connection,
    table: TableClause,
    columns: Mapping[str, Sequence[Any]],
    fixed: Mapping[str, Any] | None = None,
) -> None:
    """Insert rows that come as columns of equal length, `fixed` with each of them, in the caller's
    transaction; every constraint and trigger holds, as for a row alone.

    Raises:
        DBAPIError: the database refused, or went away; as SQLAlchemy raises it.
    """
    size = len(next(iter(columns.values())))
    values = {**columns, **{name: [value] * size for name, value in (fixed or {}).items()}}
    if connection.dialect.name != "postgresql":
        # The statement is made once, and its values go to the driver as they are.
        made = insert(table).compile(dialect=connection.dialect, column_keys=list(values))
        rows = list(zip(*(values[name] for name in made.positiontup or values), strict=True))
        if rows:
            connection.exec_driver_sql(str(made), rows)
        return
    quoted = ", ".join(connection.dialect.identifier_preparer.quote(name) for name in values)
    words = f"COPY {table.name} ({quoted}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    failures = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(words) as copy:
            for row in zip(*values.values(), strict=True):
                copy.write_row(row)
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


def rows_named(
    connection: Connection,
    table: TableClause,
    by: str,
    names: Sequence[str],
    *same: ColumnElement[bool],
) -> Subquery:
    """The rows of a table whose column `by` is one of the names: one look-up in an index each.

    A table that is being filled has no statistics. PostgreSQL then takes the rows of an account
    for one or two and holds each of them against all names; joined name by name it has no such
    choice. SQLite has none either where `same` holds no more than an index with `by` in it does,
    and goes through its names in the order of the index.
    """
    wanted, given = table.c[by], literal(list(names), JSON)
    if connection.dialect.name != "postgresql":
        named = func.json_each(given).table_valued("value")
        return select(table).where(*same, wanted.in_(select(named.c.value))).subquery("kept")
    asked = func.json_array_elements_text(given).table_valued("name")
    asked = asked.render_derived(name="asked")
    one = select(table).where(*same, wanted == asked.c.name).offset(0).lateral("one")
    return select(one).select_from(asked.join(one, true())).subquery("kept")


def column_stretches(
    connection: Connection, query: Select[Any], names: Sequence[str]
) -> Iterator[dict[str, list[Any]]]:
    """The rows of a query as columns under these names, stretch by stretch, none for no rows; to
    be read while the transaction is open."""
    rows = connection.execute(query.execution_options(yield_per=_STRETCH))
    for part in rows.partitions():
        yield dict(zip(names, map(list, zip(*part, strict=True)), strict=True))

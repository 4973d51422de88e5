"""Many rows at once: written the way each database takes them fastest (PostgreSQL by COPY, SQLite
by one prepared statement), read as columns, a stretch at a time.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
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

OfCsv = Callable[[bytes, Sequence[str]], Mapping[str, Any]]
"""What makes columns of whole lines of CSV whose cells stand under these names."""

_STRETCH = 50_000
"""Rows that are in memory as single values at once."""
_TEXT_BYTES = 8 << 20
"""Text of rows that is in memory at once."""

_CACHE_KIB = 256 << 10
_MANY = 10_000


def expect_many(connection: Connection) -> None:
    """Let SQLite keep the pages in memory that many rows touch, until its connection is closed: in
    the two megabytes it takes by itself it would write each of them out many times over."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")


def have_grown(connection: Connection, added: int, *tables: TableClause) -> None:
    """Let PostgreSQL look at tables that got many rows: until it does so by itself it takes them
    for what they were, and walks along an index where it should read them from end to end."""
    if connection.dialect.name == "postgresql" and added >= _MANY:
        # A role that does not own them gets a notice; who is cleaning up is not waited for.
        names = ", ".join(table.name for table in tables)
        connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {names}")


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
    with (
        _sqlalchemys_errors(connection, words),
        driver.cursor() as cursor,
        cursor.copy(words) as copy,
    ):
        for row in zip(*values.values(), strict=True):
            copy.write_row(row)


@contextmanager
def _sqlalchemys_errors(connection: Connection, words: str) -> Iterator[None]:
    """Raise the driver's errors as its other statements raise them; SQLAlchemy does not see what is
    done past it."""
    dialect = connection.dialect
    failures = dialect.loaded_dbapi.Error
    try:
        yield
    except failures as error:
        raw = connection.connection.dbapi_connection
        said: BaseException = DBAPIError.instance(
            words,
            None,
            error,
            failures,
            hide_parameters=True,
            connection_invalidated=dialect.is_disconnect(error, raw, None),
            dialect=dialect,
        )
        raise said from error


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
    connection: Connection, query: Select[Any], names: Sequence[str], of_csv: OfCsv
) -> Iterator[Mapping[str, Any]]:
    """The rows of a query as columns under these names, stretch by stretch, none for no rows; to
    be read while the transaction is open.

    PostgreSQL hands the rows out as text by COPY, and `of_csv` makes columns of it; the rows of
    SQLite come as lists. No value is touched by itself.

    Raises:
        DBAPIError: the database refused, or went away; as SQLAlchemy raises it.
    """
    if connection.dialect.name == "postgresql":
        return (of_csv(text, names) for text in _copied_out(connection, query))
    return _fetched(connection, query, names)


def _copied_out(connection: Connection, query: Select[Any]) -> Iterator[bytes]:
    """Whole lines of CSV, some megabytes at a time.

    All of them are fetched before the first is given: a connection in the middle of COPY can do
    nothing else, not even end, should whoever reads fail or stop.
    """
    made = query.compile(dialect=connection.dialect)
    words = f"COPY ({made}) TO STDOUT (FORMAT csv)"
    driver: Any = connection.connection.driver_connection
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    with tempfile.SpooledTemporaryFile(max_size=_TEXT_BYTES) as kept:
        with (
            _sqlalchemys_errors(connection, words),
            driver.cursor() as cursor,
            cursor.copy(words, made.params) as copy,
        ):
            sizes = [kept.write(text) for text in _together(copy)]
        connection.exec_driver_sql("SET LOCAL statement_timeout TO DEFAULT")
        kept.seek(0)
        for size in sizes:
            yield kept.read(size)


def _together(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The same text, many lines at a time."""
    several, size = list[bytes](), 0
    for line in lines:
        several.append(line)
        size += len(line)
        if size >= _TEXT_BYTES:
            yield b"".join(several)
            several, size = [], 0
    if several:
        yield b"".join(several)


def _fetched(
    connection: Connection, query: Select[Any], names: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """Columns of plain values, from the driver itself: SQLAlchemy's rows cost a fifth more."""
    made = query.compile(dialect=connection.dialect)
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.driver_connection
    with _sqlalchemys_errors(connection, str(made)), closing(driver.cursor()) as cursor:
        cursor.execute(str(made), [made.params[name] for name in made.positiontup or ()])
        while rows := cursor.fetchmany(_STRETCH):
            yield dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))

"""The databases' own bulk load of statement lines: by COPY on PostgreSQL, by one prepared statement
in one transaction on SQLite, into a table with equal indexes.
"""

import csv
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg

from tests.db.attacks import shell

_OF_FILE = "SELECT * FROM lines WHERE file_id IN (SELECT file_id FROM files WHERE name = '{}')"
_BUSY_SECONDS = 600


def make_table(url: str) -> None:
    """An empty table that is made as `lines` is, in the place of an earlier one."""
    with shell(url) as books:
        books.run("DROP TABLE IF EXISTS again")
        if books.kind != "sqlite":
            books.run("CREATE TABLE again (LIKE lines INCLUDING ALL)")
            return
        made = books.run(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'lines' AND sql IS NOT NULL"
            " AND type IN ('table', 'index') ORDER BY type DESC"
        )
        for (statement,) in made:
            again = statement.replace("CREATE TABLE lines", "CREATE TABLE again")
            books.run(again.replace("lines_time ON lines", "again_time ON again"))


def write_rows(url: str, target: Path, *, file_name: str = "") -> None:
    """Write all lines that are kept, or those of one file, as the database itself reads them."""
    query = _OF_FILE.format(file_name) if file_name else "SELECT * FROM lines"
    if not url.startswith("postgresql"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as connection, target.open("w", newline="") as out:
            csv.writer(out).writerows(connection.execute(query))
        return
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        copying = f"COPY ({query}) TO STDOUT".encode()
        with target.open("wb") as out, connection.cursor().copy(copying) as copy:
            for block in copy:
                out.write(block)


def loader(url: str, source: Path) -> Callable[[], int]:
    """What loads a file into the table and keeps it; connected already."""
    if url.startswith("postgresql"):
        return _postgresql(url.replace("+psycopg", ""), source)
    return _sqlite(url.removeprefix("sqlite:///"), source)


def loaded(url: str) -> int:
    """How many rows the table has."""
    with shell(url) as books:
        return int(books.one("SELECT count(*) FROM again"))


def _postgresql(url: str, source: Path) -> Callable[[], int]:
    connection = psycopg.connect(url, autocommit=True)

    def load() -> int:
        with (
            closing(connection),
            source.open("rb") as file,
            connection.cursor().copy("COPY again FROM STDIN") as copy,
        ):
            while block := file.read(1 << 20):
                copy.write(block)
        return 0

    return load


def _sqlite(path: str, source: Path) -> Callable[[], int]:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    connection.execute("PRAGMA synchronous = FULL")
    width = len(connection.execute("SELECT * FROM again LIMIT 0").description)
    insert = f"INSERT INTO again VALUES ({', '.join('?' * width)})"

    def load() -> int:
        with closing(connection), source.open(newline="") as file, connection:
            connection.executemany(insert, csv.reader(file))
        return 0

    return load

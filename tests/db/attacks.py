"""The books as somebody with a database shell sees them: plain SQL, no code of ours in between."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

Refused = (sqlite3.DatabaseError, psycopg.Error)
"""What a database raises when it refuses."""


class Shell:
    """One connection with the driver's own settings; every statement is committed by itself."""

    def __init__(self, url: str) -> None:
        self.kind = url.partition(":")[0].partition("+")[0]
        self._connection: Any
        if self.kind == "sqlite":
            self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        else:
            plain = url.replace("postgresql+psycopg://", "postgresql://")
            self._connection = psycopg.connect(plain, autocommit=True)

    def run(self, statement: str, *values: object) -> list[Any]:
        """Execute one statement with `?` for values; returns its rows, if it has any."""
        if self.kind != "sqlite":
            statement = statement.replace("?", "%s")
        cursor = self._connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *values: object) -> Any:
        """The first value of the first row."""
        return self.run(statement, *values)[0][0]

    def tables(self) -> list[str]:
        """Names of all tables of ours."""
        if self.kind == "sqlite":
            query = (
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        else:
            query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return sorted(name for (name,) in self.run(query) if name != "alembic_version")

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns."""
        if self.kind == "sqlite":
            return [row[1] for row in self.run(f"PRAGMA table_info({table})")]
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = ?"
        return [row[0] for row in self.run(query, table)]

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        return {
            name: sorted(map(tuple, self.run(f"SELECT * FROM {name}")), key=str)
            for name in self.tables()
        }

    def drop_triggers(self) -> None:
        """What somebody does who wants to change the books."""
        if self.kind == "sqlite":
            for (name,) in self.run("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                self.run(f"DROP TRIGGER {name}")
            return
        for name in self.tables():
            self.run(f"ALTER TABLE {name} DISABLE TRIGGER USER")

    def change(self, table: str, column: str, value: object, where: str = "1 = 1") -> None:
        """Update a column."""
        self.run(f"UPDATE {table} SET {column} = ? WHERE {where}", value)

    def copy(self, table: str, verb: str = "INSERT INTO", **changes: object) -> None:
        """Insert a copy of a table's first row with some columns changed."""
        names = self.columns(table)
        row = self.run(f"SELECT {', '.join(names)} FROM {table} ORDER BY 1 LIMIT 1")[0]
        values: Sequence[object] = [changes.get(n, v) for n, v in zip(names, row, strict=True)]
        extra = {n: v for n, v in changes.items() if n not in names}
        self.run(
            f"{verb} {table} ({', '.join([*names, *extra])})"
            f" VALUES ({', '.join('?' * (len(names) + len(extra)))})",
            *values,
            *extra.values(),
        )

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def shell(url: str) -> Iterator[Shell]:
    """A shell for the length of a block."""
    opened = Shell(url)
    try:
        yield opened
    finally:
        opened.close()

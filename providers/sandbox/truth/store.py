"""How the world is kept: one SQLite file, or memory, and whole-request transactions.

Every change happens inside `transaction`; the store knows tables, never rules.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from domain.errors import AlreadyRunning, ConfigurationError
from providers.sandbox.truth.records import KIND_OF, RECORDS
from providers.sandbox.truth.refusals import Missing
from providers.sandbox.truth.schema import TABLES, VERSION

MEMORY = ":memory:"
BUSY_MILLISECONDS = 20_000
"""How long one process waits for another's request to end."""

R = TypeVar("R")


class Store:
    """One open world file; a lock makes it safe to hand between threads."""

    def __init__(self, path: str) -> None:
        if path != MEMORY:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._prepare(path)

    def _prepare(self, path: str) -> None:
        with self.transaction():
            version = self.one("PRAGMA user_version")[0]
            if version not in (0, VERSION):
                raise ConfigurationError(
                    f"{path} is a world of version {version}, this program writes {VERSION}.",
                    hint="Start a new world with `tscli sandbox reset`.",
                )
            for statement in TABLES.split(";\n"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; the outermost takes the write lock and commits, inner ones join."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._begin()
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if outermost and self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if outermost:
                self._commit()

    def _begin(self) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            raise AlreadyRunning("Another process is using this world; nothing was done.") from None

    def _commit(self) -> None:
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside a transaction: undo only what happened in here when an error leaves it."""
        self._db.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO attempt")
            self._db.execute("RELEASE attempt")
            raise
        self._db.execute("RELEASE attempt")

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Execute one statement."""
        return self._db.execute(sql, values)

    def one(self, sql: str, *values: Any) -> Any:
        """The first row, or None."""
        return self._db.execute(sql, values).fetchone()

    def all(self, sql: str, *values: Any) -> list[Any]:
        """All rows; read at once, so that the caller may write while walking them."""
        return self._db.execute(sql, values).fetchall()

    def fact(self, name: str, default: str = "") -> str:
        """A named value of the world."""
        row = self.one("SELECT value FROM facts WHERE name = ?", name)
        return str(row[0]) if row else default

    def set_fact(self, name: str, value: str) -> None:
        """Keep a named value."""
        self.run("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, value)

    def count(self, name: str) -> int:
        """The next number of a persisted counter, from 1."""
        value = int(self.fact(name, "0")) + 1
        self.set_fact(name, str(value))
        return value

    def add(self, record: Any, parent: str | None = None) -> None:
        """Store a new record; `parent` is the id it can be listed by."""
        self.run(
            "INSERT INTO records (id, kind, created_at, parent, body) VALUES (?, ?, ?, ?, ?)",
            record.id, KIND_OF[type(record)], record.created_at, parent, _dump(record),
        )  # fmt: skip

    def save(self, record: Any) -> None:
        """Store the changed state of a record."""
        self.run("UPDATE records SET body = ? WHERE id = ?", _dump(record), record.id)

    def get(self, cls: type[R], object_id: str) -> R:
        """The record of that class and id.

        Raises:
            Missing: there is none.
        """
        kind = KIND_OF[cls]
        row = self.one("SELECT body FROM records WHERE id = ? AND kind = ?", object_id, kind)
        if row is None:
            raise Missing(kind, object_id)
        return cls(**json.loads(row[0]))

    def kind_of(self, object_id: str) -> str | None:
        """Kind of the record with that id, None when there is none."""
        row = self.one("SELECT kind FROM records WHERE id = ?", object_id)
        return str(row[0]) if row else None

    def newest(
        self, cls: type[R], *, parent: str | None = None, before: int | None = None
    ) -> Iterator[tuple[int, R]]:
        """(seq, record), newest first; of one parent and older than a seq if given."""
        kind, top = KIND_OF[cls], before
        while True:
            rows = self.all(
                "SELECT seq, body FROM records WHERE kind = ? AND (? IS NULL OR parent = ?)"
                " AND (? IS NULL OR seq < ?) ORDER BY seq DESC LIMIT 200",
                kind, parent, parent, top, top,
            )  # fmt: skip
            for row in rows:
                yield row["seq"], cls(**json.loads(row["body"]))
            if len(rows) < 200:
                return
            top = rows[-1]["seq"]


def revive(kind: str, body: dict[str, Any]) -> Any:
    """The record a stored body stands for."""
    return RECORDS[kind](**body)


def remove(path: str | Path) -> None:
    """Delete a world file and its journals; nothing happens when there is none."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _dump(record: Any) -> str:
    return json.dumps(vars(record), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

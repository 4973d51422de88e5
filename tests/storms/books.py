"""The books of a storm as plain rows, read with the databases' own drivers and none of the
product's code."""

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any, Protocol

Row = dict[str, Any]

TABLES = (
    "payments", "operations", "idempotency", "transactions", "entries", "postings", "audit",
    "events", "reviews", "provider_accounts", "webhook_events",
)  # fmt: skip


class StormBooks(Protocol):
    """Books that every storm finds empty, looked at from outside."""

    url: str
    """How the product opens them."""

    def renew(self) -> None:
        """Empty them."""

    def let_go(self) -> None:
        """Close our connection: none may be open across a fork."""

    def changed(self) -> bool:
        """Whether somebody has committed since the last reading."""

    def rows(self) -> dict[str, list[Row]]:
        """Everything that is committed, by table, in an order that is always the same."""

    def holds_up(self, pid: int) -> bool:
        """Whether the command of a process waits within the database for somebody else's lock."""

    def bury(self, pid: int) -> None:
        """Return when the database has noticed that a killed process is gone."""

    def close(self) -> None:
        """Let go of everything."""


class BooksFile:
    """One SQLite file in a folder of its own, started anew from a template's bytes."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.path = folder / "books.db"
        self.url = f"sqlite:///{self.path}"
        self._template = template
        self._seen: int | None = None
        self._rows: dict[str, list[Row]] = {}
        self._connection: sqlite3.Connection | None = None

    def renew(self) -> None:
        """Start from the template's bytes."""
        self.let_go()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self._template, self.path)
        os.chmod(self.path, 0o600)
        self._seen, self._rows = None, {}

    def let_go(self) -> None:
        """See `StormBooks.let_go`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def changed(self) -> bool:
        """See `StormBooks.changed`."""
        return self._connection is None or self._version() != self._seen

    def rows(self) -> dict[str, list[Row]]:
        """Everything that is committed, by table, in the order of insertion."""
        if self._connection is None:
            self._connection = sqlite3.connect(self.path, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            self._seen = None
        version = self._version()
        if version != self._seen:
            self._rows, self._seen = self._read(), version
        return self._rows

    def holds_up(self, pid: int) -> bool:
        """Never: who meets a lock is told at once, and comes back."""
        return False

    def bury(self, pid: int) -> None:
        """The system has let go of a dead process's locks."""

    def close(self) -> None:
        """See `StormBooks.close`."""
        self.let_go()

    def _version(self) -> int:
        assert self._connection is not None
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _read(self) -> dict[str, list[Row]]:
        assert self._connection is not None
        run = self._connection.execute
        run("BEGIN")
        try:
            tables = {t: run(f"SELECT * FROM {t} ORDER BY rowid").fetchall() for t in TABLES}
        finally:
            run("COMMIT")
        return {table: [dict(row) for row in found] for table, found in tables.items()}


def migrate(url: str) -> None:
    """Bring new books to the current schema."""
    from db.database import Database
    from domain.clock import SystemClock
    from domain.ids import Ids

    clock = SystemClock()
    database = Database(url, clock, Ids(clock))
    database.upgrade()
    database.close()


def books_file(folder: Path) -> BooksFile:
    """A file whose template is empty, migrated, and has no log beside it."""
    path = folder / "template.db"
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return BooksFile(folder, path)

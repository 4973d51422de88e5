"""The books of a storm as plain rows, read with `sqlite3` and none of the product's code."""

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

Row = dict[str, Any]

TABLES = (
    "payments", "operations", "idempotency", "transactions", "entries", "postings", "audit",
    "events", "reviews", "provider_accounts", "webhook_events",
)  # fmt: skip


class BooksFile:
    """One SQLite file in a folder of its own, started anew from a template's bytes."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.path = folder / "books.db"
        self._template = template
        self._seen: int | None = None
        self._rows: dict[str, list[Row]] = {}
        self._connection: sqlite3.Connection | None = None

    @property
    def url(self) -> str:
        """How the product opens it."""
        return f"sqlite:///{self.path}"

    def renew(self) -> None:
        """Empty books."""
        self.let_go()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self._template, self.path)
        os.chmod(self.path, 0o600)
        self._seen, self._rows = None, {}

    def let_go(self) -> None:
        """Close our connection: none may be open across a fork."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def changed(self) -> bool:
        """Whether somebody has committed since the last reading."""
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


def make_template(folder: Path) -> Path:
    """An empty, migrated database without a log beside it."""
    from domain.clock import SystemClock
    from domain.ids import Ids

    path = folder / "template.db"
    clock = SystemClock()
    from db.database import Database

    database = Database(f"sqlite:///{path}", clock, Ids(clock))
    database.upgrade()
    database.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path

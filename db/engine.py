"""Connections to the two databases, with the settings that keep money safe.

SQLite: WAL, synchronous FULL, foreign keys, an explicit BEGIN IMMEDIATE for every write, file 0600
in a 0700 folder. PostgreSQL: see `db.postgresql`.
"""

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

from db import postgresql
from db.postgresql import Limits
from domain.errors import ConfigurationError

READ_ONLY = "tscli_read"
"""Execution option of connections that only read: they take a snapshot and block nobody."""

_BUSY_TIMEOUT_MS = 10_000
_WAL_PAUSE_SECONDS = 0.01
_SQLITE_PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "temp_store=MEMORY",
    f"busy_timeout={_BUSY_TIMEOUT_MS}",
)
"""`temp_store`: what a statement may have to take back is kept in memory. A trigger that may refuse
needs that for every row, and a file of its own for it costs more than the row. What makes commits
last is not in it."""


def connect(url: str, *, keep_open: bool = False, limits: Limits | None = None) -> Engine:
    """An engine for `sqlite:///FILE`, `sqlite://` (memory) or `postgresql://…`.

    A command opens a SQLite file once for each transaction and leaves nothing open, and has one
    connection to a server; whoever serves keeps several (`keep_open`), because opening costs more
    than a transaction. `limits` are those of a server.

    Raises:
        ConfigurationError: another or an unreadable URL, or a database folder that is not ours.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError(
            "The database URL cannot be read.",
            hint="Use sqlite:////FOLDER/FILE or postgresql://USER@HOST/NAME in TSCLI_DATABASE_URL.",
        ) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed.database, keep_open=keep_open)
    if parsed.get_backend_name() == "postgresql":
        return postgresql.connect(parsed, keep_open=keep_open, limits=limits or Limits())
    raise ConfigurationError(
        f"A {parsed.get_backend_name()} database is not supported.",
        hint="Use sqlite:////FOLDER/FILE or postgresql://USER@HOST/NAME in TSCLI_DATABASE_URL.",
    )


def _sqlite(path: str | None, *, keep_open: bool) -> Engine:
    memory = path in (None, "", ":memory:")
    engine = create_engine(
        "sqlite://" if memory else f"sqlite:///{path}",
        hide_parameters=True,
        poolclass=StaticPool if memory else QueuePool if keep_open else NullPool,
        connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_MS // 1000},
    )
    if not memory:
        # Only who connects makes the file: looking whether there are books leaves none behind.
        event.listen(engine, "do_connect", lambda *_: _make_private(Path(str(path))))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: Path) -> None:
    """Create the file for its owner only; SQLite gives -wal and -shm the same permissions."""
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, mode=0o700)
        if path.is_symlink():
            raise ConfigurationError(f"{path} is a symbolic link; the books must be a plain file.")
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        elif path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigurationError(
            f"The database file {path} cannot be used: {error.strerror}.",
            hint="Set TSCLI_DATABASE_URL to a place you may write.",
        ) from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own transaction handling would start deferred transactions, which fail at once
    # when a reader turns writer: we say BEGIN ourselves.
    connection.isolation_level = None
    _take_wal(connection)
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _take_wal(connection: sqlite3.Connection) -> None:
    """Turn the journal to WAL, which a new file needs once. SQLite itself does not wait where
    others do so at the same moment, as the first commands after an installation may.

    Raises:
        sqlite3.OperationalError: the file was locked for as long as anything is waited for.
    """
    until = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READ_ONLY)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

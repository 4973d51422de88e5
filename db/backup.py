"""Copies of the whole books: SQLite by its own online backup, PostgreSQL by pg_dump and pg_restore.

A copy is one instant of the books while everybody goes on.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Engine, column, insert, inspect, select, table, text
from sqlalchemy.engine import URL

from db.migrate import PUTTING_BACK, lock
from domain.errors import (
    AlreadyExists,
    ConfigurationError,
    InvalidRequest,
    Unavailable,
    UnreadableExport,
)

_MARK = table(PUTTING_BACK, column("digest"))
_PAGES = 4_096
"""Pages copied before writers are let in between."""
_SQLITE_BEGIN = b"SQLite format 3\0"
_DUMP_BEGIN = b"PGDMP"
_LONGEST_SECONDS = 6 * 3_600


def copy_books(engine: Engine, target: Path) -> None:
    """Write the books into an existing, empty file.

    Raises:
        ConfigurationError: pg_dump is not installed.
        Unavailable: the database cannot be read.
    """
    if engine.dialect.name == "sqlite":
        _copy_sqlite(Path(engine.url.database or ""), target)
        return
    words = ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"]
    _run("pg_dump", engine.url, words)


def fill(engine: Engine, source: Path) -> None:
    """Fill a database without books from a copy: all of it, or nothing.

    Raises:
        AlreadyExists: a file holds something.
        ConfigurationError: pg_restore is not installed.
        Unavailable: the database cannot be written, or refuses the copy.
    """
    if engine.dialect.name == "sqlite":
        file = Path(engine.url.database or "")
        file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        engine.dispose()
        _copy_sqlite(source, file)
        return
    words = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", engine.url, [*words, str(source.resolve())])


def not_empty() -> AlreadyExists:
    """The error of putting a backup where something is."""
    return AlreadyExists(
        "The database is not empty; a backup is only put into one that holds nothing.",
        hint="Point TSCLI_DATABASE_URL at a new file, or at a new, empty database.",
    )


def is_empty(engine: Engine) -> bool:
    """Whether there is no table in the database; a file that is not there is not made."""
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return True
    with engine.connect() as connection:
        return not inspect(connection).get_table_names()


def begin(engine: Engine, digest: str) -> bool:
    """Write into a database of a server that this backup is being put into it, or find that it was
    begun before; whether its rows are there already.

    Raises:
        AlreadyExists: it holds something.
        InvalidRequest: another backup was begun.
    """
    with engine.begin() as connection:
        # Books are made under the same lock: they are there now, or are not made any more.
        lock(connection)
        names = inspect(connection).get_table_names()
        if PUTTING_BACK not in names:
            if names:
                raise not_empty()
            connection.execute(text(f"CREATE TABLE {PUTTING_BACK} (digest TEXT NOT NULL)"))
            connection.execute(insert(_MARK).values(digest=digest))
            return False
        if connection.execute(select(_MARK.c.digest)).scalar() != digest:
            raise InvalidRequest(
                "Another backup was begun to be put into this database.",
                hint="Name that file, or point TSCLI_DATABASE_URL at a new, empty database.",
            )
        return "alembic_version" in names


def is_begun(engine: Engine) -> bool:
    """Whether a backup is being put into a database of a server."""
    if engine.dialect.name == "sqlite":
        return False
    with engine.connect() as connection:
        return PUTTING_BACK in inspect(connection).get_table_names()


def kind_of(file: Path) -> str:
    """`sqlite` or `postgresql`, by its first bytes.

    Raises:
        UnreadableExport: it is neither, or cannot be read.
    """
    try:
        with file.open("rb") as stream:
            begin = stream.read(16)
    except OSError as error:
        raise UnreadableExport(
            f"{file} cannot be read: {error.strerror}.", hint="Name a file that is there."
        ) from error
    if begin == _SQLITE_BEGIN:
        return "sqlite"
    if begin.startswith(_DUMP_BEGIN):
        return "postgresql"
    raise UnreadableExport(
        f"{file.name} is no backup made by `tscli db backup`.", hint="Name one that is."
    )


def contents(dump: Path) -> set[str]:
    """Names of the tables whose rows a dump of PostgreSQL holds.

    Raises:
        ConfigurationError: pg_restore is not installed.
        UnreadableExport: it is cut off or damaged.
    """
    listed = _call("pg_restore", ["--list", str(dump.resolve())])
    if listed.returncode:
        raise UnreadableExport(
            f"{dump.name} is damaged: {_last_line(listed.stderr)}.", hint="Take another backup."
        )
    parts = [line.split() for line in listed.stdout.splitlines() if " TABLE DATA " in line]
    return {words[words.index("DATA") + 2] for words in parts}


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a file into one that holds nothing, which is locked from before that is looked at until
    it is full: who opens it meanwhile waits, and then finds all of the copy."""
    try:
        uri = f"{source.resolve().as_uri()}?mode=ro"
        here = sqlite3.connect(uri, uri=True, timeout=30)
        there = sqlite3.connect(target, timeout=30, isolation_level=None)
        try:
            _hold_empty(there)
            here.backup(there, pages=_PAGES)
        finally:
            here.close()
            there.close()
    except sqlite3.Error as error:
        raise Unavailable(f"The books could not be copied: {error}.") from error


def _hold_empty(connection: sqlite3.Connection) -> None:
    """Lock a file until its connection is closed; copying begins transactions of its own."""
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("COMMIT")
    if tables:
        raise not_empty()


def _run(program: str, url: URL, words: list[str]) -> None:
    """One of PostgreSQL's programs; the password goes by the environment, never by its words."""
    plain = url.set(drivername="postgresql", password=None)
    environment = dict(os.environ)
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    done = _call(program, [f"--dbname={plain.render_as_string()}", *words], environment)
    if done.returncode:
        raise Unavailable(f"{program} failed: {_last_line(done.stderr)}.")


def _call(
    program: str, words: list[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    # No shell reads the words: one of PostgreSQL's own programs does, and what comes from outside
    # among them (a file, an address) stands behind an option or is an absolute path.
    command = [_program(program), *words]
    return subprocess.run(  # noqa: S603
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LONGEST_SECONDS,
    )


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ConfigurationError(
            f"{name} is not installed.",
            hint="Install PostgreSQL's client programs, of the server's version or newer.",
        )
    return found


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines or ["it said nothing"])[-1].removesuffix(".")

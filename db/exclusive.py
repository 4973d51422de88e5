"""Locks that hold over processes and machines for as long as their holder lives.

On PostgreSQL an advisory lock of a session, kept by a connection of its own; on SQLite, whose books
belong to one machine, a lock on a file beside them. Either is gone the moment its holder dies, and
can be lost while its holder lives: a server may end a session, somebody may take a file away.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from domain.errors import AlreadyRunning

Held = Callable[[], None]
"""Looks whether the lock is still held, and raises `AlreadyRunning` where it is not."""

_HELD = text(
    "SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted"
    " AND l.classid::bigint = :high AND l.objid::bigint = :low AND l.objsubid = 1"
    " AND l.pid = pg_backend_pid())"
)


@contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[Held]:
    """Hold the lock of a name for the length of the block; nobody waits for it.

    The block is given a look at whether it still holds it, for before whatever another one must
    not do at the same time; at its end it is looked at once more.

    Raises:
        AlreadyRunning: another process holds it, or may hold it by now.
    """
    with _lock(engine, name) as is_held:

        def held() -> None:
            if not is_held():
                raise AlreadyRunning(
                    f"The lock of {name} was lost, and another process may be at work on it.",
                    hint="Run the command again: it goes on from what is kept.",
                )

        yield held
        held()


@contextmanager
def _lock(engine: Engine, name: str) -> Iterator[Callable[[], bool]]:
    """Take the lock; whether it is still held can be asked for."""
    if engine.dialect.name == "postgresql":
        with _session_lock(engine, name) as connection:
            yield lambda: _session_holds(connection, name)
        return
    file = engine.url.database
    if not file or file == ":memory:":
        yield lambda: True  # books in memory have one process
        return
    with _file_lock(Path(file), name) as handle:
        yield lambda: _is_at(lock_file(Path(file), name), handle)


def lock_file(database: Path, name: str) -> Path:
    """The file whose lock stands for a name, beside a SQLite database."""
    word = "".join(c if c.isalnum() else "-" for c in name)
    return database.with_name(f"{database.name}.{word}.lock")


def _taken(name: str, who: str) -> AlreadyRunning:
    return AlreadyRunning(
        f"Another process is at work on {name}{who}.",
        hint="Wait for it to end; when it is killed its lock goes with it.",
    )


@contextmanager
def _file_lock(database: Path, name: str) -> Iterator[int]:
    database.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    place = lock_file(database, name)
    handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            raise _taken(name, f" (process {pid})" if pid.isdigit() else "") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield handle
        # The file stays: one that is taken away could be locked twice.
    finally:
        os.close(handle)


def _is_at(place: Path, handle: int) -> bool:
    """Whether an open file is the one that others would find there."""
    try:
        return os.path.samestat(place.lstat(), os.fstat(handle))
    except OSError:
        return False


def _key(name: str) -> int:
    """A lock's number: 64 bits, signed, of the name."""
    digest = hashlib.sha256(f"tscli {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _halves(key: int) -> dict[str, int]:
    """A lock's number as the server lists it."""
    whole = key & (2**64 - 1)
    return {"high": whole >> 32, "low": whole & (2**32 - 1)}


@contextmanager
def _session_lock(engine: Engine, name: str) -> Iterator[Connection]:
    values = {"key": _key(name)}
    with engine.connect() as connection:
        # No transaction stays open meanwhile: one that idles would be ended, and the lock with it.
        connection.execution_options(isolation_level="AUTOCOMMIT")
        with suppress(SQLAlchemyError):  # servers before 14 end no idle sessions, and know no limit
            connection.execute(text("SET idle_session_timeout = 0"))
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), values).scalar():
            raise _taken(name, _holder(connection, _key(name)))
        try:
            yield connection
        finally:
            with suppress(SQLAlchemyError):  # the connection is gone, and so is its lock
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), values)


def _session_holds(connection: Connection, name: str) -> bool:
    """Whether the session that took the lock is there and has it: a connection that was opened
    again is another session, and one that cannot be asked may be gone."""
    try:
        return bool(connection.execute(_HELD, _halves(_key(name))).scalar())
    except SQLAlchemyError:
        return False


def _holder(connection: Connection, key: int) -> str:
    """Who holds it, as far as the server tells."""
    query = text(
        "SELECT a.pid, host(a.client_addr), a.backend_start FROM pg_locks l"
        " JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted"
        " AND l.classid::bigint = :high AND l.objid::bigint = :low AND l.objsubid = 1"
    )
    row = connection.execute(query, _halves(key)).first()
    if row is None:
        return ""
    since = f" since {row[2]:%Y-%m-%d %H:%M} UTC" if row[2] else ""
    return f" (session {row[0]}{f' from {row[1]}' if row[1] else ''}{since})"

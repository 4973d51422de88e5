"""Locks of a name: one holder at a time, and a holder that lost it is told."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from db.database import Database
from db.exclusive import Held, lock_file
from domain.clock import SetClock
from domain.errors import AlreadyRunning
from domain.ids import Ids
from tests.db.attacks import shell

NAME = "a test"


def lose_locks(database: Database, url: str, name: str = NAME) -> None:
    """What takes a lock from a holder that lives: the server ends its session, the file is taken
    away."""
    if database.kind == "sqlite":
        lock_file(Path(url.removeprefix("sqlite:///")), name).unlink()
        return
    with shell(url) as server:
        server.run(
            "SELECT pg_terminate_backend(l.pid, 5000) FROM pg_locks l"
            " JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()"
            " WHERE l.locktype = 'advisory' AND l.pid <> pg_backend_pid()"
        )


@pytest.fixture
def other(database_url: str, clock: SetClock) -> Iterator[Database]:
    """The same books in another process."""
    opened = Database(database_url, clock, Ids(clock))
    yield opened
    opened.close()


def test_it_is_held_until_it_ends(database: Database, other: Database) -> None:
    """Proves that nobody else gets it meanwhile, and that it is free afterwards."""
    with database.exclusive(NAME) as held:
        held()
        with pytest.raises(AlreadyRunning, match="Another process"), other.exclusive(NAME):
            pass
        with other.exclusive("another name"):
            held()
    with other.exclusive(NAME) as held:
        held()


def is_lost(held: Held) -> bool:
    """Whether a holder is told that it lost the lock."""
    try:
        held()
    except AlreadyRunning as error:
        return "was lost" in error.message
    return False


def test_who_lost_it_is_told_whenever_it_is_looked_at(
    database: Database, other: Database, database_url: str
) -> None:
    """Proves that a lost lock stays lost, although the connection comes back by itself, and that
    who has it by now keeps it."""
    with suppress(AlreadyRunning), database.exclusive(NAME) as held:
        assert not is_lost(held)
        lose_locks(database, database_url)
        assert [is_lost(held) for _ in range(2)] == [True, True]
        with other.exclusive(NAME) as theirs:
            assert (is_lost(held), is_lost(theirs)) == (True, False)
    with database.exclusive(NAME) as held:
        assert not is_lost(held)


def test_who_lost_it_unnoticed_does_not_end_well(database: Database, database_url: str) -> None:
    """Proves that the end of the block looks as well."""
    with pytest.raises(AlreadyRunning, match="was lost"), database.exclusive(NAME):
        lose_locks(database, database_url)


def test_an_error_within_stays_the_one_that_is_told(database: Database, database_url: str) -> None:
    """Proves that a lost lock hides nothing."""

    def failing() -> None:
        with database.exclusive(NAME):
            lose_locks(database, database_url)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()

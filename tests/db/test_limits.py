"""A real PostgreSQL that makes us wait, undoes what we did, or hangs up: what is told, what stays.

Every wait is ended by a limit of a second, never by the test.
"""

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from db.database import Books, Database
from db.postgresql import Limits
from domain.clock import SetClock
from domain.errors import Busy, Unavailable
from domain.ids import Ids
from tests.conftest import run_cli
from tests.servers.cutting import Cut, CuttingProxy
from tests.servers.postgres import TMP, PostgresServer
from tscli.app import App
from tscli.database_settings import PostgreSQLSection
from tscli.settings import load_settings

SHORT = Limits(lock_seconds=1, statement_seconds=2, pool_size=1, pool_extra=0, pool_seconds=1)
PATIENT = Limits()

Opened = Callable[[Limits], Database]


@pytest.fixture
def opened(postgres: PostgresServer, template: str, clock: SetClock) -> Iterator[Opened]:
    """Opens the same new books, each time with connections of their own."""
    url, every = postgres.create_database(template), []

    def again(limits: Limits) -> Database:
        every.append(Database(url, clock, Ids(clock), keep_open=True, limits=limits))
        return every[-1]

    yield again
    for database in every:
        database.close()
    postgres.drop_database(url)


def run(books: Books, words: str, **values: object) -> Any:
    """One statement within a transaction of the product."""
    return books.leases._connection.execute(text(words), values)


def note(books: Books, name: str) -> None:
    """A row that is there when the transaction was committed."""
    run(books, "INSERT INTO leases VALUES (:name, 'nobody', 1)", name=name)


def noted(database: Database) -> set[str]:
    """Which rows are there."""
    with database.read() as books:
        return {row.name for row in run(books, "SELECT name FROM leases")}


def test_a_statement_that_takes_too_long_is_ended(opened: Opened) -> None:
    """Proves that it is told in our words, that nothing of its transaction stays, and that the next
    one works."""
    database = opened(SHORT)

    def sleep(books: Books) -> None:
        note(books, "before")
        run(books, "SELECT pg_sleep(30)")

    with pytest.raises(Unavailable, match="gave a statement up"):
        database.run(sleep)
    with database.transaction() as books:
        note(books, "after")
    assert noted(database) == {"after"}


def test_rows_that_somebody_holds_are_waited_for_and_then_busy(opened: Opened) -> None:
    """Proves that a command waits no longer than it may, writes nothing, and can be run again."""
    holder, database = opened(PATIENT), opened(SHORT)

    def both(books: Books) -> None:
        note(books, "mine")
        note(books, "held")

    with holder.transaction() as books:
        note(books, "held")
        with pytest.raises(Busy, match="too long"):
            database.run(both)
    with database.transaction() as books:
        note(books, "mine")
    assert noted(database) == {"held", "mine"}


def test_who_sleeps_within_a_transaction_is_thrown_out(opened: Opened) -> None:
    """Proves that a command that stands still holds nobody up for ever, learns of it, and that its
    process goes on with a new connection."""
    database, other = opened(Limits(idle_seconds=1)), opened(PATIENT)

    def sleep(books: Books) -> None:
        note(books, "held")
        # Another one waits for the row, and gets it when the server has ended this one.
        other.run(lambda books: note(books, "held"))
        note(books, "mine")

    with pytest.raises(Unavailable, match="stood still"):
        database.run(sleep)
    with database.transaction() as books:
        note(books, "again")
    assert noted(database) == {"held", "again"}


def test_no_connection_is_left(opened: Opened) -> None:
    """Proves that more transactions at once than connections end in a sentence, and that the pool
    is as good as new when one is free."""
    database = opened(SHORT)
    with database.transaction() as books:
        note(books, "first")
        with pytest.raises(Unavailable, match="connections"), database.transaction():
            pass
    with database.transaction() as books:
        note(books, "second")
    assert noted(database) == {"first", "second"}


def test_a_connection_that_died_in_the_pool_is_replaced(opened: Opened) -> None:
    """Proves that a server that was started again costs no command."""
    database, other = opened(PATIENT), opened(PATIENT)
    with database.transaction() as books:
        pid = run(books, "SELECT pg_backend_pid()").scalar_one()
    with other.transaction() as books:
        assert run(books, "SELECT pg_terminate_backend(:pid)", pid=pid).scalar_one()
    with database.transaction() as books:
        assert run(books, "SELECT pg_backend_pid()").scalar_one() != pid
        note(books, "first")
    assert noted(database) == {"first"}


def test_a_connection_lost_within_a_transaction_leaves_nothing(opened: Opened) -> None:
    """Proves that what was written before it is gone, and that no success is claimed."""
    database, other = opened(PATIENT), opened(PATIENT)

    def cut(books: Books) -> None:
        note(books, "lost")
        pid = run(books, "SELECT pg_backend_pid()").scalar_one()
        with other.transaction() as killer:
            run(killer, "SELECT pg_terminate_backend(:pid, 5000)", pid=pid)
        note(books, "too late")

    with pytest.raises(Unavailable, match="did not answer"):
        database.run(cut)
    assert noted(database) == set()


def test_a_deadlock_is_undone_and_run_again(opened: Opened) -> None:
    """Proves that of two transactions that wait for each other one is run again by itself, and that
    both are done once."""
    with opened(PATIENT).transaction() as books:
        for name in ("a", "b"):
            note(books, name)
    met, tries = threading.Barrier(2, timeout=20), []

    def crossing(first: str, second: str) -> None:
        database, mine = opened(PATIENT), []

        def work(books: Books) -> None:
            mine.append(1)
            add = "UPDATE leases SET expires_at = expires_at + 1 WHERE name = :name"
            run(books, add, name=first)
            if len(mine) == 1:
                met.wait()
            run(books, add, name=second)

        database.run(work)
        tries.append(len(mine))

    other = threading.Thread(target=crossing, args=("a", "b"))
    other.start()
    crossing("b", "a")
    other.join()
    assert sorted(tries) == [1, 2]
    with opened(PATIENT).read() as books:
        rows = run(books, "SELECT expires_at FROM leases").scalars()
        assert list(rows) == [3, 3]


def test_a_race_that_is_always_lost_is_given_up(opened: Opened) -> None:
    """Proves that a transaction that the server undoes each time is run a few times and no more."""
    database, other, tries = opened(PATIENT), opened(PATIENT), []
    change = "UPDATE leases SET expires_at = expires_at + 1 WHERE name = 'a'"
    database.run(lambda books: note(books, "a"))

    def work(books: Books) -> None:
        run(books, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        run(books, "SELECT * FROM leases").all()
        other.run(lambda books: run(books, change))
        tries.append(1)
        run(books, change)

    with pytest.raises(Busy, match="in favour of another"):
        database.run(work)
    assert 2 <= len(tries) <= 10
    with database.read() as books:
        assert run(books, "SELECT expires_at FROM leases").scalar_one() == 1 + len(tries)


def test_a_commit_in_doubt_is_asked_for_when_a_connection_is_free(
    postgres: PostgresServer, template: str, clock: SetClock
) -> None:
    """Proves that a pool that others have emptied makes no failure of what was committed."""
    url, limits = postgres.create_database(template), replace(SHORT, lock_seconds=10)
    with CuttingProxy(url) as proxy:
        database = Database(proxy.url, clock, Ids(clock), keep_open=True, limits=limits)
        taken, done = threading.Event(), threading.Event()

        def greedy() -> None:
            while not taken.is_set():
                with suppress(Unavailable), database.read():
                    taken.set()
                    done.wait(2.5)  # longer than anybody waits for a connection

        def commit(books: Books) -> None:
            note(books, "in doubt")
            thread.start()  # gets the only connection once the cut has freed it
            proxy.arm(Cut.AFTER)

        thread = threading.Thread(target=greedy)
        database.run(commit)
        assert taken.wait(10)
        done.set()
        thread.join()
        assert noted(database) == {"in doubt"}
        database.close()
    postgres.drop_database(url)


def test_a_server_that_says_nothing_is_not_waited_for(clock: SetClock) -> None:
    """Proves that whoever listens and never answers is given up, with words."""
    with tempfile.TemporaryDirectory(dir=TMP) as folder, socket.socket(socket.AF_UNIX) as mute:
        mute.bind(f"{folder}/.s.PGSQL.5432")
        mute.listen()
        url = f"postgresql://somebody@/books?host={folder}"
        database = Database(url, clock, Ids(clock), limits=Limits(connect_seconds=2))
        with pytest.raises(Unavailable, match="did not answer"), database.read():
            pass


def test_limits_come_from_the_settings(
    home: Path, postgres: PostgresServer, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a session has what the settings say, beside what is not settable, and that
    nonsense is refused before anything is opened."""
    url = postgres.create_database(template)
    monkeypatch.setenv("TSCLI_DATABASE_URL", url)
    monkeypatch.setenv("TSCLI_POSTGRESQL__LOCK_SECONDS", "7")
    assert PostgreSQLSection().limits == Limits(), "the defaults stand in two places"
    app = App(load_settings(), "tests")
    with app.database.read() as books:
        shown = run(books, "SELECT name, setting FROM pg_settings").all()
    app.database.close()
    found = {row.name: row.setting for row in shown}
    assert (found["lock_timeout"], found["statement_timeout"]) == ("7000", "120000")
    assert found["synchronous_commit"] == "on"
    assert run_cli("config", "show").exit_code == 0
    for name, value in (("LOCK_SECONDS", "0"), ("SYNCHRONOUS_COMMIT", "off")):
        monkeypatch.setenv(f"TSCLI_POSTGRESQL__{name}", value)
        refused = run_cli("config", "show")
        assert refused.exit_code == 2
        assert f"postgresql.{name.lower()}" in refused.stderr
        monkeypatch.delenv(f"TSCLI_POSTGRESQL__{name}")
    postgres.drop_database(url)

"""Rows that one transaction decides by are held until it ends: the next one waits, then decides."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.database import Books, Database
from db.engine import connect
from db.postgresql import Limits
from domain.clock import SetClock
from domain.errors import Busy
from domain.ids import Ids
from domain.provider import ProviderAccount
from tests.conftest import START
from tests.servers.postgres import PostgresServer
from tests.tscli.shop import Shop

OWNER = ProviderAccount("stripe", "default", "test")
THREADS, ROUNDS = 6, 40


@pytest.fixture
def two(postgres: PostgresServer, template: str, clock: SetClock) -> Iterator[list[Database]]:
    """The same books opened twice; the second waits for nobody longer than two seconds."""
    url = postgres.create_database(template)
    limits = (Limits(), Limits(lock_seconds=2))
    both = [Database(url, clock, Ids(clock), keep_open=True, limits=each) for each in limits]
    yield both
    for database in both:
        database.close()
    postgres.drop_database(url)


def _payment(payment_id: str) -> Callable[[Books], object]:
    return lambda books: books.payments.get(payment_id, lock=True)


def test_a_payment_that_is_decided_on_is_held(two: list[Database], clock: SetClock) -> None:
    """Proves that a second refund, capture or sweep does not read beside the first one's decision,
    while somebody who only looks is not held up."""
    ours, theirs = two
    pay = Shop(ours, clock).create().payment.payment_id
    with ours.transaction() as books:
        books.payments.get(pay, lock=True)
        with pytest.raises(Busy):
            theirs.run(_payment(pay))
        with theirs.read() as others:
            assert others.payments.get(pay).payment_id == pay
    theirs.run(_payment(pay))


def _somebody_waits(database: Database) -> None:
    """Return when a session of these books waits for a lock."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid IS NOT NULL"
    for _ in range(500):
        with database.read() as books:
            if books.leases._connection.execute(text(query)).scalar_one():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waited")


def test_a_call_is_taken_from_the_pace_of_all(two: list[Database]) -> None:
    """Proves that of two processes that ask for the one call there is, the second sees the first
    one's, though that was not committed yet when it asked."""
    ours, theirs = two
    ours.run(lambda books: books.provider_accounts.pace(OWNER, 1, START))
    later, waits = START + timedelta(seconds=10), list[int]()

    def ask() -> None:
        waits.append(theirs.run(lambda books: books.provider_accounts.pace(OWNER, 1, later)))

    with ours.transaction() as books:
        assert books.provider_accounts.pace(OWNER, 1, later) == 0
        asking = threading.Thread(target=ask)
        asking.start()
        _somebody_waits(ours)
    asking.join(timeout=30)
    assert waits
    assert waits[0] > 0


def test_the_first_commands_on_a_new_file_wait_for_each_other(tmp_path: Path) -> None:
    """Proves that none of those that make the file at the same moment is turned away."""
    failed: list[DBAPIError | sqlite3.Error] = []

    def open_it(url: str, start: threading.Barrier) -> None:
        engine = connect(url)
        start.wait(timeout=20)
        try:
            with engine.connect():
                pass
        except (DBAPIError, sqlite3.Error) as error:
            failed.append(error)
        engine.dispose()

    for number in range(ROUNDS):
        start = threading.Barrier(THREADS)
        words = (f"sqlite:///{tmp_path / str(number) / 'books.db'}", start)
        threads = [threading.Thread(target=open_it, args=words) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert failed == []

"""Transactions: all or nothing, rehearsed without a trace, never in the way of readers."""

import os
import sqlite3
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from db.database import Books, Database
from domain.audit import Actor, first_flaw
from domain.clock import SetClock
from domain.errors import (
    AlreadyExists,
    Busy,
    ConfigurationError,
    IdempotencyInFlight,
    IntegrityError,
    NotFound,
    StaleVersion,
)
from domain.idempotency import IdempotencyRow
from domain.ids import Ids
from domain.operation import OperationKind, OperationState
from domain.payment import Stage
from tests.db.attacks import shell
from tests.domain.samples import START, charge, operation, payment


def test_a_rehearsal_leaves_no_byte(database: Database, database_url: str, actor: Actor) -> None:
    """Proves that a dry run does everything and keeps nothing."""
    with shell(database_url) as sql:
        before = sql.everything()
        with database.transaction(dry_run=True) as books:
            books.payments.add(payment())
            books.record(actor, "payment.created", "pay_1")
            assert books.payments.get("pay_1").payment_id == "pay_1"
        assert sql.everything() == before


def test_an_error_leaves_nothing(database: Database, database_url: str, actor: Actor) -> None:
    """Proves that a transaction which fails at its end has written nothing."""

    def fail_late() -> None:
        with database.transaction() as books:
            books.payments.add(payment())
            books.record(actor, "payment.created", "pay_1")
            raise ZeroDivisionError

    with shell(database_url) as sql:
        before = sql.everything()
        with pytest.raises(ZeroDivisionError):
            fail_late()
        assert sql.everything() == before


def test_a_payment_comes_back_whole(database: Database) -> None:
    """Proves that every field of a payment and its movements survives the database."""
    moved = (charge(6_000, fee_minor=200, operation_id="op_1"),)
    whole = payment(
        provider_payment_id="pi_1",
        stage=Stage.CAPTURED,
        order_reference="o1",
        description="käse",
        failure_code="c",
        failure_message="m",
        next_action_url="https://shop.example",
        next_check_at=START.replace(microsecond=999_999),
        capture=False,
        movements=moved,
    )
    with database.transaction() as books:
        books.payments.add(whole)
        books.payments.save_movement(whole, None, moved[0])
    with database.read() as books:
        assert books.payments.get("pay_1") == whole
        assert books.payments.contradictions() == []


def test_two_writers_from_one_version(database: Database) -> None:
    """Proves that the second save from the same state is refused and changes nothing."""
    with database.transaction() as books:
        books.payments.add(payment())
    first = payment(stage=Stage.SENT)
    with database.transaction() as books:
        assert books.payments.save(payment(), first).version == 2
    with pytest.raises(StaleVersion), database.transaction() as books:
        books.payments.save(payment(), payment(stage=Stage.CANCELLED))
    with database.read() as books:
        assert books.payments.get("pay_1").stage is Stage.SENT


def _fill(books: Books) -> None:
    books.payments.add(payment(order_reference="o1"))
    books.operations.add(operation(OperationKind.CREATE, state=OperationState.RECORDED))


def test_an_order_taken_is_named(database: Database) -> None:
    """Proves that a second payment of an order is refused, by the living one's id."""
    with database.transaction() as books:
        _fill(books)
    second = payment(payment_id="pay_2", order_reference="o1")
    with pytest.raises(AlreadyExists, match="pay_1"), database.transaction() as books:
        books.payments.add(second)
    with database.transaction() as books:
        books.payments.add(replace(second, mode="live"))


def test_a_key_taken_meanwhile_is_in_flight(database: Database) -> None:
    """Proves that the database itself lets one key stand for one operation only."""
    row = IdempotencyRow("create", "k", "f", "pay_1", "op_1", START)
    with database.transaction() as books:
        _fill(books)
        books.idempotency.add(row)
        assert books.idempotency.get("create", "k") == row
        assert books.idempotency.get("refund:pay_1", "k") is None
    with pytest.raises(IdempotencyInFlight), database.transaction() as books:
        books.idempotency.add(replace(row, fingerprint="g"))


@pytest.mark.parametrize("name", ["pay_1", "op_1", "pm_1", "txn_1", "run_1"])
def test_what_is_not_there_is_not_found(database: Database, name: str) -> None:
    """Proves that looking for nothing is an answer of its own kind."""
    with database.read() as books:
        looks = {
            "pay_1": books.payments.get,
            "op_1": books.operations.get,
            "pm_1": books.people.method,
            "txn_1": books.ledger.get_transaction,
            "run_1": books.runs.get,
        }
        with pytest.raises(NotFound):
            looks[name](name)


SECRET = "sk_live_canary"
BROKEN = {
    "check": f"UPDATE payments SET state = '{SECRET}'",
    "unique": "INSERT INTO customers VALUES ('a', :secret, 1), ('b', :secret, 1)",
    "foreign key": "INSERT INTO provider_customers VALUES ('s', 'a', 'test', :secret, 'x')",
    "type": "UPDATE payments SET version = CAST(:secret AS TEXT)",
    "trigger": "UPDATE payments SET currency = :secret",
    "null": "INSERT INTO customers VALUES (:secret, NULL, 1)",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_refusal_tells_no_values(database: Database, what: str) -> None:
    """Proves that broken money is an integrity error whose sentence holds nothing of the row."""
    with database.transaction() as books:
        books.payments.add(payment(description=SECRET))
    statement = BROKEN[what]
    values = {"secret": SECRET} if ":secret" in statement else {}
    with pytest.raises(IntegrityError) as refused, database.transaction() as books:
        books._connection.execute(text(statement), values)
    assert SECRET not in refused.value.message + str(refused.value)
    assert "\n" not in refused.value.message


def test_readers_do_not_wait_for_a_writer(
    database: Database, database_url: str, clock: SetClock
) -> None:
    """Proves that a new process reads at once, and the old state, while another one writes."""
    other = Database(database_url, clock, Ids(clock))
    with database.transaction() as books:
        books.payments.add(payment())
        started = time.monotonic()
        with other.read() as seen:
            assert seen.payments.find() == []
        assert time.monotonic() - started < 3
    with other.read() as seen:
        assert len(seen.payments.find()) == 1
    other.close()


def test_a_reader_sees_one_moment(database: Database) -> None:
    """Proves that what is committed while somebody reads does not appear in the middle."""
    with database.read() as before:
        assert before.payments.find() == []
        with database.transaction() as books:
            books.payments.add(payment())
        assert before.payments.find() == []
    with database.read() as after:
        assert len(after.payments.find()) == 1


def test_writers_queue_up(database: Database, database_url: str, clock: SetClock) -> None:
    """Proves that appends from several connections make sound chains, on SQLite one."""
    actor = Actor("tess", "tests")

    def write(number: int) -> None:
        own = Database(database_url, clock, Ids(clock))
        for i in range(5):
            with own.transaction() as books:
                books.record(actor, "test.done", f"pay_{number}_{i}")
        own.close()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    with database.read() as books:
        records = list(books.audit.records())
    assert len(records) == 20
    assert first_flaw(records) is None
    assert database.kind != "sqlite" or {r.chain for r in records} == {0}


def test_a_sqlite_file_that_stays_locked_is_busy(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a file somebody keeps locked ends in a sentence, with nothing written."""
    monkeypatch.setattr("db.engine._BUSY_TIMEOUT_MS", 50)
    monkeypatch.setattr("db.engine._SQLITE_PRAGMAS", ("busy_timeout=50",))
    database = Database(f"sqlite:///{tmp_path / 'books.db'}", clock, Ids(clock))
    database.upgrade()
    blocker = sqlite3.connect(tmp_path / "books.db", isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Busy, match="locked"), database.transaction() as books:
        books.payments.add(payment())
    blocker.close()
    with database.read() as books:
        assert books.payments.find() == []


def test_sqlite_is_set_up_for_money(tmp_path: Path, clock: SetClock) -> None:
    """Proves the settings that make a commit durable and references binding."""
    database = Database(f"sqlite:///{tmp_path / 'books.db'}", clock, Ids(clock))
    with database.transaction() as books:
        asked = {
            name: books._connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
        }
    assert asked == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
    }


def _modes(folder: Path) -> dict[str, int]:
    return {p.name: stat.S_IMODE(p.stat().st_mode) for p in [folder, *folder.iterdir()]}


def test_the_books_are_for_their_owner_only(tmp_path: Path, clock: SetClock) -> None:
    """Proves that the folder, the file and its journals can be read by nobody else."""
    folder = tmp_path / "home" / "tscli"
    old = os.umask(0)
    try:
        database = Database(f"sqlite:///{folder / 'books.db'}", clock, Ids(clock))
        with database.transaction() as books:
            books.payments.add(payment())
            assert _modes(folder) == {
                "tscli": 0o700,
                "books.db": 0o600,
                "books.db-wal": 0o600,
                "books.db-shm": 0o600,
            }
    finally:
        os.umask(old)


def test_an_open_file_is_closed_to_others(tmp_path: Path, clock: SetClock) -> None:
    """Proves that a file others could read is made private before it is used."""
    file = tmp_path / "books.db"
    file.touch(0o644)
    Database(f"sqlite:///{file}", clock, Ids(clock)).upgrade()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_is_no_place_for_the_books(tmp_path: Path, clock: SetClock) -> None:
    """Proves that the books are never written through a symbolic link."""
    (tmp_path / "books.db").symlink_to(tmp_path / "elsewhere.db")
    database = Database(f"sqlite:///{tmp_path / 'books.db'}", clock, Ids(clock))
    with pytest.raises(ConfigurationError, match="symbolic link"):
        database.upgrade()
    assert not (tmp_path / "elsewhere.db").exists()

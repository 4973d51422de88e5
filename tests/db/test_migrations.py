"""Upgrades: all of it or nothing, whatever interrupts them and whoever else is upgrading."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from db.database import Database
from db.migrations import dialect
from db.schema import TABLES
from domain.clock import SetClock
from domain.errors import PaymentsError
from domain.ids import Ids
from tests.db.attacks import shell
from tests.servers.postgres import PostgresServer

ROOT = Path(__file__).parents[2]

KILLED = """
import os, signal, sys
from datetime import datetime, UTC
from db.database import Database
from db.migrations import dialect
from db.schema import TABLES
from domain.clock import SetClock
from domain.ids import Ids
real, left = dialect.create_table, [8]
def create_table(name, body):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    real(name, body)
dialect.create_table = create_table
clock = SetClock(datetime(2026, 1, 1, tzinfo=UTC))
Database(sys.argv[1], clock, Ids(clock)).upgrade()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'books.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database()


def tables(url: str) -> list[str]:
    with shell(url) as sql:
        return sql.tables()


@pytest.mark.parametrize("step", [1, 8, len(TABLES), len(TABLES) + 1])
def test_an_interrupted_upgrade_leaves_nothing(
    empty_url: str, clock: SetClock, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Proves that an error in the middle leaves no table behind, and the next upgrade works."""
    real, left = dialect.create_table, step

    def failing(name: str, body: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise RuntimeError("the power is gone")
        real(name, body)

    monkeypatch.setattr("db.migrations.dialect.create_table", failing)
    database = Database(empty_url, clock, Ids(clock))
    if step <= len(TABLES):
        with pytest.raises(RuntimeError):
            database.upgrade()
        assert tables(empty_url) == []
        assert database.schema_status().current is None
    monkeypatch.undo()
    assert database.upgrade().up_to_date
    assert len(tables(empty_url)) == len(TABLES)
    database.close()


def test_a_killed_upgrade_leaves_nothing(empty_url: str, clock: SetClock) -> None:
    """Proves the same for a process that is killed while it creates tables."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", KILLED, empty_url], env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert tables(empty_url) == []
    database = Database(empty_url, clock, Ids(clock))
    assert database.upgrade().up_to_date
    database.close()


def test_two_upgrades_at_once(empty_url: str, clock: SetClock) -> None:
    """Proves that several processes may find an old schema: one upgrades, all can work."""
    start = threading.Barrier(4)
    ends: list[object] = []

    def upgrade() -> None:
        database = Database(empty_url, clock, Ids(clock))
        start.wait(timeout=20)
        try:
            ends.append(database.upgrade().up_to_date)
            with database.read() as books:
                ends.append(books.payments.find() == [])
        except PaymentsError as error:
            ends.append(error)
        database.close()

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert ends == [True] * 8


@pytest.mark.parametrize("content", [b"not a database, but long enough to be one" * 30, b"SQLite"])
def test_a_file_that_is_no_database_is_told(
    tmp_path: Path, clock: SetClock, content: bytes
) -> None:
    """Proves that a wrong file is an error in a sentence, and is not overwritten."""
    file = tmp_path / "books.db"
    file.write_bytes(content)
    database = Database(f"sqlite:///{file}", clock, Ids(clock))
    with pytest.raises(PaymentsError):
        database.upgrade()
    assert file.read_bytes() == content


def test_the_tables_are_strict(tmp_path: Path, clock: SetClock) -> None:
    """Proves that every SQLite table keeps only what its columns say."""
    url = f"sqlite:///{tmp_path / 'books.db'}"
    Database(url, clock, Ids(clock)).upgrade()
    connection = sqlite3.connect(tmp_path / "books.db")
    listed = connection.execute("PRAGMA table_list").fetchall()
    connection.close()
    ours = {row[1]: row[5] for row in listed if row[1] in tables(url)}
    assert len(ours) == len(TABLES)
    assert set(ours.values()) == {1}

"""A PostgreSQL server that crashes in the moment of a commit: what was lost is not called kept."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import RootTransaction, make_url

from db.database import Database
from domain.audit import Actor
from domain.clock import SetClock
from domain.errors import BooksUnavailable, OutcomeUnknown
from domain.ids import Ids
from tests.conftest import START
from tests.servers.postgres import NoPostgres, PostgresServer, bin_folders

_NUMBER = "SELECT pg_current_xact_id()::text::bigint"


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own: a crash ends everybody's connections."""
    try:
        with PostgresServer(bin_folders()) as opened:
            yield opened
    except NoPostgres as reason:
        pytest.skip(str(reason))


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Crash:
    """Kills the server process of the next commit, and lets somebody else take numbers as soon as
    the server is back."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._url = _plain(url)
        self._commit, self.numbers = RootTransaction.commit, list[int]()
        self._thread = threading.Thread(target=self._others)
        self.number = 0
        monkeypatch.setattr(RootTransaction, "commit", lambda running: self._instead(running))

    def _instead(self, running: RootTransaction) -> None:
        if not self.number:
            # Its records are not flushed yet, so after the crash its number is given again.
            asked = running.connection.exec_driver_sql(f"{_NUMBER}, pg_backend_pid()")
            self.number, pid = asked.one()
            os.kill(pid, signal.SIGKILL)
            self._thread.start()
            self._thread.join(timeout=30)
        self._commit(running)

    def _others(self) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until and max(self.numbers, default=0) < self.number:
            try:
                with psycopg.connect(self._url) as other:
                    (number,) = other.execute(
                        "SELECT pg_current_xact_id()::text::bigint"
                    ).fetchone() or (0,)
                    self.numbers.append(int(number))
            except psycopg.Error:
                time.sleep(0.02)


def _write(database: Database, actor: Actor, *, recorded: bool) -> None:
    with database.transaction() as books:
        if recorded:
            books.record(actor, "test.done", "x")
        else:
            books.leases.take(["x"], "me", START, START + timedelta(minutes=1))


@pytest.mark.parametrize("recorded", [True, False])
def test_a_number_that_came_again_is_no_proof(
    server: PostgresServer, clock: SetClock, actor: Actor, monkeypatch: pytest.MonkeyPatch,
    *, recorded: bool,
) -> None:  # fmt: skip
    """Proves that a transaction whose number was given to another one after a crash is not taken
    for committed; what has left no record to look for is said to be unknown."""
    url = server.create_database()
    database = Database(url, clock, Ids(clock))
    database.upgrade()
    with psycopg.connect(_plain(url), autocommit=True) as admin:
        admin.execute("CHECKPOINT")
    crash = Crash(url, monkeypatch)
    with pytest.raises(BooksUnavailable if recorded else OutcomeUnknown):
        _write(database, actor, recorded=recorded)
    assert max(crash.numbers) >= crash.number
    with database.read() as books:
        assert list(books.audit.records(subject="x")) == []
    database.close()


def test_statistics_that_somebody_resets_are_no_crash(
    server: PostgresServer, clock: SetClock, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a commit that still waits for a standby is not called undone because the sign of
    a crash was given by hand."""
    url = server.create_database()
    database = Database(url, clock, Ids(clock))
    database.upgrade()
    admin = psycopg.connect(_plain(url), autocommit=True)
    admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    admin.execute("SELECT pg_reload_conf()")
    committing = RootTransaction.commit

    def commit(running: RootTransaction) -> None:
        monkeypatch.setattr(RootTransaction, "commit", committing)
        driver = running.connection.connection.driver_connection
        assert driver is not None
        line = socket.socket(fileno=os.dup(driver.fileno()))
        threading.Thread(target=_reset_and_cut, args=(admin, line)).start()
        committing(running)

    with database.read():
        time.sleep(0.2)  # every server process has heard of the standby by now
    monkeypatch.setattr(RootTransaction, "commit", commit)
    _write(database, actor, recorded=True)
    with database.read() as books:
        assert len(list(books.audit.records(subject="x"))) == 1
    admin.close()
    database.close()


def _reset_and_cut(admin: "psycopg.Connection[Any]", line: socket.socket) -> None:
    waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    while admin.execute(waits).fetchone() is None:
        time.sleep(0.02)
    admin.execute("SELECT pg_stat_reset_shared('bgwriter')")
    line.shutdown(socket.SHUT_RDWR)
    line.close()

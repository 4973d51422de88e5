"""Books that cannot be written to for too long, while the provider answers: nothing is guessed."""

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from db.database import Database
from domain.clock import SetClock
from domain.errors import OutcomeUnknown, PaymentsError
from domain.ids import Ids
from domain.recovery import SweptAs
from providers.sandbox.faults import Fault, scripted
from tests.db.attacks import shell
from tests.servers.cutting import CuttingProxy
from tests.servers.postgres import PostgresServer
from tests.tscli.shop import Shop, open_shop
from tscli.services.sweep import ERROR_BUDGET, sweep


@dataclass
class BusyShop:
    """A shop whose books somebody else locks when a provider is asked."""

    shop: Shop
    blocker: sqlite3.Connection

    def lock_at(self, verb: str) -> None:
        """From the first request whose path ends so on."""

        def plan(request: httpx2.Request) -> Fault:
            if request.url.path.endswith(verb) and not self.blocker.in_transaction:
                self.blocker.execute("BEGIN IMMEDIATE")
            return Fault.NONE

        self.shop.plan = plan

    def unlock(self) -> None:
        """They are free again, and the leases of whoever could not let go have expired."""
        self.blocker.execute("ROLLBACK")
        self.shop.plan = scripted([])
        self.shop.clock.advance(timedelta(minutes=6))


@pytest.fixture
def busy(tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[BusyShop]:
    """Nobody waits for longer than a moment."""
    monkeypatch.setattr("db.engine._SQLITE_PRAGMAS", ("journal_mode=WAL", "busy_timeout=20"))
    database = Database(f"sqlite:///{tmp_path / 'books.db'}", clock, Ids(clock))
    shop = open_shop(database, clock, monkeypatch)
    blocker = sqlite3.connect(tmp_path / "books.db", isolation_level=None)
    yield BusyShop(shop, blocker)
    blocker.close()
    database.close()


def test_an_answer_that_cannot_be_written_down_is_no_failure(busy: BusyShop) -> None:
    """Proves that a payment that was taken is called unknown, with what settles it, and that the
    same words take nothing twice."""
    busy.lock_at("/confirm")
    with pytest.raises(OutcomeUnknown, match="not written down") as told:
        busy.shop.create(key="k", order_reference="o")
    (made,) = busy.shop.payments()
    assert made.payment_id in str(told.value.message)
    assert "recover sweep" in str(told.value.hint)
    assert "--idempotency-key k" in str(told.value.hint)
    assert busy.shop.moved() == [10_000]
    busy.unlock()
    busy.shop.create(key="k", order_reference="o")
    assert busy.shop.moved() == [10_000]
    busy.shop.prove()


def test_they_are_no_silent_provider(busy: BusyShop) -> None:
    """Proves that a sweep that cannot store its answers asks on, and leaves all as due as ever."""
    shop = busy.shop
    shop.plan = lambda request: (
        Fault.TIMEOUT_AFTER if request.method == "POST" else Fault.TIMEOUT_BEFORE
    )
    for number in range(ERROR_BUDGET + 3):
        with pytest.raises(PaymentsError):
            shop.create(key=f"k{number}")
    shop.clock.advance(timedelta(minutes=1))
    busy.lock_at("")
    done = asyncio.run(sweep(shop.context))
    assert {s.outcome for s in done} == {SweptAs.NOT_ASKED}
    assert all("locked" in s.why for s in done), done
    busy.unlock()
    assert {s.outcome for s in asyncio.run(sweep(shop.context))} == {SweptAs.SETTLED}
    shop.prove()


def test_a_sweep_ends_though_it_cannot_call_a_person(busy: BusyShop) -> None:
    """Proves that a payment old enough for an alarm is told as not asked, and as due as ever."""
    busy.shop.create(method="pm_card_threeDSecureRequired")
    busy.shop.clock.advance(timedelta(days=2))
    due = busy.shop.payments()[0].next_check_at
    busy.lock_at("")
    assert [s.outcome for s in asyncio.run(sweep(busy.shop.context))] == [SweptAs.NOT_ASKED]
    assert busy.shop.payments()[0].next_check_at == due


def test_books_that_go_away_in_the_middle_leave_the_outcome_unknown(
    postgres: PostgresServer, template: str, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves the same of a server that is gone when the answer is to be written down."""
    url = postgres.create_database(template)
    with CuttingProxy(url) as proxy, shell(url) as other:
        database = Database(proxy.url, clock, Ids(clock))
        shop = open_shop(database, clock, monkeypatch)

        def plan(request: httpx2.Request) -> Fault:
            if request.url.path.endswith("/confirm"):
                proxy.refusing = True
                other.run(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            return Fault.NONE

        shop.plan = plan
        with pytest.raises(OutcomeUnknown, match="not written down"):
            shop.create(key="k", order_reference="o")
        assert shop.moved() == [10_000]
        proxy.disarm()
        shop.plan = scripted([])
        clock.advance(timedelta(minutes=6))
        shop.create(key="k", order_reference="o")
        assert shop.moved() == [10_000]
        shop.prove()
        database.close()
    postgres.drop_database(url)

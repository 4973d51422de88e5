"""Books with money in them, made once for each kind of database and copied for each test."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from db.database import Database
from domain.clock import SetClock
from domain.ids import Ids
from tests.conftest import START
from tests.db.attacks import shell
from tests.servers.postgres import PostgresServer
from tests.tscli.shop import Shop


@dataclass
class Seeded:
    """The seeded databases of one test run, made when first asked for."""

    sqlite: str = ""
    postgresql: str = ""


@pytest.fixture(scope="session")
def seeded() -> Seeded:
    """What was made so far."""
    return Seeded()


@pytest.fixture(params=["sqlite", "postgresql"])
def seeded_original(
    request: pytest.FixtureRequest, seeded: Seeded, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Books with a captured, partly refunded payment (order o1) and an authorised one (o2).

    They are shared: for tests that leave them as they were.
    """
    if request.param == "sqlite":
        if not seeded.sqlite:
            seeded.sqlite = f"sqlite:///{tmp_path_factory.mktemp('seeded') / 'books.db'}"
            _seed(seeded.sqlite)
        return seeded.sqlite
    server: PostgresServer = request.getfixturevalue("postgres")
    if not seeded.postgresql:
        seeded.postgresql = server.create_database(request.getfixturevalue("template"))
        _seed(seeded.postgresql)
    return seeded.postgresql


@pytest.fixture
def seeded_url(
    seeded_original: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """A copy of those books for one test."""
    if seeded_original.startswith("sqlite"):
        copied = shutil.copy(seeded_original.removeprefix("sqlite:///"), tmp_path / "books.db")
        yield f"sqlite:///{copied}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database(seeded_original)
    yield url
    server.drop_database(url)


def _seed(url: str) -> None:
    clock = SetClock(START)
    database = Database(url, clock, Ids(clock))
    shop = Shop(database, clock)
    pay = shop.create(order_reference="o1", customer="c1").payment.payment_id
    shop.refund(pay, "60.00")
    shop.create("7.00", order_reference="o2", capture=False)
    shop.world.close()
    database.close()
    with shell(url) as opened:
        for statement in _MORE:
            opened.run(statement)


_MORE = (
    "INSERT INTO runs VALUES ('run_1', 'stripe', 'default', 'test', 'f', 1, 2, 3, 1, 0, '{}')",
    "INSERT INTO breaks (break_id, provider, account, mode, kind, provider_reference, currency,"
    " transaction_id, payment_id, state, first_run_id, last_run_id) VALUES"
    " ('brk_1', 'stripe', 'default', 'test', 'k', 'r', 'USD', '', '', 'open', 'run_1', 'run_1')",
    "INSERT INTO break_events VALUES ('brk_1', 1, 1, '', 'opened', '', 'run_1', '')",
    "INSERT INTO run_breaks VALUES ('run_1', 1, 'brk_1', '{}')",
    "INSERT INTO files VALUES"
    " ('fil_1', 'ledger', 'd', 'n', 'stripe', 'default', 'test', 1, 1, 'ledger', '{}')",
    "INSERT INTO lines VALUES ('fil_1', 0, 2, 'stripe', 'default', 'test', 'i', 'r', 's', '', '',"
    " '', '', 'charge', 'charge', 1, 'USD', 0, 1, 1, '')",
    "INSERT INTO line_facts VALUES ('stripe', 'default', 'test', 'i', 'payout', 'po', 'fil_1')",
    "INSERT INTO bank_lines VALUES ('fil_1', 0, 2, 'DE1', 'i', 'USD', 1, '2026-03-02', '', '', '',"
    " '', '')",
)
"""Rows of the tables that payments do not touch."""

"""Commands on the ledger and on breaks that meet: each decides by what the one before it left."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from db.database import Database
from domain.clock import SetClock
from domain.errors import StaleVersion
from domain.ids import Ids
from domain.ledger import Account
from domain.settlement import LineStatus
from tests.tscli.shop import Shop
from tests.tscli.waiting import Beside, until_waiting
from tscli.services.audit import check_books
from tscli.services.ledger import Imported, import_ledger, read_ledger, trial_balance

HEAD = "transaction_id,payment_id,kind,provider_reference,amount,currency,fee,status,occurred_at\n"
PENDING = "tx2,pay_2,charge,ch_2,50.00,USD,1.75,pending,2026-03-02T11:00:00Z\n"
SETTLED = PENDING.replace("pending", "succeeded")
OTHER = "tx9,pay_9,charge,ch_9,1.00,USD,0.00,succeeded,2026-03-02T11:00:00Z\n"


@pytest.fixture
def shops(database_url: str, clock: SetClock) -> Iterator[list[Shop]]:
    """The same books opened by two operators."""
    opened = [Database(database_url, clock, Ids(clock)) for _ in range(2)]
    yield [Shop(database, clock, seed=seed) for seed, database in enumerate(opened, 1)]
    for database in opened:
        database.close()


def _take_in(shop: Shop, folder: Path, *rows: str) -> Imported:
    """Import a ledger file of these rows."""
    path = folder / f"ledger-{shop.seed}-{len(rows)}.csv"
    path.write_text(HEAD + "".join(rows))
    return import_ledger(shop.context, shop.owner, read_ledger(path))


def test_two_imports_at_once_post_a_line_once(
    shops: list[Shop], database: Database, database_url: str, tmp_path: Path
) -> None:
    """Proves that of two files which both say how a line ended one posts it, and the other finds
    it recorded."""
    _take_in(shops[0], tmp_path, PENDING)
    with database.transaction() as books:
        if database.kind == "postgresql":  # what both will write is held, not what they read
            held = text("SELECT 1 FROM transactions WHERE transaction_id = 'tx2' FOR UPDATE")
            books.ledger._connection.execute(held)
        both = [
            Beside(lambda: _take_in(shops[0], tmp_path, SETTLED, OTHER)),
            Beside(lambda: _take_in(shops[1], tmp_path, SETTLED)),
        ]
        until_waiting(database_url, 2)
    ends = [one.end() for one in both]
    assert [type(end) for end in ends] == [Imported] * 2, ends
    assert sum(end.known for end in ends) == 1
    with database.read() as books:
        assert len(books.ledger.of_transaction("tx2")) == 1
    held_there = [
        row.balance_minor
        for row in trial_balance(shops[0].context)
        if row.ledger_account is Account.PROVIDER_BALANCE
    ]
    assert held_there == [4_825 + 100]
    assert check_books(shops[0].context) == []


def test_a_line_is_settled_as_it_was_read_or_not_at_all(
    shops: list[Shop], database: Database, tmp_path: Path
) -> None:
    """Proves that whoever holds an older state of a line cannot write over how it ended."""
    shop = shops[0]
    _take_in(shop, tmp_path, PENDING)
    with database.read() as books:
        before = books.ledger.get_transaction("tx2")
    _take_in(shop, tmp_path, SETTLED, OTHER)
    with database.read() as books:
        after = books.ledger.get_transaction("tx2")
    with pytest.raises(StaleVersion), database.transaction() as books:
        books.ledger.settle_transactions([(before, after)])
    assert after.status is LineStatus.SUCCEEDED

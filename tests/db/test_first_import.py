"""A table filled for the first time has no statistics: its look-ups must not suffer from that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from db.bulk import insert_rows
from db.database import Books, Database
from db.schema import lines
from domain.clock import SetClock
from domain.errors import IntegrityError, Unavailable
from domain.ids import Ids
from domain.provider import ProviderAccount
from reconcile.stretches import columns_of_csv
from tests.db.attacks import shell
from tests.servers.postgres import PostgresServer

OWNER = ProviderAccount("stripe", "default", "test")
_OWNED = {"provider": "stripe", "account": "default", "mode": "test", "file_id": "fil_none"}
KEPT, ASKED, TIMES = 4_000, 500, 12


@pytest.fixture
def books(postgres: PostgresServer, template: str, clock: SetClock) -> Iterator[Books]:
    """One transaction on empty books."""
    url = postgres.create_database(template)
    database = Database(url, clock, Ids(clock))
    with database.transaction() as opened:
        yield opened
    database.close()
    postgres.drop_database(url)


def _line(number: int) -> dict[str, Any]:
    return {
        "identity": f"{number:032x}", "ordinal": number, "line": number + 2, "description": "",
        "reference": f"txn_{number}", "source": f"ch_{number}", "parent": "", "ours": "",
        "payout": "", "bank_reference": "", "category": "charge", "kind": "charge",
        "amount_minor": 100, "currency": "USD", "fee_minor": 3, "net_minor": 97,
        "occurred_at": number,
    }  # fmt: skip


def _read(books: Books, table: str = "lines") -> int:
    """Rows of a table that this transaction has read so far, by whatever plan."""
    query = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = :t"
    return int(books.statements._connection.execute(text(query), {"t": table}).scalar_one())


def test_a_look_up_reads_the_lines_it_names_and_no_others(books: Books) -> None:
    """Proves that the thousandth batch of an import costs what the first one did: names that are
    not kept read nothing, names that are kept read themselves, prepared or not."""
    books.statements._connection.execute(
        text("INSERT INTO files (file_id, purpose, digest, name, provider, account, mode, rows,"
             " imported_at) VALUES ('fil_1', 'statement', 'd', 'n', 'stripe', 'default', 'test',"
             " 1, 1)")
    )  # fmt: skip
    rows = [_line(number) for number in range(KEPT)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    assert books.statements.add_lines(OWNER, "fil_1", [columns], lambda row, _: row) == KEPT
    for _ in range(TIMES):
        before = _read(books)
        strangers = [f"{number:032x}" for number in range(KEPT, KEPT + ASKED)]
        assert books.statements._known(OWNER, strangers) == ({}, set())
        assert _read(books) == before
        money, _ = books.statements._known(OWNER, [f"{number:032x}" for number in range(ASKED)])
        assert len(money) == ASKED
        assert _read(books) == before + ASKED


def test_references_are_found_without_reading_the_account(books: Books) -> None:
    """Proves the same of our own transactions: as many strangers as a file may name read none."""
    connection = books.statements._connection
    connection.execute(
        text("INSERT INTO transactions SELECT 'txn_' || n, 'pay_' || n, 'stripe', 'default',"
             " 'test', 'charge', 'ch_' || n, 100, 'USD', 3, 'succeeded', n, 'import', NULL"
             f" FROM generate_series(1, {KEPT}) AS g (n)")
    )  # fmt: skip
    for _ in range(TIMES):
        before = _read(books, "transactions")
        strangers = [f"re_{number}" for number in range(ASKED)]
        assert books.statements.payments_of(OWNER, strangers) == {}
        assert _read(books, "transactions") == before
        found = books.statements.payments_of(OWNER, ["ch_1", "ch_2"])
        assert found == {"ch_1": "pay_1", "ch_2": "pay_2"}
        assert _read(books, "transactions") == before + 2
    other = ProviderAccount("stripe", "other", "test")
    assert books.statements.payments_of(other, ["ch_1"]) == {}


def test_sqlite_looks_references_up_by_themselves(tmp_path: Path, clock: SetClock) -> None:
    """Proves that a file's books, which have no statistics either, take the index of references."""
    database = Database(f"sqlite:///{tmp_path / 'books.db'}", clock, Ids(clock))
    sent: list[tuple[str, Any]] = []
    with database.read() as books:
        connection = books.statements._connection
        event.listen(connection, "before_cursor_execute", lambda *w: sent.append((w[2], w[3])))
        books.statements.payments_of(OWNER, ["ch_1", "ch_2"])
        statement, values = sent[-1]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        assert "transactions_reference (provider_reference=?)" in "\n".join(r[3] for r in plan)
    database.close()


def _cut_off(books: Books, url: str, rows: list[dict[str, Any]]) -> None:
    """Rows in bulk over a connection that the server has ended."""
    connection = books.statements._connection
    own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with shell(url) as other:
        other.run("SELECT pg_terminate_backend(?)", own)
    insert_rows(connection, lines, rows)


def test_what_the_server_refuses_in_bulk_is_said_in_our_words(
    postgres: PostgresServer, template: str, clock: SetClock
) -> None:
    """Proves that rows sent by COPY fail as single ones do: a constraint as broken books, a lost
    connection as a database that did not answer; nothing of either is kept."""
    url = postgres.create_database(template)
    database = Database(url, clock, Ids(clock))
    rows = [{**_line(number), **_OWNED} for number in range(3)]
    with pytest.raises(IntegrityError), database.transaction() as books:
        insert_rows(books.statements._connection, lines, rows)  # of a file that is not there
    with pytest.raises(Unavailable):
        database.run(lambda books: _cut_off(books, url, rows))
    with database.read() as books:
        assert list(books.statements.columns(OWNER, None, None, columns_of_csv)) == []
    database.close()
    postgres.drop_database(url)

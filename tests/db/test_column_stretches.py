"""Rows read in bulk, as text from PostgreSQL and as lists from SQLite, are the same rows."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import insert, select, text

from db import bulk
from db.bulk import have_grown
from db.database import Books, Database
from db.postgresql import Limits
from db.schema import files, lines, transactions
from db.statements import LINE_COLUMNS
from domain.clock import SetClock, from_micros
from domain.errors import Unavailable
from domain.ids import Ids
from domain.provider import ProviderAccount
from reconcile.stretches import columns_of_csv
from tests.db.attacks import shell
from tests.servers.postgres import PostgresServer

OWNER = ProviderAccount("stripe", "default", "test")
_OWNED = {"provider": OWNER.provider, "account": OWNER.account, "mode": OWNER.mode}
ODD = (
    "", " ", "plain", 'a "word"', '"', '""', "a,b", "a;b\tc", "line\nbreak", "line\r\nbreak", "\r",
    "ünï", "日本語 🙂", "NULL", "null", "\\N", "\\.", "\\", "'", "%s %% %(a)s", "\x1f",
    "-", "01",
)  # fmt: skip
"""Texts that a format in between could take for something else."""
LARGEST = 2**63 - 1

Slow = Callable[[bytes, Any], Mapping[str, Any]]


@pytest.fixture
def books(database_url: str, clock: SetClock) -> Iterator[Database]:
    """Books with a line and a transaction for every odd text."""
    database = Database(database_url, clock, Ids(clock), limits=Limits(statement_seconds=1))
    database.upgrade()
    file = {"file_id": "fil_1", "purpose": "statement", "digest": "d", "name": "n", **_OWNED,
            "rows": 1, "imported_at": 1, "format": "f", "document": "{}"}  # fmt: skip
    with database.transaction() as opened:
        connection = opened.statements._connection
        connection.execute(insert(files), file)
        connection.execute(insert(lines), [_line(n, odd) for n, odd in enumerate(ODD)])
        connection.execute(insert(transactions), [_ours(n, odd) for n, odd in enumerate(ODD)])
    yield database
    database.close()


def _line(number: int, odd: str) -> dict[str, Any]:
    texts = ("source", "parent", "ours", "payout", "bank_reference", "category", "description")
    return {
        **_OWNED, **dict.fromkeys(texts, odd), "file_id": "fil_1", "ordinal": number,
        "line": number + 2, "identity": f"{number:032x}", "reference": f"{odd}{number}",
        "kind": ("charge", "")[number % 2], "amount_minor": (LARGEST, -LARGEST)[number % 2],
        "currency": ("EUR", "BHD")[number % 2], "fee_minor": -number, "net_minor": number,
        "occurred_at": number,
    }  # fmt: skip


def _ours(number: int, odd: str) -> dict[str, Any]:
    return {
        **_OWNED, "transaction_id": f"txn_{odd}{number}", "payment_id": (None, odd)[number % 2],
        "kind": "charge", "provider_reference": odd, "amount_minor": number + 1, "currency": "EUR",
        "fee_minor": (None, number)[number % 2], "status": "succeeded", "occurred_at": number,
        "origin": "import", "operation_id": None,
    }  # fmt: skip


def _rows(stretches: Iterator[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Columns as rows of plain values, in no order."""
    found = []
    for part in stretches:
        plain = [v.to_pylist() if isinstance(v, pa.Array) else v for v in part.values()]
        found += [dict(zip(part, cells, strict=True)) for cells in zip(*plain, strict=True)]
    return sorted(found, key=lambda row: row["occurred_at"])


def _lines(opened: Books, of_csv: Slow = columns_of_csv) -> list[dict[str, Any]]:
    return _rows(opened.statements.columns(OWNER, None, None, of_csv))


@pytest.mark.parametrize("stretch", [1, 7, 1_000])
def test_what_is_read_in_bulk_is_what_is_there(
    books: Database, monkeypatch: pytest.MonkeyPatch, stretch: int
) -> None:
    """Proves of texts of every sort, of the largest amounts and of what is not known, that each
    comes as it was kept, wherever stretches end."""
    monkeypatch.setattr(bulk, "_STRETCH", stretch)
    monkeypatch.setattr(bulk, "_TEXT_BYTES", 100 * stretch)
    with books.read() as opened:
        kept = opened.statements._connection.execute(select(lines).order_by(lines.c.occurred_at))
        names = (*LINE_COLUMNS, "description")
        wanted = [{n: getattr(row, n) for n in names} | {"file": "fil_1"} for row in kept]
        assert _lines(opened) == wanted
        ours = _rows(opened.ledger.columns(OWNER, from_micros(0), from_micros(100), columns_of_csv))
    assert [row["provider_reference"] for row in ours] == list(ODD)
    assert [row["payment_id"] for row in ours] == [
        (odd, "")[n % 2 == 0] for n, odd in enumerate(ODD)
    ]
    assert [row["fee_minor"] for row in ours] == [n * (n % 2) for n in range(len(ODD))]


def test_nothing_is_no_stretch(books: Database) -> None:
    """Proves that no rows are no columns, not empty ones."""
    other = ProviderAccount("paypal", "default", "test")
    with books.read() as opened:
        assert list(opened.statements.columns(other, None, None, columns_of_csv)) == []


def test_reading_all_rows_may_take_longer_than_a_statement(
    postgres: PostgresServer, template: str, clock: SetClock
) -> None:
    """Proves that the limit of statements is lifted for it alone."""
    url = postgres.create_database(template)
    database = Database(url, clock, Ids(clock), limits=Limits(statement_seconds=1))
    with database.read() as opened:
        connection = opened.statements._connection
        query = select(text("pg_sleep(0.3) FROM generate_series(1, 5)"))
        assert b"".join(bulk._copied_out(connection, query)).splitlines() == [b'""'] * 5
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "1s"
    database.close()
    postgres.drop_database(url)


def _fails_after_one(_opened: Books) -> None:
    """Whoever reads fails with the first rows."""
    for _ in _opened.statements.columns(OWNER, None, None, columns_of_csv):
        raise KeyboardInterrupt


def test_who_fails_while_reading_leaves_a_connection_that_works(
    books: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a view of which half was read ends at once, and so does a change."""
    monkeypatch.setattr(bulk, "_STRETCH", 1)
    monkeypatch.setattr(bulk, "_TEXT_BYTES", 1)
    for view in (books.read, books.transaction):
        with pytest.raises(KeyboardInterrupt), view() as opened:
            _fails_after_one(opened)
        with view() as opened:
            assert len(_lines(opened)) == len(ODD)


def test_others_are_asked_while_rows_are_read(
    books: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that both sides may be read in turn, and rows looked up between them."""
    monkeypatch.setattr(bulk, "_STRETCH", 1)
    monkeypatch.setattr(bulk, "_TEXT_BYTES", 1)
    with books.read() as opened:
        theirs = opened.statements.columns(OWNER, None, None, columns_of_csv)
        ours = opened.ledger.columns(OWNER, from_micros(0), from_micros(100), columns_of_csv)
        for _ in zip(theirs, ours, strict=True):
            assert opened.statements.count(OWNER, None, None) == len(ODD)


def _read_when_lost(books: Books, url: str) -> None:
    """Rows that are to be read when the server has ended the connection."""
    connection = books.statements._connection
    own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    query = select(text("repeat('x', 1000) FROM generate_series(1, 100000)"))
    many = bulk._copied_out(connection, query)
    with shell(url) as other:
        other.run("SELECT pg_terminate_backend(?)", own)
    list(many)


def test_a_connection_lost_is_told(
    postgres: PostgresServer, template: str, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that no rows are never taken for all of them."""
    monkeypatch.setattr(bulk, "_TEXT_BYTES", 1)
    url = postgres.create_database(template)
    database = Database(url, clock, Ids(clock))
    with pytest.raises(Unavailable), database.read() as opened:
        _read_when_lost(opened, url)
    database.close()
    postgres.drop_database(url)


def test_a_table_that_has_grown_is_looked_at(
    books: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that the planner knows of the rows of an import at once, not when it comes by."""
    monkeypatch.setattr(bulk, "_MANY", len(ODD))
    with books.transaction() as opened:
        have_grown(opened.statements._connection, len(ODD), lines, transactions)
        if books.kind == "postgresql":
            known = "SELECT reltuples FROM pg_class WHERE relname = 'lines'"
            assert opened.statements._connection.execute(text(known)).scalar_one() == len(ODD)

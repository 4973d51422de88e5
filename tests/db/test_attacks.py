"""Direct SQL against the books: the database itself refuses what would be broken money."""

from collections.abc import Iterator

import pytest

from tests.db.attacks import Refused, Shell, shell

PERMANENT = (
    "audit", "entries", "postings", "idempotency", "run_breaks", "runs", "files", "lines",
    "line_facts", "bank_lines", "break_events",
)  # fmt: skip
KEPT = ("payments", "operations", "transactions")
UNIQUE = {
    "audit": "audit_id",
    "entries": "kind",
    "postings": "currency",
    "idempotency": "fingerprint",
    "run_breaks": "document",
    "runs": "document",
    "files": "name",
    "lines": "source",
    "line_facts": "value",
    "bank_lines": "counterparty",
    "break_events": "note",
    "payments": "description",
    "operations": "reason",
    "transactions": "occurred_at",
}
"""A column of each table that an attacker would like to change."""

KEYS = (
    "audit_id", "entry_id", "operation_id", "transaction_id", "payment_id", "run_id", "file_id",
    "scope", "fingerprint", "digest", "provider_reference", "order_reference",
    "provider_payment_id", "identity", "number",
)  # fmt: skip
"""Columns that make a row another one."""


@pytest.fixture
def books(seeded_original: str) -> Iterator[Shell]:
    """Books with a row in every table that holds money or its history."""
    with shell(seeded_original) as opened:
        yield opened


def refused(books: Shell, statement: str, *values: object) -> None:
    """Run a statement that must be refused and leave everything as it was."""
    before = books.everything()
    with pytest.raises(Refused):
        books.run(statement, *values)
    assert books.everything() == before


@pytest.mark.parametrize("table", PERMANENT)
def test_permanent_rows_never_change(books: Shell, table: str) -> None:
    """Proves that history can be neither rewritten, nor deleted, nor emptied at once."""
    column = UNIQUE[table]
    refused(books, f"UPDATE {table} SET {column} = {column}")
    refused(books, f"UPDATE {table} SET {column} = ?", "2" if column != "document" else "[]")
    refused(books, f"DELETE FROM {table}")
    if books.kind != "sqlite":
        refused(books, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", KEPT)
def test_money_rows_are_never_deleted(books: Shell, table: str) -> None:
    """Proves that payments, their operations and their movements stay."""
    refused(books, f"DELETE FROM {table}")
    if books.kind != "sqlite":
        refused(books, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", [*PERMANENT, *KEPT])
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE INTO", "REPLACE INTO"])
def test_no_row_is_replaced(books: Shell, table: str, verb: str) -> None:
    """Proves that deleting without a trigger is closed, by key and by SQLite's row number."""
    if books.kind != "sqlite":
        pytest.skip("PostgreSQL has no such statement")
    before = books.everything()
    with pytest.raises(Refused):
        books.copy(table, verb)
    fresh = {name: f"new-{name}" for name in KEYS if name in books.columns(table)}
    fresh |= {"seq": 99, "hash": "e" * 64} if table == "audit" else {}
    fresh |= {"line": 99} if table == "postings" else {}
    rowid = books.one(f"SELECT min(rowid) FROM {table}")
    with pytest.raises(Refused):
        books.copy(table, verb, rowid=rowid, **fresh)
    assert books.everything() == before


@pytest.mark.parametrize("column", ["provider_payment_id", "order_reference", "rowid"])
def test_no_payment_is_pushed_out_by_another(books: Shell, column: str) -> None:
    """Proves that an update cannot delete another payment whose key it takes."""
    if books.kind != "sqlite":
        pytest.skip("PostgreSQL has no such statement")
    taken = books.one(f"SELECT {column} FROM payments WHERE order_reference = 'o1'")
    statement = f"UPDATE OR REPLACE payments SET {column} = ? WHERE order_reference = 'o2'"
    refused(books, statement, taken)


@pytest.mark.parametrize("table", ["operations", "transactions"])
def test_no_row_takes_the_place_of_another(books: Shell, table: str) -> None:
    """Proves the same for the rows beside a payment."""
    if books.kind != "sqlite":
        pytest.skip("PostgreSQL has no such statement")
    refused(books, f"UPDATE OR REPLACE {table} SET rowid = 1 WHERE rowid = 2")


TERMS = {
    "payments": (
        "payment_id", "provider", "account", "mode", "amount_minor", "currency",
        "order_reference", "method_token",
    ),
    "operations": ("operation_id", "payment_id", "kind", "amount_minor", "operator"),
    "transactions": (
        "transaction_id", "payment_id", "provider", "account", "mode", "kind",
        "provider_reference", "amount_minor", "currency", "origin",
    ),
}  # fmt: skip
OTHER = {
    "amount_minor": 7,
    "currency": "EUR",
    "mode": "live",
    "kind": "payout",
    "origin": "import",
}


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, cs in TERMS.items() for c in cs])
def test_the_terms_of_money_are_permanent(books: Shell, table: str, column: str) -> None:
    """Proves that whose money it is and how much cannot be changed afterwards."""
    refused(books, f"UPDATE {table} SET {column} = ?", OTHER.get(column, "other"))


BROKEN = [
    ("payments", "captured_minor", -1),
    ("payments", "captured_minor", 10_001),
    ("payments", "refunded_minor", -1),
    ("payments", "refunded_minor", 10_001),
    ("payments", "disputed_minor", -1),
    ("payments", "disputed_minor", 10_001),
    ("payments", "stage", 11),
    ("payments", "stage", -1),
    ("payments", "stage", 3),
    ("payments", "state", "paid"),
    ("payments", "state", "failed"),
    ("payments", "state", "pending"),
    ("payments", "capture", 2),
    ("payments", "version", 0),
    ("payments", "amount_minor", 10**15),
    ("operations", "state", "maybe"),
    ("operations", "attempt", 0),
    ("transactions", "status", "paid"),
    ("transactions", "fee_minor", 10**15),
]


@pytest.mark.parametrize(("table", "column", "value"), BROKEN)
def test_broken_values_are_refused(books: Shell, table: str, column: str, value: object) -> None:
    """Proves that no update makes amounts negative or too large, or states unknown or untrue."""
    where = "order_reference = 'o1'" if table == "payments" else "1 = 1"
    refused(books, f"UPDATE {table} SET {column} = ? WHERE {where}", value)


INTEGERS = {
    "payments": ("captured_minor", "refunded_minor", "stage", "version", "created_at"),
    "operations": ("attempt", "updated_at", "sent_at"),
    "transactions": ("fee_minor", "occurred_at"),
}


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, cs in INTEGERS.items() for c in cs])
@pytest.mark.parametrize("value", ["12.50", "many", "1,000", ""])
def test_text_is_no_number(books: Shell, table: str, column: str, value: str) -> None:
    """Proves that integer columns keep integers and nothing that looks like one."""
    before = books.everything()
    with pytest.raises(Refused):
        books.change(table, column, value)
    assert books.everything() == before


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("payments", {"payment_id": "p", "provider_payment_id": "x", "amount_minor": 0}),
        ("payments", {"payment_id": "p", "provider_payment_id": "x", "currency": "usd"}),
        ("payments", {"payment_id": "p", "provider_payment_id": "x", "mode": "real"}),
        ("payments", {"payment_id": "p", "provider_payment_id": "x", "order_reference": "o2"}),
        ("payments", {"payment_id": "p", "order_reference": None}),
        ("payments", {"payment_id": "p", "provider_payment_id": "x", "customer_id": "cus_x"}),
        ("operations", {"operation_id": "o", "payment_id": "pay_x"}),
        ("operations", {"operation_id": "o", "amount_minor": 0}),
        ("operations", {"operation_id": "o", "state": "sending", "sent_at": None}),
        ("transactions", {"transaction_id": "t"}),
        ("transactions", {"transaction_id": "t", "provider_reference": "x", "kind": "gift"}),
        ("entries", {"entry_id": "e", "audit_id": "aud_x"}),
        ("entries", {"entry_id": "e", "transaction_id": "txn_x"}),
        ("entries", {"entry_id": "e", "kind": "gift"}),
        ("postings", {"line": 9, "amount_minor": 0}),
        ("postings", {"line": 9, "amount_minor": -5}),
        ("postings", {"line": 9, "source": "fees", "destination": "fees"}),
        ("postings", {"line": 9, "source": "pocket"}),
        ("postings", {"line": 9, "entry_id": "ent_x"}),
        ("postings", {"line": 0}),
        ("idempotency", {"key": "k2", "operation_id": "op_x"}),
        ("audit", {"seq": 0, "audit_id": "a", "hash": "e" * 64}),
        ("audit", {"seq": 99, "audit_id": "a", "hash": "short"}),
        ("audit", {"seq": 99, "audit_id": "a"}),
    ],
    ids=str,
)
def test_broken_rows_are_refused(books: Shell, table: str, changes: dict[str, object]) -> None:
    """Proves that no row enters with money, owners, kinds or references that cannot be."""
    if books.kind == "sqlite":
        books.run("PRAGMA foreign_keys = ON")
    before = books.everything()
    with pytest.raises(Refused):
        books.copy(table, **changes)
    assert books.everything() == before


def test_an_order_has_one_living_payment(seeded_url: str) -> None:
    """Proves that a second open payment of one order is refused, and a dead one is not."""
    with shell(seeded_url) as books:
        _pay_twice(books)


def _pay_twice(books: Shell) -> None:
    words = {"payment_id": "p", "provider_payment_id": "x", "captured_minor": 0}
    words |= {"refunded_minor": 0, "stage": 2, "state": "processing", "order_reference": "o1"}
    with pytest.raises(Refused):
        books.copy("payments", **words)
    books.copy("payments", **words | {"stage": 9, "state": "failed"})
    with pytest.raises(Refused):
        books.run("UPDATE payments SET stage = 10, state = 'succeeded' WHERE payment_id = 'p'")

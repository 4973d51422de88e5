"""Every list and every sweep finds its rows by an index: the databases' own plans say so.

The statements are those that the repositories really send, caught on their way. PostgreSQL is told
to avoid reading whole tables, so where its plan still does, no index could help.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from db.database import Books, Database
from domain.break_life import BreakFilter, BreakState
from domain.clock import SetClock
from domain.ids import Ids
from domain.provider import ProviderAccount
from domain.run import Period
from domain.stored_event import EventFilter
from domain.webhook import EventState
from reconcile.stretches import columns_of_csv

OWNER = ProviderAccount("stripe", "default", "test")
NOW = datetime(2026, 3, 4, tzinfo=UTC)
DAY = Period(NOW - timedelta(days=1), NOW, "UTC")

GROWING = {
    "payments", "operations", "idempotency", "events", "audit", "transactions", "entries",
    "postings", "breaks", "run_breaks", "break_events", "webhook_events", "webhook_attempts",
    "webhook_refusals", "webhook_bodies", "lines", "line_facts", "bank_lines", "reviews",
    "archive", "files", "runs", "approvals", "leases", "payment_methods", "customers",
}  # fmt: skip
"""Tables that grow with the business; the others are small for ever."""

READS: dict[str, Callable[[Books], object]] = {
    "payments list": lambda b: b.payments.find(limit=50),
    "payments list by state": lambda b: b.payments.find(state="failed", limit=50),
    "payments list after": lambda b: b.payments.find(after="pay_1", limit=50),
    "payments search": lambda b: b.payments.find(search="ch_1"),
    "payment by order": lambda b: b.payments.by_order("test", "o1"),
    "payments known": lambda b: b.payments.known(OWNER, ["pi_1"]),
    "sweep payments": lambda b: b.payments.unsettled(),
    "sweep operations": lambda b: b.operations.unfinished(),
    "operations of a payment": lambda b: b.operations.of_payment("pay_1"),
    "key": lambda b: b.idempotency.get("create", "k"),
    "key of any scope": lambda b: b.idempotency.find("k"),
    "methods": lambda b: b.people.methods(None, removed=False, limit=50),
    "methods of a customer": lambda b: b.people.methods("cus_1", removed=False, limit=50),
    "lease": lambda b: b.leases.holder("payment:1", NOW),
    "ledger list": lambda b: b.ledger.transactions(limit=50),
    "ledger of an account": lambda b: b.ledger.transactions(OWNER, start=NOW, end=NOW, limit=50),
    "ledger of a payment": lambda b: b.ledger.transactions(payment_id="pay_1"),
    "ledger columns": lambda b: list(b.ledger.columns(OWNER, NOW, NOW, columns_of_csv)),
    "entries of a transaction": lambda b: b.ledger.of_transaction("txn_1"),
    "inbox": lambda b: b.inbox.find(EventFilter(), limit=50),
    "inbox by state": lambda b: b.inbox.find(EventFilter(state=EventState.DEAD), limit=50),
    "inbox of a payment": lambda b: b.inbox.find(EventFilter(payment_id="pay_1"), limit=50),
    "inbox due": lambda b: b.inbox.due(NOW, 50),
    "inbox known": lambda b: b.inbox.known(OWNER, ["evt_1"]),
    "refused deliveries": lambda b: b.inbox.refused(NOW),
    "queue": lambda b: b.reviews.find(limit=50),
    "reviews of a payment": lambda b: b.reviews.find(payment_id="pay_1"),
    "approvals": lambda b: b.approvals.find(limit=50),
    "breaks open": lambda b: b.breaks.find(BreakFilter(state=BreakState.OPEN), 50),
    "breaks of a kind": lambda b: b.breaks.find(BreakFilter(kind="timing"), 50),
    "breaks of an account": lambda b: b.breaks.open_of(OWNER, NOW),
    "breaks known": lambda b: b.breaks.known(["brk_1"]),
    "break events": lambda b: b.breaks.events("brk_1"),
    "runs": lambda b: b.runs.find(10),
    "run by fingerprint": lambda b: b.runs.by_fingerprint("f"),
    "lines": lambda b: list(b.statements.columns(OWNER, NOW, NOW, columns_of_csv)),
    "bank lines": lambda b: b.statements.deposits("2026-03-01", "2026-03-02"),
    "lines by identity": lambda b: b.statements._known(OWNER, ["a", "b"]),
    "payments of references": lambda b: b.statements.payments_of(OWNER, ["a", "b"]),
    "file": lambda b: b.statements.file_id("export", "d", OWNER),
    "audit newest": lambda b: list(b.audit.records(newest=50)),
    "audit of a subject": lambda b: list(b.audit.records(subject="pay_1", newest=50)),
    "audit heads": lambda b: b.audit.heads(),
    "moved": lambda b: b.figures.moved("test", DAY),
    "payments of a day": lambda b: b.figures.payments("test", DAY),
    "failures of a day": lambda b: b.figures.failures("test", DAY),
    "durations of a day": lambda b: b.figures.durations("test", DAY),
    "keys of a day": lambda b: b.figures.keys("test", DAY),
    "events of a day": lambda b: b.figures.events("test", DAY),
    "acts of a day": lambda b: b.figures.acts(DAY),
}


@pytest.fixture
def books(database_url: str, clock: SetClock) -> Iterator[Database]:
    """Empty books of either kind, up to date."""
    database = Database(database_url, clock, Ids(clock))
    database.upgrade()
    yield database
    database.close()


def _whole_tables(connection: Any, statement: str, values: Any) -> list[str]:
    """Steps of a plan that read a growing table from end to end: without an index, or along a whole
    one. A page of a list may go along one, and so may whoever reads a partial one, which holds only
    what is open."""
    whole = _sqlite_steps if connection.dialect.name == "sqlite" else _postgresql_steps
    return list(whole(connection, statement, values))


def _sqlite_steps(connection: Any, statement: str, values: Any) -> Iterator[str]:
    made = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE sql LIKE '% WHERE %'")
    partial = set(made.scalars())
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    steps = [row[3] for row in plan]
    paged = "LIMIT" in statement and "USE TEMP B-TREE FOR ORDER BY" not in steps
    for step in steps:
        words = step.split()
        if words[0] != "SCAN" or words[1] not in GROWING:
            continue
        along = words[words.index("INDEX") + 1] if "INDEX" in words else ""
        if not along or not (along in partial or paged):
            yield step


def _postgresql_steps(connection: Any, statement: str, values: Any) -> Iterator[str]:
    query = "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL"
    partial = set(connection.exec_driver_sql(query).scalars())
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
    for node, paged in _nodes(plan[0]["Plan"], paged=False):
        kind, index = node["Node Type"], node.get("Index Name", "")
        table = node.get("Relation Name", "")
        if kind == "Seq Scan" and table in GROWING:
            yield f"{kind} on {table}"
        if "Index" in kind and "Index Cond" not in node and not paged and index not in partial:
            yield f"{kind} along {index}"


def _nodes(node: dict[str, Any], *, paged: bool) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every step, and whether it ends as soon as a page is full."""
    paged = (paged and node["Node Type"] != "Sort") or node["Node Type"] == "Limit"
    yield node, paged
    for child in node.get("Plans", ()):
        yield from _nodes(child, paged=paged)


@pytest.mark.parametrize("name", READS)
def test_a_read_finds_its_rows_by_an_index(
    books: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that none of them reads a whole table, however large it grows."""
    sent: list[tuple[str, Any]] = []
    # What is read past SQLAlchemy sends the same query.
    for table in ("ledger", "statements"):
        monkeypatch.setattr(f"db.{table}.column_stretches", lambda c, query, *_: c.execute(query))

    def catch(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        sent.append((statement, values))

    with books.read() as opened:
        connection = opened.payments._connection
        event.listen(Engine, "before_cursor_execute", catch)
        try:
            READS[name](opened)
        finally:
            event.remove(Engine, "before_cursor_execute", catch)
        selects = [(s, v) for s, v in sent if s.lstrip().upper().startswith(("SELECT", "WITH"))]
        assert selects
        for statement, values in selects:
            assert _whole_tables(connection, statement, values) == [], statement


def test_the_measure_sees_a_whole_table_read(books: Database) -> None:
    """Proves that a search without an index is found."""
    with books.read() as opened:
        connection = opened.payments._connection
        for bad in (
            "SELECT * FROM payments WHERE description = 'x'",
            "SELECT payment_id FROM payments ORDER BY payment_id",
            "SELECT count(*) FROM transactions",
        ):
            assert _whole_tables(connection, bad, ()), bad

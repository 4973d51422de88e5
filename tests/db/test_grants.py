"""Two roles on a real server: the program's can do all that the program does, and nothing that
would alter what is permanent, with its triggers gone or not."""

import asyncio
import secrets
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.engine import make_url

from db.bulk import have_grown
from db.database import Database
from db.grants import grants, tables
from db.schema import lines, transactions
from domain.clock import SetClock
from domain.errors import InvalidRequest
from domain.ids import Ids
from tests.servers.postgres import PostgresServer
from tests.tscli.shop import Shop
from tscli.services.audit import check_books, verify_audit
from tscli.services.sealing import seal_audit
from tscli.services.sweep import sweep

APP, OWNER = (f"tscli_test_{secrets.token_hex(4)}_{name}" for name in ("app", "owner"))
"""Names of this process alone: roles belong to the whole server, which several may share."""

PERMANENT = (
    "audit", "audit_seals", "entries", "postings", "idempotency", "runs", "run_breaks", "files",
    "lines", "bank_lines", "break_events", "webhook_attempts",
)  # fmt: skip


@pytest.fixture
def url(postgres: PostgresServer, template: str) -> Iterator[str]:
    """Books whose roles are separated, as the program's role reaches them."""
    made = postgres.create_database(template)
    plain = made.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as admin:
        for _ in "twice":
            admin.execute(grants(APP, OWNER))
        yield str(make_url(made).set(username=APP).render_as_string(hide_password=False))
        admin.execute(f"REASSIGN OWNED BY {OWNER} TO CURRENT_USER")
        for role in (APP, OWNER):
            admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    postgres.drop_database(made)


def test_the_program_works_with_the_role_it_is_given(url: str, clock: SetClock) -> None:
    """Proves that payments, refunds, sweeps and seals need no right that is missing."""
    database = Database(url, clock, Ids(clock))
    shop = Shop(database, clock)
    paid = shop.create(order_reference="o1").payment.payment_id
    shop.refund(paid, "60.00")
    held = shop.create("7.00", order_reference="o2", capture=False).payment.payment_id
    shop.capture(held)
    asyncio.run(sweep(shop.context, older_than=timedelta()))
    seal_audit(shop.context)
    shop.prove()
    assert verify_audit(shop.context).flaw is None
    assert check_books(shop.context) == []
    shop.world.close()
    database.close()


def test_who_does_not_own_a_table_may_still_fill_it(url: str, clock: SetClock) -> None:
    """Proves that an import of many rows needs no right to look at what the planner knows."""
    database = Database(url, clock, Ids(clock))
    with database.transaction() as books:
        have_grown(books.statements._connection, 1_000_000, lines, transactions)
        books.record(Shop(database, clock).context.actor, "statement.imported", "fil_1")
    with database.read() as books:
        assert [record.subject for record in books.audit.records()] == ["fil_1"]
    database.close()


@pytest.mark.parametrize("table", PERMANENT)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "TRUNCATE", "DROP", "DISABLE TRIGGER"])
def test_the_server_refuses_the_role_what_would_alter_history(
    url: str, table: str, verb: str
) -> None:
    """Proves that it is a missing right, not a trigger, that stands in the way."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        statement = {
            "UPDATE": f"UPDATE {table} SET {_first(connection, table)} = NULL",
            "DELETE": f"DELETE FROM {table}",
            "TRUNCATE": f"TRUNCATE {table} CASCADE",
            "DROP": f"DROP TABLE {table} CASCADE",
            "DISABLE TRIGGER": f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        }[verb]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def _first(connection: psycopg.Connection, table: str) -> str:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
    row = connection.execute(query, (table,)).fetchone()
    assert row
    return str(row[0])


def test_every_table_is_named_and_names_are_only_names() -> None:
    """Proves that a table which is added gets its rights, and that no word ends the statement."""
    made = grants(APP, OWNER)
    assert set(PERMANENT) < set(tables())
    for table in tables():
        assert f"ON {table} TO {APP};" in made
    for bad in ("x; DROP TABLE audit", "A", "", 'a"b', "a" * 64):
        with pytest.raises(InvalidRequest):
            grants(bad, OWNER)
    with pytest.raises(InvalidRequest):
        grants(APP, APP)

"""With the triggers dropped anything can be changed, and all of it is found and named."""

import json
from collections.abc import Iterator

import pytest

from db.database import Database
from domain.clock import SetClock
from domain.ids import Ids
from tests.conftest import Cli
from tests.db.attacks import Shell, shell
from tests.tscli.shop import Shop
from tscli.services.audit import check_books, verify_audit


@pytest.fixture
def shop(seeded_url: str, clock: SetClock) -> Iterator[Shop]:
    """The seeded books, and services to look at them."""
    database = Database(seeded_url, clock, Ids(clock))
    yield Shop(database, clock)
    database.close()


@pytest.fixture
def intruder(shop: Shop, seeded_url: str) -> Iterator[Shell]:
    """Somebody with a shell who dropped the triggers."""
    assert verify_audit(shop.context).flaw is None
    assert check_books(shop.context) == []
    with shell(seeded_url) as opened:
        if opened.kind == "sqlite":
            opened.run("PRAGMA foreign_keys = OFF")
        opened.drop_triggers()
        yield opened


AUDIT_EDITS = {
    "recorded_at": 5,
    "operator": "mallory",
    "command": "x",
    "host": "x",
    "reason": "x",
    "action": "x",
    "subject": "x",
    "state_before": "{}",
    "state_after": "{}",
    "ledger_digest": "x",
    "previous": "f" * 64,
    "hash": "f" * 64,
}


@pytest.mark.parametrize("column", AUDIT_EDITS)
def test_any_edit_of_an_audit_row_is_named(shop: Shop, intruder: Shell, column: str) -> None:
    """Proves that a change of any column of a record is found at that record."""
    intruder.change("audit", column, AUDIT_EDITS[column], "seq = 4")
    proof = verify_audit(shop.context)
    assert proof.flaw is not None
    assert proof.flaw.seq == 4


@pytest.mark.parametrize(("where", "seq"), [("seq = 4", 4), ("seq = 1", 1), ("seq IN (3, 4)", 3)])
def test_a_deleted_audit_row_is_missed(shop: Shop, intruder: Shell, where: str, seq: int) -> None:
    """Proves that rows cut out of the chain are named by the first number that is missing."""
    if intruder.kind != "sqlite":
        intruder.run("ALTER TABLE entries DROP CONSTRAINT entries_audit_id_fkey")
    intruder.run(f"DELETE FROM audit WHERE {where}")
    proof = verify_audit(shop.context)
    assert proof.flaw is not None
    assert (proof.flaw.seq, proof.flaw.reason) == (seq, f"record {seq} is missing")


LEDGER_EDITS = [
    ("entries", "kind", "payout"),
    ("entries", "occurred_at", 5),
    ("entries", "account", "other"),
    ("entries", "mode", "live"),
    ("postings", "amount_minor", 1),
    ("postings", "currency", "EUR"),
    ("postings", "source", "bank"),
    ("postings", "destination", "bank"),
]


@pytest.mark.parametrize(("table", "column", "value"), LEDGER_EDITS)
def test_any_edit_of_a_ledger_row_is_named(
    shop: Shop, intruder: Shell, table: str, column: str, value: object
) -> None:
    """Proves that a change of any entry or posting is found at the record it was sealed with."""
    entry = intruder.one("SELECT max(entry_id) FROM entries")
    sealed = "SELECT audit.seq FROM audit JOIN entries USING (audit_id) WHERE entry_id = ?"
    intruder.change(table, column, value, f"entry_id = '{entry}'")
    proof = verify_audit(shop.context)
    assert proof.flaw is not None
    assert proof.flaw.seq == intruder.one(sealed, entry)
    assert proof.flaw.reason == "its ledger entries were changed"


@pytest.mark.parametrize("what", ["posting deleted", "posting added", "entry moved", "entry added"])
def test_ledger_rows_that_come_and_go_are_named(shop: Shop, intruder: Shell, what: str) -> None:
    """Proves that postings and entries cannot be added, taken away or moved to another record."""
    entry = intruder.one("SELECT min(entry_id) FROM entries")
    if what == "posting deleted":
        intruder.run("DELETE FROM postings WHERE entry_id = ? AND line = 1", entry)
    elif what == "posting added":
        intruder.copy("postings", line=9, amount_minor=5)
    elif what == "entry moved":
        first = intruder.one("SELECT audit_id FROM audit WHERE seq = 1")
        intruder.change("entries", "audit_id", first, f"entry_id = '{entry}'")
    else:
        intruder.copy("entries", entry_id="ent_x")
    proof = verify_audit(shop.context)
    assert proof.flaw is not None
    assert proof.flaw.reason == "its ledger entries were changed"


def test_the_first_of_several_flaws_is_named(shop: Shop, intruder: Shell) -> None:
    """Proves that a changed posting is named when it belongs before a changed record."""
    intruder.change("postings", "amount_minor", 1)
    first = intruder.one("SELECT min(seq) FROM audit JOIN entries USING (audit_id)")
    intruder.change("audit", "operator", "mallory", f"seq = {first + 1}")
    proof = verify_audit(shop.context)
    assert proof.flaw is not None
    assert proof.flaw.seq == first


@pytest.mark.parametrize(
    ("table", "column", "value", "said"),
    [
        ("payments", "captured_minor", 9_999, "captured_minor 9999"),
        ("payments", "refunded_minor", 1, "refunded_minor 1"),
        ("payments", "disputed_minor", 1, "disputed_minor 1"),
        ("transactions", "amount_minor", 9_000, "transactions say"),
        ("transactions", "fee_minor", 1, "fees/USD"),
        ("transactions", "status", "failed", "transactions say"),
        ("transactions", "currency", "EUR", "EUR"),
        ("postings", "amount_minor", 1, "transactions say"),
    ],
)
def test_amounts_that_disagree_are_told(
    shop: Shop, intruder: Shell, table: str, column: str, value: object, said: str
) -> None:
    """Proves that payments, transactions and ledger are held against each other."""
    where = {
        "payments": "order_reference = 'o1'",
        "transactions": "kind = 'charge'",
        "postings": "entry_id = (SELECT min(entry_id) FROM entries)",
    }[table]
    intruder.change(table, column, value, where)
    flaws = check_books(shop.context)
    assert any(said in sentence for sentence in flaws), flaws


def test_a_payment_without_its_movements_is_told(shop: Shop, intruder: Shell) -> None:
    """Proves that deleted transactions leave a payment and a ledger that say more than they."""
    if intruder.kind != "sqlite":
        intruder.run("ALTER TABLE entries DROP CONSTRAINT entries_transaction_id_fkey")
    intruder.run("DELETE FROM transactions")
    flaws = check_books(shop.context)
    assert any("captured_minor 10000" in sentence for sentence in flaws)
    assert any("provider_balance" in sentence for sentence in flaws)


def test_the_command_names_the_first_broken_row(
    sqlite_cli: Cli, seeded_url: str, intruder: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that `audit verify` ends with 1 and says which record is broken, and 0 before."""
    monkeypatch.setenv("TSCLI_DATABASE_URL", seeded_url)
    intruder.change("audit", "operator", "mallory", "seq = 3")
    broken = intruder.one("SELECT audit_id FROM audit WHERE seq = 3")
    ran = sqlite_cli("audit", "verify", "--format", "json")
    assert ran.exit_code == 1
    document = json.loads(ran.stdout)
    assert document["schema"] == "tscli/audit.verify/1"
    assert document["data"]["verdict"] == "broken"
    assert (document["data"]["first_broken"]["seq"], document["data"]["first_broken"]["id"]) == (
        3,
        broken,
    )
    assert broken in ran.stderr
    table = sqlite_cli("audit", "verify")
    assert table.exit_code == 1
    assert broken in table.stdout


def test_the_command_accepts_sound_books(
    sqlite_cli: Cli, seeded_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that untouched books are called sound, with the head of the chain."""
    monkeypatch.setenv("TSCLI_DATABASE_URL", seeded_url)
    ran = sqlite_cli("audit", "verify", "--format", "json")
    assert ran.exit_code == 0
    assert ran.data["verdict"] == "sound"
    assert ran.data["first_broken"] is None
    assert ran.data["records"] > 5
    assert ran.data["entries"] == 2
    assert len(ran.data["head"]) == 64

"""Backups: one instant of the books, proven, put back; and what the providers did since is learned
without sending anything twice."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from db import backup as copies
from db.database import Database
from domain.clock import SetClock
from domain.errors import (
    AlreadyExists,
    CircuitOpen,
    InvalidRequest,
    PaymentsError,
    UnreadableExport,
)
from domain.ids import Ids
from domain.payment import PaymentState
from domain.provider import AccountStatus
from tests.conftest import Cli
from tests.db.attacks import shell
from tests.servers.postgres import PostgresServer
from tests.tscli.shop import Shop
from tscli.services import backups, orphans
from tscli.services.provider_accounts import set_status
from tscli.services.sweep import sweep
from tscli.services.webhooks import backfill


@pytest.fixture
def shop(database_url: str, clock: SetClock) -> Iterator[Shop]:
    """A shop with one payment, one hold and one failure."""
    database = Database(database_url, clock, Ids(clock))
    database.upgrade()
    opened = Shop(database, clock)
    opened.create(order_reference="kept")
    opened.create("20.00", order_reference="held", capture=False)
    yield opened
    opened.world.close()
    database.close()


@pytest.fixture
def empty_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the same kind that holds nothing."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'elsewhere' / 'books.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)


def take(shop: Shop, folder: Path) -> Path:
    """A backup with its note."""
    file = folder / "books.backup"
    file.touch()
    made = backups.make_backup(shop.context, file)
    backups.note_place(file).write_text(json.dumps(backups.note_of(made)))
    return file


def put_back(shop: Shop, url: str, file: Path) -> Shop:
    """The same world over books that were put back."""
    database = Database(url, shop.clock, Ids(shop.clock))
    older = Shop(database, shop.clock)
    older.world.close()
    older.world, older.transport = shop.world, shop.transport
    backups.restore_backup(older.context, file, [shop.owner])
    return older


def test_a_backup_holds_every_row_and_is_private(
    shop: Shop, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    """Proves that what comes back is what was there, but for the record that tells of it."""
    file = take(shop, tmp_path)
    older = put_back(shop, empty_url, file)
    with shell(database_url) as mine, shell(empty_url) as theirs:
        before, after = mine.everything(), theirs.everything()
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"audit", "events", "provider_accounts"}
    assert set(before["audit"]) < set(after["audit"])
    assert all(finding.ok for finding in backups.verify_books(older.context, None))
    older.database.close()


def test_after_a_restore_the_truth_comes_back_and_nothing_is_sent_twice(
    shop: Shop, empty_url: str, tmp_path: Path
) -> None:
    """Proves the drill: a capture, a refund and a new payment after the backup are known again, by
    asking alone; the same commands run once more move nothing."""
    file = take(shop, tmp_path)
    ids = {p.order_reference: p.payment_id for p in shop.payments()}
    shop.capture(ids["held"])
    shop.refund(ids["kept"], "30.00")
    shop.create("40.00", order_reference="new", key="new-key")
    moved = _moved(shop)

    older = put_back(shop, empty_url, file)
    for send in (
        lambda: older.capture(ids["held"]),
        lambda: older.refund(ids["kept"], "30.00"),
        lambda: older.create("40.00", order_reference="new", key="new-key"),
    ):
        with pytest.raises(CircuitOpen, match="put back from a backup"):
            send()
    older.clock.advance(timedelta(minutes=5))
    begin, end = older.clock.now() - timedelta(days=2), older.clock.now()
    asyncio.run(backfill(older.context, "stripe", begin, end))
    asyncio.run(sweep(older.context, older_than=timedelta()))
    found = asyncio.run(orphans.find_orphans(older.context, "stripe", begin, end))
    state = {p.order_reference: p for p in older.payments()}
    assert state["held"].state is PaymentState.SUCCEEDED
    assert state["kept"].refunded_minor == 3_000
    assert "new" not in state
    assert len(found.reviews) == 1

    set_status(older.context, shop.owner, AccountStatus.ACTIVE, "")
    with pytest.raises(AlreadyExists, match="holds money for order 'new'"):
        older.create("40.00", order_reference="new", key="new-key")
    with pytest.raises(PaymentsError):
        older.capture(ids["held"])
    assert _moved(shop) == moved
    older.database.close()


def _moved(shop: Shop) -> list[tuple[str, int]]:
    return sorted((m.kind, m.amount_minor) for m in shop.world.movements())


def test_a_backup_is_only_put_into_an_empty_database(shop: Shop, tmp_path: Path) -> None:
    """Proves that putting one back destroys nothing."""
    file = take(shop, tmp_path)
    with pytest.raises(AlreadyExists, match="not empty"):
        backups.restore_backup(shop.context, file, [])


@pytest.mark.parametrize("how", ["cut", "changed", "other"])
def test_a_damaged_backup_is_found_and_never_put_back(
    shop: Shop, empty_url: str, tmp_path: Path, how: str
) -> None:
    """Proves that a copy which was cut off, changed or is no copy at all is refused, and the
    database stays empty."""
    file = take(shop, tmp_path)
    whole = bytearray(file.read_bytes())
    if how == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif how == "changed":
        whole[len(whole) // 2] ^= 0xFF
        file.write_bytes(whole)
    else:
        file.write_text("no backup")
    database = Database(empty_url, shop.clock, Ids(shop.clock))
    other = Shop(database, shop.clock)
    with pytest.raises((InvalidRequest, UnreadableExport)):
        backups.restore_backup(other.context, file, [])
    assert not database.holds_anything()
    other.world.close()
    database.close()


def test_a_copy_of_the_other_kind_is_refused(shop: Shop, empty_url: str, tmp_path: Path) -> None:
    """Proves that a dump is not poured into a file, nor a file into a server."""
    file = tmp_path / "other"
    begin = b"PGDMP" if shop.database.kind == "sqlite" else b"SQLite format 3\0"
    file.write_bytes(begin + bytes(1_000))
    assert copies.kind_of(file) != shop.database.kind
    database = Database(empty_url, shop.clock, Ids(shop.clock))
    with pytest.raises(UnreadableExport, match="is no backup of a"):
        database.put_back(file)
    database.close()


def test_the_commands_make_prove_and_put_back(
    cli: Cli, home: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of an operator: backup, verify, restore elsewhere, resume."""
    words = "--amount 10.00 --currency USD --method pm_card_visa --order o1 --yes"
    assert cli("payments", "create", *words.split()).exit_code == 0
    file = home / "books.backup"
    dry = cli("db", "backup", str(file), "--dry-run", "--format", "json")
    assert (dry.exit_code, dry.data["dry_run"], file.exists()) == (0, True, False)
    assert cli("db", "backup", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    assert cli("db", "backup", str(file)).exit_code == 5
    assert cli("db", "verify", str(file)).exit_code == 0
    assert cli("db", "verify").exit_code == 0
    damaged = shutil.copy(file, home / "damaged.backup")
    shutil.copy(backups.note_place(file), backups.note_place(Path(damaged)))
    with Path(damaged).open("ab") as end:
        end.write(b"x")
    assert cli("db", "verify", str(damaged)).exit_code == 1
    monkeypatch.setenv("TSCLI_DATABASE_URL", empty_url)
    assert cli("db", "restore", str(file), "--dry-run").exit_code == 0
    assert cli("db", "restore", str(file)).exit_code == 0
    again = cli("payments", "create", *words.split())
    assert again.exit_code == 3
    assert "put back from a backup" in again.stderr
    assert cli("providers", "resume", "stripe").exit_code == 0
    assert cli("payments", "create", *words.replace("o1", "o2").split()).exit_code == 0
    assert cli("audit", "verify").exit_code == 0


def test_a_backup_while_others_write_is_one_instant(
    shop: Shop, empty_url: str, tmp_path: Path
) -> None:
    """Proves that a transaction which is not committed is not in it, and that nobody waits."""
    with shop.database.transaction() as books:
        books.record(shop.actor, "break.commented", "open", after={"note": "x"})
        file = take(shop, tmp_path)
    older = put_back(shop, empty_url, file)
    with older.database.read() as books:
        subjects = {record.subject for record in books.audit.records()}
    assert "open" not in subjects
    assert "books" in subjects
    older.database.close()

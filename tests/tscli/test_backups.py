"""Backups: one instant of the books, proven, put back; and what the providers did since is learned
without sending anything twice."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from db import backup as copies
from db.database import Database
from db.engine import connect
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
from tests.conftest import START, Cli
from tests.db.attacks import shell
from tests.tscli.shop import Shop
from tscli.services import backups, orphans
from tscli.services.provider_accounts import set_status
from tscli.services.sweep import sweep
from tscli.services.webhooks import backfill

ROOT = Path(__file__).parents[2]


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
    assert database.can_be_filled()
    other.world.close()
    database.close()


def test_a_copy_of_the_other_kind_is_refused(shop: Shop, empty_url: str, tmp_path: Path) -> None:
    """Proves that a dump is not poured into a file, nor a file into a server."""
    file = tmp_path / "other"
    begin = b"PGDMP" if shop.database.kind == "sqlite" else b"SQLite format 3\0"
    file.write_bytes(begin + bytes(1_000))
    assert copies.kind_of(file) != shop.database.kind
    other = Shop(Database(empty_url, shop.clock, Ids(shop.clock)), shop.clock)
    with pytest.raises(UnreadableExport, match="is no backup of a"):
        backups.restore_backup(other.context, file, [])
    other.world.close()
    other.database.close()


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


RESTORE = """
import os, signal, sys
from db import backup, database
from tscli.__main__ import run
left = [int(sys.argv[1])]
def counted(function):
    def step(*words, **named):
        done = function(*words, **named)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return step
backup.begin, backup.fill = counted(backup.begin), counted(backup.fill)
backup._hold_empty = counted(backup._hold_empty)
database.Database._first = counted(database.Database._first)
database.Books.record = counted(database.Books.record)
sys.argv = ["tscli", "db", "restore", sys.argv[2]]
run()
"""
"""Puts a backup back, and dies after so many of its steps."""


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_killed_after_any_step_nobody_can_send_and_the_same_command_goes_on(
    cli: Cli, home: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Proves that books which were put back are never without their mark: whatever a restore left
    when it died holds no payment that could be sent, and restoring again ends it."""
    words = "payments create --amount 10.00 --currency USD --method pm_card_visa --yes --order"
    assert cli(*words.split(), "o1").exit_code == 0
    file = home / "books.backup"
    assert cli("db", "backup", str(file)).exit_code == 0
    monkeypatch.setenv("TSCLI_DATABASE_URL", empty_url)
    died = subprocess.run(
        [sys.executable, "-c", RESTORE, str(step), str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(home)}, check=False,
        capture_output=True,
    )  # fmt: skip
    database = Database(empty_url, SetClock(START), Ids(SetClock(START)))
    if not database.can_be_filled():  # it had come to its end
        assert died.returncode in (0, -signal.SIGKILL)
    else:
        assert died.returncode == -signal.SIGKILL
        if database.kind == "postgresql":
            refused = cli("payments", "list")
            assert refused.exit_code == 2
            assert "did not come to its end" in refused.stderr
        assert cli("db", "restore", str(file)).exit_code == 0
    database.close()
    again = cli(*words.split(), "o2")
    assert again.exit_code == 3
    assert "put back from a backup" in again.stderr
    assert cli("audit", "verify").exit_code == 0


def test_only_the_backup_that_was_begun_goes_on(shop: Shop, empty_url: str, tmp_path: Path) -> None:
    """Proves that two backups are never mixed in one database of a server."""
    if shop.database.kind == "sqlite":
        pytest.skip("a file is put into its place at once")
    file = take(shop, tmp_path)
    other = Shop(Database(empty_url, shop.clock, Ids(shop.clock)), shop.clock)
    copies.begin(other.database._engine, "another digest")
    with pytest.raises(InvalidRequest, match="Another backup was begun"):
        backups.restore_backup(other.context, file, [])
    other.world.close()
    other.database.close()


def test_a_backup_of_an_older_version_is_proven_and_put_back(
    clock: SetClock, tmp_path: Path
) -> None:
    """Proves that the copy made before an update is worth something after it."""
    path = tmp_path / "old.backup"
    engine = connect(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "db:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
    engine.dispose()
    database = Database(f"sqlite:///{tmp_path / 'new.db'}", clock, Ids(clock))
    shop = Shop(database, clock)
    found = backups.restore_backup(shop.context, path, [shop.owner])
    assert all(finding.ok for finding in found)
    assert database.schema_status().up_to_date
    assert connect_version(path) == "0006"
    with pytest.raises(CircuitOpen, match="put back"):
        shop.create(order_reference="o1")
    shop.world.close()
    database.close()


def connect_version(path: Path) -> str:
    """The schema of a file, which must not have been touched."""
    with shell(f"sqlite:///{path}") as opened:
        return str(opened.one("SELECT version_num FROM alembic_version"))


def test_looking_at_a_restore_makes_no_file(
    sqlite_cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a dry run leaves nothing behind, not even an empty database."""
    file, new = home / "books.backup", home / "new.db"
    assert sqlite_cli("ledger", "trial-balance").exit_code == 0
    assert sqlite_cli("db", "backup", str(file)).exit_code == 0
    monkeypatch.setenv("TSCLI_DATABASE_URL", f"sqlite:///{new}")
    assert sqlite_cli("db", "restore", str(file), "--dry-run").exit_code == 0
    assert not new.exists()

"""Imports in stretches: their bounds mean nothing, and one that dies between two leaves nothing."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from reconcile.intake import delivery
from reconcile.intake.reading import Reader
from tests.conftest import Cli
from tests.db.attacks import shell

ROOT = Path(__file__).parents[2]
EXPORT = ROOT / "sample_data" / "stripe_balance_change.csv"
READABLE = 82

DYING = """
import os, signal, sys
from functools import partial
from reconcile.intake import delivery
from tscli.__main__ import run
delivery.Reader, delivery.STRETCH = partial(delivery.Reader, block_bytes=1_000), 8
left, plain = [int(sys.argv[1])], delivery._plain
def dies(batch):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(batch)
delivery._plain = dies
sys.argv = ["tscli", "reconcile", "import", sys.argv[2]]
run()
"""
"""Takes a file in, and dies while so many of its stretches are made ready."""


def kept(url: str) -> list[int]:
    """Rows of files, archive and lines."""
    with shell(url) as books:
        return [int(books.one(f"SELECT count(*) FROM {t}")) for t in ("files", "archive", "lines")]


def counts(cli: Cli, path: Path) -> tuple[int, int]:
    """Lines that were new and known when a file was taken in."""
    taken = cli("reconcile", "import", str(path), "--format", "json").data
    return taken["added"], taken["known"]


def test_bounds_of_stretches_mean_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves of files that overlap over many stretches that every line is kept once, and one that
    came back with other money once more."""
    monkeypatch.setattr(delivery, "Reader", partial(Reader, block_bytes=1_000))
    monkeypatch.setattr(delivery, "STRETCH", 8)
    rows = EXPORT.read_text().splitlines(keepends=True)
    part, changed = tmp_path / "part.csv", tmp_path / "changed.csv"
    part.write_text("".join(rows[:41]))
    text = "".join(rows).replace("58.43,1.99,56.44", "59.43,1.99,57.44", 1)
    changed.write_text(text)

    assert counts(cli, part) == (40, 0)
    assert counts(cli, EXPORT) == (READABLE - 40, 40)
    assert counts(cli, changed) == (1, READABLE - 1)
    changed.write_text(text + "\n")
    assert counts(cli, changed) == (0, READABLE), "the other money is known by now as well"
    assert cli("audit", "verify").exit_code == 0


def test_what_a_later_file_says_of_a_payout(cli: Cli, database_url: str, tmp_path: Path) -> None:
    """Proves that a line's payout, once said, is not said otherwise, by no file and for no other
    money; and that the same word again is no conflict."""
    line = "txn_{},2026-03-02 08:00:00,usd,{},0.00,{},charge,ch_{},{}\n"

    def file(name: str, *said: tuple[str, str]) -> tuple[int, int]:
        head = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,"
        head += "source_id,automatic_payout_id\n"
        rows = [line.format(n, money, money, n, payout) for n, (money, payout) in enumerate(said)]
        (tmp_path / name).write_text(head + "".join(rows))
        return counts(cli, tmp_path / name)

    assert file("1.csv", ("5.00", ""), ("6.00", "po_b"), ("7.00", "")) == (3, 0)
    assert file("2.csv", ("5.00", "po_a"), ("6.00", "po_x"), ("7.50", "po_c")) == (1, 2)
    assert file("3.csv", ("5.00", "po_x"), ("6.00", "po_x"), ("7.00", "po_c"), ("9", "")) == (1, 3)
    with shell(database_url) as books:
        later = books.run(
            "SELECT value, file_id FROM line_facts WHERE field = 'payout' ORDER BY value"
        )
        first = books.run("SELECT reference, payout FROM lines ORDER BY reference, amount_minor")
        files = [name for (name,) in books.run("SELECT file_id FROM files ORDER BY file_id")]
    assert later == [("po_a", files[1]), ("po_c", files[2])]
    assert first == [
        ("txn_0", ""), ("txn_1", "po_b"), ("txn_2", ""), ("txn_2", "po_c"), ("txn_3", ""),
    ]  # fmt: skip


FULL = """
import resource, sys
from reconcile.intake import batches, delivery, piling
from tscli.__main__ import run
from tscli.services import file_comparison
def full(*words):
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    return batches.export_batch(*words)
delivery.IN_MEMORY = file_comparison.LARGE_BYTES = 1
delivery.export_batch = piling.export_batch = full
sys.argv[0] = "tscli"
run()
"""
"""A command on a machine that has no room for the rows of a file."""


@pytest.mark.parametrize("stretch", [1, 3, 9])
def test_killed_in_any_stretch_nothing_is_kept(cli: Cli, database_url: str, stretch: int) -> None:
    """Proves that a file is taken in whole or not at all, and that the same command ends it."""
    assert cli("db", "upgrade").exit_code == 0
    died = subprocess.run(
        [sys.executable, "-c", DYING, str(stretch), str(EXPORT)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert kept(database_url) == [0, 0, 0]
    assert counts(cli, EXPORT) == (READABLE, 0)
    assert kept(database_url)[2] == READABLE


@pytest.mark.parametrize(
    "words",
    [
        ["import", str(EXPORT)],
        ["files", "--expected", str(EXPORT.with_name("ledger.csv")), "--reported", str(EXPORT)],
    ],
    ids=["import", "files"],
)
def test_no_room_for_the_rows_is_said(cli: Cli, database_url: str, words: list[str]) -> None:
    """Proves that a full disk is not taken for an unreadable file, and that nothing is kept."""
    assert cli("db", "upgrade").exit_code == 0
    ended = subprocess.run(
        [sys.executable, "-c", FULL, "reconcile", *words], text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True,
    )  # fmt: skip
    assert ended.returncode == 3, ended.stderr
    assert "File too large" in ended.stderr
    assert "Check disk space" in ended.stderr
    assert kept(database_url) == [0, 0, 0]
    assert counts(cli, EXPORT) == (READABLE, 0)

"""Reconciling through the command line: runs are kept, repeated, reported; files need no
database."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli, shared

SAMPLE = Path(__file__).parents[2] / "sample_data"
WEEK = ("--from", "2026-03-02", "--to", "2026-03-09")
LEDGER = str(SAMPLE / "ledger.csv")
EXPORT = str(SAMPLE / "stripe_balance_change.csv")


def key() -> list[tuple[str, str]]:
    """(bucket, reference) of every planted fault; an unreadable row has no reference."""
    rows = csv.DictReader(io.StringIO((SAMPLE / "answer_key.csv").read_text()))
    return sorted(
        (r["bucket"], "" if r["bucket"] == "unreadable" else r["provider_reference"]) for r in rows
    )


def test_a_run_finds_every_planted_fault_and_no_other(cli: Cli) -> None:
    imported = cli("ledger", "import", LEDGER, "--format", "json")
    assert (imported.exit_code, imported.data["unreadable"]) == (0, 0)
    run = cli("reconcile", "run", *WEEK, "--export", EXPORT, "--format", "json")
    assert run.exit_code == 3, "an unreadable row is not a clean run"
    listed = cli("breaks", "list", "--format", "json")
    found = sorted((b["kind"], b["provider_reference"]) for b in listed.data)
    assert found == key()


def test_the_same_inputs_again_change_nothing(cli: Cli) -> None:
    cli("ledger", "import", LEDGER)
    first = cli("reconcile", "run", *WEEK, "--export", EXPORT, "--format", "json")
    records = cli("audit", "list", "--limit", "1000", "--format", "json").data
    again = cli("reconcile", "run", *WEEK, "--export", EXPORT, "--format", "json")
    assert again.data["already_done"] is True
    assert again.data["run_id"] == first.data["run_id"]
    assert again.exit_code == first.exit_code
    assert cli("audit", "list", "--limit", "1000", "--format", "json").data == records
    assert "compared before" in again.stderr


def test_rows_on_disk_say_what_rows_in_memory_say(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same run to its name, and whatever can be asked of it afterwards."""
    questions = (
        ("reconcile", "run", *WEEK),
        ("reconcile", "run", "--from", "2026-03-04", "--to", "2026-03-06", "--dry-run"),
        ("reports", "bridge", "--as-of", "2026-03-09"),
        ("reports", "payouts", "--from", "2026-03-02", "--to", "2026-03-09"),
    )
    cli("ledger", "import", LEDGER)
    first = cli("reconcile", "run", *WEEK, "--export", EXPORT, "--format", "json").data
    named = cli("breaks", "list", "--kind", "amount_mismatch", "--format", "json").data[0]
    questions += (
        ("reconcile", "explain", named["break_id"]),
        ("reconcile", "rerun", first["run_id"]),
    )
    answers = []
    for rows in ("1000000", "0"):
        monkeypatch.setenv("TSCLI_RECONCILE__ROWS_IN_MEMORY", rows)
        answers.append([cli(*words, "--format", "json") for words in questions])
    memory, disk = ([(ran.exit_code, _plain(ran.data)) for ran in said] for said in answers)
    assert disk == memory
    assert answers[1][0].data["already_done"] is True


DYING = """
import os, signal, sys
from reconcile import buckets, spill
from tscli.__main__ import run
def dies(*words):
    os.kill(os.getpid(), signal.SIGKILL)
places = {"spilling": (spill.Spill, "finish"), "comparing": (buckets, "_totals")}
setattr(*places[sys.argv[1]], dies)
sys.argv = ["tscli", "reconcile", "run", *sys.argv[2:]]
run()
"""
"""A run that dies while its rows go to disk, or while they are compared there."""


@pytest.mark.parametrize("at", ["spilling", "comparing"])
def test_a_run_killed_over_its_buckets_keeps_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, at: str
) -> None:
    """Nothing of it is in the books, and the same command ends it as if nothing had been and clears
    up what it left on disk."""
    monkeypatch.setenv("TSCLI_RECONCILE__ROWS_IN_MEMORY", "0")
    cli("ledger", "import", LEDGER)
    cli("reconcile", "import", EXPORT)
    before = cli("audit", "list", "--limit", "1000", "--format", "json").data
    died = subprocess.run(
        [sys.executable, "-c", DYING, at, *WEEK], check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(SAMPLE.parent), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert cli("reconcile", "show", "--format", "json").data == []
    assert cli("audit", "list", "--limit", "1000", "--format", "json").data == before
    assert list(tmp_path.glob("tscli-*"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert cli("reconcile", "run", *WEEK, "--format", "json").data["already_done"] is False
    assert not list(tmp_path.glob("tscli-*"))
    listed = cli("breaks", "list", "--format", "json").data
    assert sorted((b["kind"], b["provider_reference"]) for b in listed) == key()


def _plain(data: Any) -> Any:
    """A result without what is new each time."""
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in data.items() if name not in ("run_id", "started_at")}


def test_a_dry_run_keeps_nothing(cli: Cli) -> None:
    cli("ledger", "import", LEDGER)
    run = cli("reconcile", "run", *WEEK, "--export", EXPORT, "--dry-run", "--format", "json")
    assert run.exit_code == 3
    assert cli("reconcile", "show", "--format", "json").data == []
    assert cli("breaks", "list", "--format", "json").data == []


def test_a_break_keeps_its_identity_over_runs(cli: Cli, tmp_path: Path) -> None:
    cli("ledger", "import", LEDGER)
    cli("reconcile", "run", *WEEK, "--export", EXPORT)
    before = {b["break_id"] for b in cli("breaks", "list", "--format", "json").data}
    fewer = tmp_path / "fewer.csv"
    lines = Path(EXPORT).read_text().splitlines()
    fewer.write_text("\n".join(line for line in lines if "sandbox_novelty" not in line) + "\n")
    cli("reconcile", "run", *WEEK, "--export", str(fewer))
    shown = cli("breaks", "list", "--kind", "amount_mismatch", "--format", "json").data
    assert {b["break_id"] for b in shown} <= before
    one = cli("breaks", "show", shown[0]["break_id"], "--format", "json").data
    assert len(one["seen_in"]) == 2
    assert one["meaning"]
    assert one["remedy"].startswith("tscli ")


def test_files_are_compared_without_a_database(sqlite_cli: Cli, home: Path) -> None:
    out = home / "breaks.csv"
    words = ("--expected", LEDGER, "--reported", EXPORT, "--breaks", str(out))
    ran = sqlite_cli("reconcile", "files", *words, "--format", "json")
    assert ran.exit_code == 3
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert sorted((r["kind"], r["provider_reference"]) for r in rows) == key()
    assert not (home / "home" / "data").exists(), "no books were made"
    again = home / "again.csv"
    sqlite_cli("reconcile", "files", *words[:-1], str(again))
    assert again.read_bytes() == out.read_bytes()


def test_agreement_is_exit_zero_and_breaks_are_one(sqlite_cli: Cli, home: Path) -> None:
    header = (
        "transaction_id,payment_id,kind,provider_reference,amount,currency,fee,status,occurred_at"
    )
    ledger = home / "ledger.csv"
    ledger.write_text(
        f"{header}\nt1,p1,charge,ch_1,10.00,USD,0.59,succeeded,2026-03-02T10:00:00Z\n"
    )
    export = home / "export.csv"
    columns = (
        "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id"
    )
    for gross, net, code in (("10.00", "9.41", 0), ("10.01", "9.42", 1)):
        row = f"txn_1,2026-03-02 10:00:00,usd,{gross},0.59,{net},charge,ch_1"
        export.write_text(f"{columns}\n{row}\n")
        ran = sqlite_cli("reconcile", "files", "--expected", str(ledger), "--reported", str(export))
        assert ran.exit_code == code, ran.stdout


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (
            "balance_transaction_id;created_utc;currency;gross;fee;net;reporting_category\n",
            "';'",
        ),
        ("balance_transaction_id,created_utc,currency,gross,fee,net\n", "reporting_category"),
    ],
)
def test_a_file_that_is_no_export_is_refused_whole(
    cli: Cli, tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text)
    ran = cli("reconcile", "run", *WEEK, "--export", str(path), "--format", "json")
    assert ran.exit_code == 3
    error = json.loads(ran.stderr.strip().splitlines()[-1])["error"]
    assert error["code"] == "unreadable_export"
    assert reason in error["message"]
    assert ran.stdout == ""


def test_a_missing_file_and_bad_dates_are_words_that_make_no_sense(cli: Cli) -> None:
    for words in (
        (*WEEK, "--export", "nowhere.csv"),
        ("--from", "2026-3-2", "--to", "2026-03-09", "--export", EXPORT),
        ("--from", "2026-03-09", "--to", "2026-03-02", "--export", EXPORT),
        (*WEEK, "--export", EXPORT, "--timezone", "Mars/Olympus"),
    ):
        ran = cli("reconcile", "run", *words)
        assert ran.exit_code in (2, 3), ran.stderr
        assert "internal error" not in ran.stderr


def test_the_report_of_the_latest_run_goes_to_a_file_or_folder(cli: Cli, tmp_path: Path) -> None:
    nothing = cli("reports", "reconciliation")
    assert nothing.exit_code == 2
    cli("ledger", "import", LEDGER)
    run = cli("reconcile", "run", *WEEK, "--export", EXPORT, "--format", "json").data["run_id"]
    html = tmp_path / "report.html"
    assert cli("reports", "reconciliation", "--output", str(html)).exit_code == 1
    assert html.read_text().startswith("<!DOCTYPE html>")
    assert html.stat().st_mode & 0o077 == 0
    folder = tmp_path / "reports"
    folder.mkdir()
    cli("reports", "reconciliation", "--run", run, "--format", "json", "--output", str(folder))
    (stable,) = folder.iterdir()
    assert json.loads(stable.read_text())["schema"] == "tscli/reports.reconciliation/1"
    twice = cli("reports", "reconciliation", "--format", "csv").stdout
    assert twice == cli("reports", "reconciliation", "--format", "csv").stdout


@pytest.mark.parametrize(
    "name", ["smashpig_settlement_report.csv", "smashpig_payments_activity.csv"]
)
def test_real_files_are_read_whole_and_their_totals_tie(
    sqlite_cli: Cli, home: Path, name: str
) -> None:
    ledger = home / "ledger.csv"
    ledger.write_text(Path(LEDGER).read_text().splitlines()[0] + "\n")
    real = str(shared("samples", "stripe", name))
    ran = sqlite_cli(
        "reconcile", "files", "--expected", str(ledger), "--reported", real, "--format", "json"
    )
    (file,) = [f for f in ran.data["inputs"] if f["format"] != "ledger"]
    assert file["unreadable"] == 0
    assert file["rows"] > 0
    for total in file["totals"]:
        buckets = [
            b
            for b in ran.data["buckets"]
            if b["side"] == "reported" and b["currency"] == total["currency"]
        ]
        assert sum(b["amount"]["minor"] for b in buckets) == total["amount"]["minor"]
        assert sum(b["rows"] for b in buckets) == total["rows"]
    assert os.path.basename(file["name"]) == name


def test_importing_a_ledger_twice_adds_nothing(cli: Cli) -> None:
    first = cli("ledger", "import", LEDGER, "--format", "json").data
    again = cli("ledger", "import", LEDGER, "--format", "json")
    assert first["added"] == first["rows"]
    assert again.data["added"] == 0
    assert again.data["seen_before"] is True
    balance = cli("ledger", "trial-balance", "--format", "json").data
    sums: dict[str, int] = {}
    for row in balance:
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["balance"]["minor"]
    assert set(sums.values()) == {0}


def test_a_transaction_with_other_words_is_a_conflict(cli: Cli, tmp_path: Path) -> None:
    cli("ledger", "import", LEDGER)
    header, first, *_ = Path(LEDGER).read_text().splitlines()
    other = tmp_path / "other.csv"
    other.write_text(f"{header}\n{first.replace('58.43', '58.44')}\n")
    assert cli("ledger", "import", str(other)).exit_code == 5
    assert cli("doctor").exit_code == 0


def test_an_import_with_bad_rows_keeps_the_good_ones_and_says_so(cli: Cli, tmp_path: Path) -> None:
    header, first, second, *_ = Path(LEDGER).read_text().splitlines()
    file = tmp_path / "mixed.csv"
    file.write_text(f"{header}\n{first}\n{second.replace('126.82', '126,82')}\n")
    ran = cli("ledger", "import", str(file), "--format", "json")
    assert ran.exit_code == 3
    assert (ran.data["added"], ran.data["unreadable"]) == (1, 1)
    assert ran.data["rejects"][0]["line"] == 3
    dry = cli("ledger", "import", LEDGER, "--dry-run", "--format", "json")
    assert dry.data["dry_run"] is True
    assert len(cli("ledger", "show", "--format", "json").data) == 1


def test_files_and_report_write_the_same_breaks(cli: Cli, home: Path) -> None:
    """The fast way from the frame and the report's own way give the same rows, ids aside."""
    out = home / "breaks.csv"
    cli("reconcile", "files", "--expected", LEDGER, "--reported", EXPORT, "--breaks", str(out))
    cli("ledger", "import", LEDGER)
    cli("reconcile", "run", *WEEK, "--export", EXPORT)
    report = cli("reports", "reconciliation", "--format", "csv").stdout

    def rows(text: str) -> list[tuple[str, ...]]:
        # Ids are scoped by account, and a ledger in a database has no file and line.
        left_out = ("break_id", "file", "line")
        return sorted(
            tuple(v for k, v in row.items() if k not in left_out)
            for row in csv.DictReader(io.StringIO(text))
        )

    assert rows(report) == rows(out.read_text())


def test_inputs_are_never_overwritten(sqlite_cli: Cli, home: Path) -> None:
    mine = home / "ledger.csv"
    mine.write_bytes(Path(LEDGER).read_bytes())
    words = ("reconcile", "files", "--expected", str(mine), "--reported", EXPORT)
    for extra in (
        ("--breaks", str(mine)),
        ("--output", str(mine)),
        ("--output", str(home / "x"), "--breaks", str(home / "x")),
        ("--output", "-"),
    ):
        assert sqlite_cli(*words, *extra).exit_code == 2
    assert mine.read_bytes() == Path(LEDGER).read_bytes()


def test_a_line_under_way_settles_in_a_later_file(cli: Cli, tmp_path: Path) -> None:
    header, first, *_ = Path(LEDGER).read_text().splitlines()
    for status, added in (("pending", 1), ("succeeded", 1), ("succeeded", 0)):
        file = tmp_path / f"{status}{added}.csv"
        file.write_text(f"{header}\n{first.replace('succeeded', status)}\n" + "\n" * (1 - added))
        done = cli("ledger", "import", str(file), "--format", "json")
        assert (done.exit_code, done.data["added"]) == (0, added), done.stderr
    rows = cli("ledger", "trial-balance", "--format", "json").data
    assert any(r["ledger_account"] == "provider_balance" for r in rows)
    assert cli("doctor").exit_code == 0
    back = tmp_path / "back.csv"
    back.write_text(f"{header}\n{first.replace('succeeded', 'failed')}\n")
    assert cli("ledger", "import", str(back)).exit_code == 5


def test_runs_at_once_keep_one(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second finds the first one's run and says the same."""
    from concurrent.futures import ThreadPoolExecutor

    from tscli.app import App, export_formats
    from tscli.services.periods import period_of
    from tscli.services.reconciliation import reconcile_run
    from tscli.settings import load_settings

    cli("ledger", "import", LEDGER)
    from datetime import date

    period = period_of(date(2026, 3, 2), date(2026, 3, 9), "UTC")

    def once(_: int) -> str:
        app = App(load_settings(), "tests")
        try:
            owner, formats = app.owner("stripe"), export_formats("stripe")
            done = reconcile_run(app.context(), owner, formats, [Path(EXPORT)], period)
            return done.run.run_id
        finally:
            app.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(once, range(4)))) == 1


def test_dropped_triggers_are_noticed(sqlite_cli: Cli, home: Path) -> None:
    import sqlite3

    sqlite_cli("ledger", "import", LEDGER)
    assert sqlite_cli("doctor").exit_code == 0
    (books,) = (home / "home").rglob("tscli.db")
    with sqlite3.connect(books) as sql:
        (name,) = sql.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchone()
        sql.execute(f"DROP TRIGGER {name}")
    sql.close()
    found = sqlite_cli("doctor")
    assert found.exit_code == 1
    assert name in found.stdout

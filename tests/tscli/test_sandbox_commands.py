"""The sandbox from outside: served over loopback it is the world the adapter meets in process."""

import contextlib
import csv
import io
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.sandbox.bank_plain import CSV_MAPPING
from reconcile.bank.csv_mapping import CsvMapping
from reconcile.bank.reading import read_bank
from tests.conftest import Cli

CREATE = (
    "payments",
    "create",
    "--amount",
    "12.00",
    "--currency",
    "USD",
    "--yes",
    "--format",
    "json",
)


@pytest.fixture
def served(home: Path) -> Iterator[str]:
    """The base address of a sandbox in a process of its own, gone after the test."""
    program = [sys.executable, "-u", "-m", "tscli", "sandbox", "serve", "--port", "0"]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env=os.environ) as running:
        try:
            assert running.stderr is not None
            line = running.stderr.readline()
            found = re.search(re.escape("http://127.0.0.1:") + r"[1-9]\d*", line)
            assert found, line
            _wait(found[0])
            yield found[0]
        finally:
            running.terminate()
            running.wait(10)


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url + "/v1/balance", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the sandbox did not start")


def test_the_same_adapter_talks_to_the_served_sandbox(
    cli: Cli, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSCLI_STRIPE__BASE_URL", served)
    ran = cli(*CREATE, "--method", "pm_card_visa")
    assert ran.exit_code == 0, ran.stderr
    assert ran.data["state"] == "succeeded"
    refunded = cli(
        "payments", "refund", ran.data["id"], "--amount", "2.00", "--yes", "--format", "json"
    )
    assert refunded.data["refunded"]["value"] == "2.00"
    monkeypatch.delenv("TSCLI_STRIPE__BASE_URL")
    seen = cli("payments", "show", ran.data["id"], "--refresh", "--format", "json")
    assert seen.exit_code == 0, "in process it is the same world"
    assert seen.data["refunded"]["value"] == "2.00"


def test_a_customer_can_follow_the_link(
    cli: Cli, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSCLI_STRIPE__BASE_URL", served)
    ran = cli(*CREATE, "--method", "pm_card_authenticationRequired")
    assert (ran.exit_code, ran.data["state"]) == (0, "requires_action")
    link = ran.data["next_action_url"]
    assert link.startswith(served)
    with contextlib.suppress(
        urllib.error.URLError
    ):  # it leads back to the shop, which is not there
        urllib.request.urlopen(link, timeout=5)
    seen = cli("payments", "show", ran.data["id"], "--refresh", "--format", "json")
    assert seen.data["state"] == "succeeded"


def test_nobody_at_the_address_is_unavailable_and_nothing_is_lost(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSCLI_STRIPE__BASE_URL", "http://127.0.0.1:9")
    ran = cli(*CREATE, "--method", "pm_card_visa", "--idempotency-key", "k1")
    assert ran.exit_code == 3
    monkeypatch.delenv("TSCLI_STRIPE__BASE_URL")
    again = cli(*CREATE, "--method", "pm_card_visa", "--idempotency-key", "k1")
    assert (again.exit_code, again.data["state"]) == (0, "succeeded")
    assert len(cli("payments", "list", "--format", "json").data) == 1


def test_it_is_not_served_to_others(sqlite_cli: Cli) -> None:
    assert sqlite_cli("sandbox", "serve", "--host", "0.0.0.0").exit_code == 2


@pytest.mark.parametrize(
    "layout",
    [
        "balance_change_from_activity.itemized", "payout_reconciliation.itemized",
        "balance_history", "payouts.itemized",
    ],
)  # fmt: skip
def test_exports_are_written_from_the_truth(sqlite_cli: Cli, home: Path, layout: str) -> None:
    sqlite_cli(*CREATE, "--method", "pm_card_visa")
    words = ("--from", "2020-01-01", "--to", "2100-01-01", "--layout", layout)
    out = home / "export.csv"
    assert sqlite_cli("sandbox", "export", *words, "--output", str(out)).exit_code == 0
    rows = list(csv.reader(io.StringIO(out.read_text())))
    assert len(rows) == (2 if "balance" in layout else 1)
    assert sqlite_cli("sandbox", "export", *words).stdout == out.read_text()


def test_our_ledger_agrees_with_the_sandboxs_own_export(cli: Cli, home: Path) -> None:
    paid = cli(*CREATE, "--method", "pm_card_visa").data["id"]
    cli("payments", "refund", paid, "--amount", "5.00", "--yes")
    held = cli(*CREATE, "--method", "pm_card_visa", "--no-capture").data["id"]
    cli("payments", "capture", held, "--amount", "7.00", "--yes")
    export = home / "export.csv"
    words = ("--from", "2020-01-01", "--to", "2100-01-01")
    cli("sandbox", "export", *words, "--output", str(export))
    ran = cli("reconcile", "run", *words, "--export", str(export), "--format", "json")
    assert ran.exit_code == 0, ran.stdout
    assert ran.data["breaks"] == 0


def test_reset_asks_and_forgets(sqlite_cli: Cli) -> None:
    sqlite_cli(*CREATE, "--method", "pm_card_visa")
    assert sqlite_cli("sandbox", "reset").exit_code == 2
    words = ("--from", "2020-01-01", "--to", "2100-01-01")
    before = sqlite_cli("sandbox", "export", *words).stdout
    assert sqlite_cli("sandbox", "reset", "--dry-run").exit_code == 0
    assert sqlite_cli("sandbox", "export", *words).stdout == before
    assert sqlite_cli("sandbox", "reset", "--yes").exit_code == 0
    assert sqlite_cli("sandbox", "export", *words).stdout.count("\n") == 1


def test_an_unknown_layout_is_refused(sqlite_cli: Cli) -> None:
    words = ("--from", "2020-01-01", "--to", "2100-01-01", "--layout", "nonsense")
    assert sqlite_cli("sandbox", "export", *words).exit_code == 2


@pytest.mark.parametrize("form", ["camt053", "mt940", "bai2", "ofx", "csv"])
def test_the_bank_of_the_sandbox_writes_statements(cli: Cli, tmp_path: Path, form: str) -> None:
    """Proves that a payout shows on the statement of the day it arrives, in every format."""
    for provider in ("stripe", "paypal"):
        path = tmp_path / f"{provider}.{form}"
        words = ("--from", "2026-01-01", "--to", "2026-02-01", "--format", form)
        ran = cli(
            "sandbox", "bank-statement", *words, "--provider", provider, "--unrelated",
            "--output", str(path),
        )  # fmt: skip
        assert ran.exit_code == 0, ran.stderr
        found = read_bank(path, mapping=CsvMapping.parse("sandbox", CSV_MAPPING))
        assert found.sound
        assert [n.amount_minor for n in found.lines].count(-400) == 2 * 4
        shown = cli("sandbox", "bank-statement", *words, "--provider", provider)
        assert shown.exit_code == 0
        assert "SB00SANDBOX0000000001" in shown.stdout


def test_what_the_bank_cannot_write_is_said(cli: Cli) -> None:
    """Proves for formats, periods and faults that the words are refused, not guessed."""
    days = ("--from", "2026-01-01", "--to", "2026-02-01")
    assert cli("sandbox", "bank-statement", *days, "--format", "pdf").exit_code == 2
    assert cli("sandbox", "bank-statement", *days, "--late", "3").exit_code == 2
    assert cli("sandbox", "bank-statement", "--from", "x", "--to", "y").exit_code == 2

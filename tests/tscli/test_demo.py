"""The demo and the sample data: every planted fault found in its class, the same bytes each
time."""

import json
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.tools.sample_data import TARGET, write


def test_the_demo_finds_every_fault_and_writes_the_report(sqlite_cli: Cli, home: Path) -> None:
    ran = sqlite_cli("demo", "--folder", str(home / "demo"), "--format", "json")
    assert ran.exit_code == 0, ran.stderr
    assert ran.data["perfect"] is True
    assert ran.data["surplus"] == 0
    assert ran.data["found"] == ran.data["planted"] >= 10
    assert {f["planted"] for f in ran.data["faults"]} >= {
        "missing_in_ledger", "missing_at_provider", "amount_mismatch", "fee_mismatch",
        "currency_mismatch", "status_mismatch", "duplicate_at_provider", "duplicate_in_ledger",
        "unknown_kind", "unreadable",
    }  # fmt: skip
    report = Path(ran.data["files"]["report"]).read_text()
    assert all(f["reference"] in report for f in ran.data["faults"] if f["found"] != "unreadable")
    assert not (home / "home" / "data").exists(), "the operator's own books stay untouched"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_weeks_are_found_as_well(sqlite_cli: Cli, home: Path, seed: int) -> None:
    words = ("--folder", str(home / "demo"), "--seed", str(seed), "--format", "json")
    ran = sqlite_cli("demo", *words)
    assert json.loads(ran.stdout)["data"]["perfect"] is True, ran.stdout


def test_the_demo_can_be_shown_to_people_twice(sqlite_cli: Cli, home: Path) -> None:
    first = sqlite_cli("demo", "--folder", str(home / "demo"))
    again = sqlite_cli("demo", "--folder", str(home / "demo"))
    assert first.stdout == again.stdout
    assert "planted faults found in their class" in first.stdout


def test_the_sample_data_is_what_the_demo_writes(home: Path) -> None:
    written = home / "sample"
    written.mkdir()
    write(written)
    for path in written.iterdir():
        assert path.read_bytes() == (TARGET / path.name).read_bytes(), path.name

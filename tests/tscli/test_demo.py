"""The demo and the sample data: every planted fault found in its class, the same bytes each
time."""

from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.tools.sample_data import TARGET, write
from tests.tscli.conftest import DemoWeek

pytestmark = pytest.mark.xdist_group("demo")


def test_the_demo_finds_every_fault_and_writes_the_report(demo_week: DemoWeek) -> None:
    ran = demo_week.said
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
    assert not (demo_week.home / "data").exists(), "the operator's own books stay untouched"


def test_the_demo_can_be_shown_twice(demo_week: DemoWeek, sqlite_cli: Cli) -> None:
    again = sqlite_cli("demo", "--folder", str(demo_week.folder), "--format", "json")
    assert again.stdout == demo_week.said.stdout


def test_other_weeks_are_found_as_well(sqlite_cli: Cli, home: Path) -> None:
    found = sqlite_cli("demo", "--folder", str(home / "one"), "--seed", "1", "--format", "json")
    assert found.data["perfect"] is True, found.stdout
    told = sqlite_cli("demo", "--folder", str(home / "two"), "--seed", "2")
    assert told.exit_code == 0, told.stdout
    assert "planted faults found in their class" in told.stdout


def test_the_sample_data_is_what_the_demo_writes(home: Path) -> None:
    written = home / "sample"
    written.mkdir()
    write(written)
    for path in written.iterdir():
        assert path.read_bytes() == (TARGET / path.name).read_bytes(), path.name

"""A week of mornings: an outage, a late file, a weekend, a machine that was off, and in the end
a month that is the sum of its days."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from db.database import Database
from domain.clock import SetClock
from tests.conftest import Cli
from tests.tscli.mornings import Firm, folder_source, open_firm, prove_sums

FIRST = date(2026, 3, 4)
DAYS = 7
"""A Wednesday, and the weekend in the middle."""
LATE, AWAY, OFF, FINDING = 1, 2, 5, 6
"""Days whose file comes at noon, on whose morning the provider is away, on whose morning nothing
runs, and whose file lacks a line; each by its number."""


@pytest.fixture
def firm(
    cli: Cli, database: Database, clock: SetClock, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Firm:
    """A firm that takes Stripe's files from a folder and closes no books on weekends."""
    assert cli
    firm = open_firm(database, clock, home, monkeypatch)
    firm.sources = [folder_source(firm, every="day")]
    firm.configure(business_days=["mon", "tue", "wed", "thu", "fri"])
    return firm


def test_a_week_of_mornings(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that every morning's exit code and check tell what happened, and that all is done in
    the end."""
    for number in range(DAYS):
        on, after = FIRST + timedelta(days=number), FIRST + timedelta(days=number + 1)
        firm.sell(on, count=1)
        firm.settle(on)
        lines = firm.exported(on)
        if number != LATE:
            firm.put(on, lines[:-1] if number == FINDING else lines)
        firm.at(after, 6)
        if on.weekday() > 4:
            ran = firm.run("--catch-up")
            assert (ran.exit_code, ran.data["days"][-1]["already_done"]) == (0, True)
            assert firm.check() == (0, "done")
            continue
        if number == OFF:
            firm.at(after, 9)
            assert firm.check() == (1, "missing")
            continue
        with monkeypatch.context() as patched:
            if number == AWAY:
                patched.setenv("TSCLI_STRIPE__BASE_URL", "http://127.0.0.1:9")
            ran = firm.run("--catch-up")
        expected = {LATE: 3, AWAY: 3, FINDING: 1}.get(number, 0)
        assert ran.exit_code == expected, f"{on}: {ran.stdout}"
        firm.at(after, 9)
        outcome = {3: (1, "open"), 1: (0, "findings"), 0: (0, "done")}[expected]
        assert firm.check() == outcome, on
        if expected == 3:
            _in_time_after_all(firm, on, after, number)
    _prove_days(firm)
    assert prove_sums(firm, [FIRST + timedelta(days=n) for n in range(DAYS)]) == DAYS


def _in_time_after_all(firm: Firm, on: date, after: date, number: int) -> None:
    """What was open at nine is done at noon, by the same command."""
    if number == LATE:
        firm.put(on)
    firm.at(after, 12)
    ran = firm.run("--catch-up")
    assert (ran.exit_code, ran.data["days"][-1]["already_done"]) == (0, False), ran.stdout
    assert firm.check() == (0, "done")


def _prove_days(firm: Firm) -> None:
    """Every business date has its run, and nothing else has; folders are as they were written."""
    days = [d for d in (FIRST + timedelta(days=n) for n in range(DAYS)) if d.weekday() < 5]
    listed = firm.cli("runs", "list", "--format", "json").data
    found = {one["name"]: one["outcome"] for one in listed if one["kind"] == "day"}
    assert sorted(found) == [str(day) for day in days]
    assert {name for name, outcome in found.items() if outcome != "done"} == {
        str(FIRST + timedelta(days=FINDING))
    }
    for day in days:
        assert firm.cli("reports", "verify", str(firm.home / "days" / str(day))).exit_code == 0

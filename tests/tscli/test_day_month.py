"""Two weeks of mornings: an outage, a late file, weekends and a machine that was off, and at the end
a month that is the sum of its days."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from db.database import Database
from domain.clock import SetClock
from reports.document import Amount, Document
from tests.conftest import Cli
from tests.tscli.mornings import Firm, folder_source, open_firm
from tscli.services import documents

FIRST = date(2026, 3, 2)
DAYS = 12
"""Two business weeks and the weekend between them."""
LATE, AWAY, OFF, FINDING = 1, 3, 7, 11
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
    firm.configure(
        business_days=["mon", "tue", "wed", "thu", "fri"], report_formats=["json", "csv"]
    )
    return firm


def test_two_weeks_of_mornings(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that every morning's exit code and check tell what happened, and that all is done in
    the end."""
    for days_before in (1, 2):
        firm.put(FIRST - timedelta(days=days_before))
    for number in range(DAYS):
        on, after = FIRST + timedelta(days=number), FIRST + timedelta(days=number + 1)
        firm.sell(on, count=2)
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
    _prove_month(firm)


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


def totals(document: Document) -> dict[tuple[str, str], list[int]]:
    """(account, currency) -> count and minor units of every column, of a report's money table."""
    (table,) = [one for one in document.tables if one.key == "totals"]
    return {
        (str(account), str(currency)): [
            cell.minor if isinstance(cell, Amount) else int(str(cell)) for cell in cells
        ]
        for account, currency, *cells in table.rows
    }


def _prove_month(firm: Firm) -> None:
    """The monthly report's money is the sum of the daily ones'."""
    context = firm.shop.context
    summed: dict[tuple[str, str], list[int]] = {}
    for n in range(DAYS):
        on = FIRST + timedelta(days=n)
        for key, figures in totals(documents.daily(context, on, "test", "UTC")).items():
            known = summed.setdefault(key, [0] * len(figures))
            summed[key] = [a + b for a, b in zip(known, figures, strict=True)]
    assert [figures[0] for figures in summed.values()] == [2 * DAYS]
    assert totals(documents.monthly(context, FIRST, "test", "UTC")) == summed

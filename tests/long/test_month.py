"""Thirty days in which nobody types a command: what `schedule show cron` prints is what runs."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from db.database import Database
from domain.clock import SetClock
from tests.conftest import Cli
from tests.tscli.crontab import Entry, parse
from tests.tscli.mornings import Firm, folder_source, open_firm, prove_sums
from tscli.services.bridging import bridge

FIRST, DAYS = date(2026, 3, 1), 30
LATE = (3, 10, 23)
"""Days whose file comes half an hour before noon."""
AWAY = (5, 18)
"""Days on whose morning the provider cannot be asked until ten."""
OFF = (12, 13)
"""Days on whose morning the machine is off."""
CUT = (8,)
"""Days whose file is half there first."""
HOURS = (5, 6, 8, 9, 10, 12, 18)
"""Hours of a day that are played; an entry runs once in each at most."""


@pytest.fixture
def firm(
    cli: Cli, database: Database, clock: SetClock, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Firm:
    """A firm with a file a day, books closed on business days, and no webhook that arrives."""
    assert cli
    firm = open_firm(database, clock, home, monkeypatch)
    firm.sources = [folder_source(firm, every="day")]
    firm.configure(
        business_days=["mon", "tue", "wed", "thu", "fri"], report_formats=["json"],
        environment="production",
    )  # fmt: skip
    for days_before in range(1, 4):
        firm.put(FIRST - timedelta(days=days_before))
    return firm


def due(entries: list[Entry], on: date, hour: int) -> Iterator[tuple[datetime, Entry]]:
    """The entries of an hour, each at the first minute it is due in it, in the order of time."""
    start = datetime(on.year, on.month, on.day, hour, tzinfo=UTC)
    minutes = [start + timedelta(minutes=n) for n in range(60)]
    first = {
        i: next((at for at in minutes if entry.due(at)), None) for i, entry in enumerate(entries)
    }
    yield from sorted(
        ((at, entries[i]) for i, at in first.items() if at is not None), key=lambda one: one[0]
    )


@pytest.mark.slow
def test_a_month_that_runs_itself(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that the entries alone bring every day to its end, and that the check is right each
    hour."""
    entries = parse(firm.cli("schedule", "show", "cron").stdout)
    checks: dict[tuple[date, int], int] = {}
    for number in range(DAYS):
        on = FIRST + timedelta(days=number)
        after = on + timedelta(days=1)
        firm.sell(on, count=3)
        if number % 9 == 4:
            firm.dispute(on)
        firm.settle(on)
        lines = firm.exported(on)
        if number not in LATE:
            firm.put(on, [*lines[:-1], lines[-1][:30]] if number in CUT else lines)
        for hour in HOURS:
            if number in OFF and hour < 18:
                continue
            if (number in LATE or number in CUT) and hour == 12:
                firm.put(on, lines)
            with monkeypatch.context() as patched:
                if number in AWAY and hour < 10:
                    patched.setenv("TSCLI_STRIPE__BASE_URL", "http://127.0.0.1:9")
                for at, entry in due(entries, after, hour):
                    firm.clock.at = at
                    ran = firm.cli(*entry.words)
                    assert ran.exit_code in (0, 1, 3), (at, entry.words, ran.stderr)
                    if entry.words[0] == "runs":
                        checks[after, hour] = ran.exit_code
    _prove_checks(checks)
    _prove_end(firm)


def _prove_checks(checks: dict[tuple[date, int], int]) -> None:
    """At nine the check knows what is open; the run at ten past, or at noon, ends it."""
    for number in range(DAYS):
        on = FIRST + timedelta(days=number)
        if on.weekday() > 4 or on < FIRST + timedelta(days=1) or number in OFF:
            continue
        troubled = number in LATE + AWAY + CUT
        assert checks[on + timedelta(days=1), 9] == troubled, f"{on} at nine"
        assert checks[on + timedelta(days=1), 18] == 0, f"{on} in the evening"
    assert any(checks.values())


def _prove_end(firm: Firm) -> None:
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    listed = firm.cli("runs", "list", "--limit", "100", "--format", "json").data
    states = {one["name"]: one["state"] for one in listed if one["kind"] == "day"}
    business = [str(day) for day in days if day.weekday() < 5]
    assert [states.get(day) for day in business] == ["done"] * len(business)
    for day in business:
        assert firm.cli("reports", "verify", str(firm.home / "days" / day)).exit_code == 0, day
    assert prove_sums(firm, days) > 3 * DAYS
    firm.shop.prove_safe()
    assert firm.shop.unfinished() == []
    at = FIRST + timedelta(days=DAYS)
    found = bridge(
        firm.shop.context, firm.shop.owner, datetime(at.year, at.month, at.day, tzinfo=UTC)
    )
    assert [one.tie_out_minor for one in found] == [0]
    assert firm.cli("audit", "verify").exit_code == 0

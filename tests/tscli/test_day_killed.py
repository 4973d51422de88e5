"""Whatever moment a morning is killed at, the next one ends in the same books and reports."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from db.database import Database
from domain.clock import SetClock
from tests.servers.postgres import PostgresServer
from tests.tscli.deaths import commits, copy_file, interrupted, killed, papers, state
from tests.tscli.mornings import Firm, folder_source, lose_an_answer, open_firm
from tests.tscli.worlds import world_file

MONDAY = date(2026, 3, 2)
STEPS = ("webhooks", "recover", "fetch", "reconcile", "reports")
WORDS = ("day", "run", "--date", str(MONDAY), "--format", "json")

Outcome = tuple[int, dict[str, list[str]], dict[str, str]]
"""Exit code, books, reports."""


class Again:
    """The same evening again and again: books and world as they were before the first morning."""

    def __init__(self, firm: Firm, url: str, server: PostgresServer | None) -> None:
        self.firm, self.server, self.template = firm, server, url
        firm.shop.database.close()
        firm.shop.world.close()
        self.kept = firm.home / "kept"
        copy_file(world_file(), self.kept / "world.db")
        if server is None:
            self.books = Path(url.removeprefix("sqlite:///"))
            copy_file(self.books, self.kept / "books.db")
        self.url = url

    def restore(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The evening before."""
        copy_file(self.kept / "world.db", world_file())
        shutil.rmtree(self.firm.home / "days", ignore_errors=True)
        if self.server is None:
            copy_file(self.kept / "books.db", self.books)
            return
        if self.url != self.template:
            self.server.drop_database(self.url)
        self.url = self.server.create_database(self.template)
        monkeypatch.setenv("TSCLI_DATABASE_URL", self.url)

    def outcome(self) -> Outcome:
        """Run the morning to its end: exit code, books, reports."""
        ran = self.firm.cli(*WORDS)
        return ran.exit_code, state(self.url), papers(self.firm.home / "days" / str(MONDAY))


@pytest.fixture
def again(
    database: Database, database_url: str, clock: SetClock, home: Path,
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest,
) -> Again:  # fmt: skip
    """An evening with a lost answer, a lost webhook, a break to be found, and a file and an API."""
    monkeypatch.setenv("TSCLI_DATABASE_URL", database_url)
    firm = open_firm(database, clock, home, monkeypatch)
    firm.sources = [folder_source(firm)]
    firm.configure(report_formats=["json", "csv"])
    firm.sell(MONDAY, count=1)
    lose_an_answer(firm, MONDAY)
    firm.dispute(MONDAY)
    firm.settle(MONDAY)
    firm.put(MONDAY, [firm.exported(MONDAY)[0], *firm.exported(MONDAY)[2:]])
    firm.at(MONDAY + timedelta(days=1), 6)
    server = None if database_url.startswith("sqlite") else request.getfixturevalue("postgres")
    return Again(firm, database_url, server)


def prove_same(again: Again, clean: Outcome, where: str) -> None:
    """The morning after a death leads to where one without any leads."""
    exit_code, books, documents = again.outcome()
    assert exit_code == clean[0], where
    for table, rows in books.items():
        assert rows == clean[1][table], f"{table}, {where}"
    assert documents == clean[2], where


def begin(again: Again, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """What a morning leads to that nobody kills."""
    again.restore(monkeypatch)
    clean = again.outcome()
    assert (clean[0], bool(clean[2])) == (1, True), "it finds the break"
    return clean


def test_a_morning_killed_in_each_step_ends_in_the_same_books(
    again: Again, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves it for a death when the step's work is done and nothing says so yet."""
    clean = begin(again, monkeypatch)
    for number, step in enumerate(STEPS):
        again.restore(monkeypatch)
        assert killed(WORDS, 2 * number + 3, before=True, of_steps=True), step
        assert again.firm.check("--date", str(MONDAY)) == (1, "running")
        prove_same(again, clean, f"killed at the end of {step}")


def test_an_interrupted_morning_goes_on(again: Again, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves exit 130 for Ctrl-C, and that the same words go on from there."""
    clean = begin(again, monkeypatch)
    again.restore(monkeypatch)
    assert interrupted(WORDS, 15) == 130
    assert again.firm.check("--date", str(MONDAY)) == (1, "running")
    prove_same(again, clean, "interrupted")


@pytest.mark.slow
def test_a_morning_killed_at_any_commit_ends_in_the_same_books(
    again: Again, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves it for a death right before and right after each commit."""
    clean = begin(again, monkeypatch)
    again.restore(monkeypatch)
    count = commits(WORDS)
    assert count > 40, "steps begin and end, and do something"
    for commit in range(1, count + 1):
        for before in (True, False):
            again.restore(monkeypatch)
            killed(WORDS, commit, before=before)
            ended = commit == count and not before  # what is done already is exit 0
            expected = (0, *clean[1:]) if ended else clean
            prove_same(again, expected, f"killed at commit {commit} of {count}")

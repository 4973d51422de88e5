"""Who hears of a morning: one message per command, no news no message, and no secret anywhere."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from db.database import Database
from domain.clock import SetClock
from tests.conftest import Cli
from tests.db.attacks import shell
from tests.servers.hooks import HookServer
from tests.tscli.mornings import Firm, folder_source, open_firm

MONDAY = date(2026, 3, 2)
TOKEN = "canary-0123456789"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One database is enough for what is said to whom."""
    return f"sqlite:///{tmp_path / 'books' / 'tscli.db'}"


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    """A server that hears everything."""
    with HookServer() as server:
        yield server


@pytest.fixture
def firm(
    cli: Cli, database: Database, clock: SetClock, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Firm:
    """A firm whose file of the day is not there yet."""
    assert cli
    firm = open_firm(database, clock, home, monkeypatch)
    firm.sources = [folder_source(firm)]
    return firm


def rule(hooks: HookServer, name: str = "finance", **more: Any) -> dict[str, Any]:
    """A rule whose address holds a secret."""
    return {"name": name, "urls": [f"json://{hooks.place}/{TOKEN}/{name}"]} | more


def heard(hooks: HookServer) -> list[tuple[str, str, str]]:
    """(rule, severity, title) of every message since the last time; a heartbeat is none."""
    found = [
        (path.rpartition("/")[2], m["type"], m["title"]) for path, m in hooks.got if "type" in m
    ]
    hooks.got.clear()
    return found


def test_one_message_by_each_rule_that_wants_it_and_none_twice(
    firm: Firm, hooks: HookServer
) -> None:
    """Proves events, severities, silence while nothing changes, and the end of a trouble told."""
    firm.rules = [
        rule(hooks),
        rule(hooks, "everything", events=["done", "findings", "unknown", "open", "failed"]),
        rule(hooks, "oncall", severity="critical"),
    ]
    firm.configure()
    firm.sell(MONDAY)
    firm.at(MONDAY + timedelta(days=1), 6)
    assert firm.run().exit_code == 3
    title = "[test] 2026-03-02: open"
    assert heard(hooks) == [("finance", "warning", title), ("everything", "warning", title)]
    firm.clock.advance(timedelta(hours=1))
    assert firm.run().exit_code == 3
    assert heard(hooks) == [], "the same state is told once"
    firm.put(MONDAY)
    assert firm.run().exit_code == 0
    done = "[test] 2026-03-02: done"
    assert heard(hooks) == [("finance", "info", done), ("everything", "info", done)]
    assert firm.run().exit_code == 0
    assert heard(hooks) == []


def test_days_that_are_caught_up_are_one_message(firm: Firm, hooks: HookServer) -> None:
    """Proves that a week without a run is told in one message that names every day."""
    firm.rules = [rule(hooks)]
    firm.configure()
    firm.at(MONDAY + timedelta(days=1), 6)
    firm.run()
    heard(hooks)
    firm.at(MONDAY + timedelta(days=5), 6)
    assert firm.run("--catch-up").exit_code == 3
    ((_, message),) = hooks.got
    assert message["title"] == "[test] 2026-03-06: open and 4 more days"
    named = [line.split(":")[0] for line in message["message"].splitlines() if line[0] == "2"]
    assert named == [str(MONDAY + timedelta(days=n)) for n in range(5)]


def test_a_messenger_who_fails_fails_nothing_and_tells_no_secret(
    firm: Firm, hooks: HookServer, database_url: str
) -> None:
    """Proves that a refusal is shown and kept, tried again, and that no address ever appears."""
    firm.rules = [rule(hooks, events=["done"])]
    firm.configure(heartbeat_url=f"http://{hooks.place}/{TOKEN}/beat")
    firm.sell(MONDAY)
    firm.put(MONDAY)
    firm.at(MONDAY + timedelta(days=1), 6)
    hooks.status = 500
    ran = firm.run()
    assert ran.exit_code == 0
    assert "Notification finance: not sent, 0 of 1 accepted it; JSON answered 500." in ran.stderr
    assert "The heartbeat was not accepted: It answered 500." in ran.stderr
    shown = firm.cli("runs", "show", str(MONDAY), "--format", "json")
    kept = next(one for one in shown.data["steps"] if one["step"] == "notify")
    assert (kept["state"], kept["reason"]) == ("open", "refused")
    tested = firm.cli("notify", "test", "--rule", "finance")
    config = firm.cli("config", "show")
    assert tested.exit_code == 1
    for said in (ran, shown, tested, config):
        assert TOKEN not in said.stdout + said.stderr
    with shell(database_url) as sql:
        assert TOKEN not in repr(sql.everything())
    hooks.status = 200
    heard(hooks)
    assert firm.run().exit_code == 0
    assert [name for name, _, _ in heard(hooks)] == ["finance"]
    assert firm.cli("notify", "test").exit_code == 0


@pytest.mark.parametrize(
    "url", ["json://hooks.example.com/x", "mailto://a:b@mail.example.com", "nonsense"]
)
def test_addresses_that_cannot_be_trusted_are_refused(firm: Firm, url: str) -> None:
    """Proves that nothing goes unencrypted to another machine, and that the run does not mind."""
    firm.rules = [{"name": "finance", "urls": [url], "events": ["open"]}]
    firm.configure()
    firm.at(MONDAY + timedelta(days=1), 6)
    ran = firm.run()
    assert (ran.exit_code, "Notification finance: not sent" in ran.stderr) == (3, True)
    refused = firm.cli("notify", "test")
    assert refused.exit_code == 2
    assert url.rpartition("/")[2] not in refused.stderr


def test_the_heartbeat_names_its_environment(firm: Firm, hooks: HookServer) -> None:
    """Proves that the file is written whole, and never over another environment's."""
    path = firm.home / "beat.json"
    firm.configure(
        heartbeat_file=str(path), heartbeat_url=f"http://{hooks.place}/b", environment="production"
    )
    firm.put(MONDAY)
    firm.at(MONDAY + timedelta(days=1), 6)
    assert firm.run().exit_code == 0
    beat = json.loads(path.read_bytes())
    assert (beat["environment"], beat["date"], beat["outcome"], beat["exit_code"]) == (
        "production", "2026-03-02", "done", 0,
    )  # fmt: skip
    assert [body for _, body in hooks.got] == [beat]
    firm.configure(environment="staging", heartbeat_url="http://hooks.example.com/b")
    firm.at(MONDAY + timedelta(days=2), 6)
    ran = firm.run()
    assert "it was left as it is" in ran.stderr
    assert "neither https nor on this machine" in ran.stderr
    assert json.loads(path.read_bytes()) == beat

"""Around the money: rehearsals write nothing, nobody is charged unasked, results go one place."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.db.attacks import shell
from tests.tscli.worlds import everything, moved, world_file

CREATE = ("payments", "create", "--amount", "10.00", "--currency", "USD")
CREATE += ("--method", "pm_card_visa")
JSON = ("--format", "json")


@pytest.mark.parametrize(
    "words",
    [
        (*CREATE, "--order", "new", "--customer", "somebody"),
        ("payments", "refund", "{captured}", "--amount", "1.00"),
        ("payments", "capture", "{held}"),
        ("payments", "cancel", "{held}"),
        ("methods", "remove", "{method}"),
        ("db", "upgrade"),
    ],
)
def test_a_rehearsal_changes_nothing(cli: Cli, database_url: str, words: tuple[str, ...]) -> None:
    """Proves for every writing command that --dry-run touches neither the books nor the world."""
    ids = {
        "captured": cli(*CREATE, "--yes", *JSON).data["id"],
        "held": cli(*CREATE, "--no-capture", "--yes", *JSON).data["id"],
        "method": cli("methods", "add", "--token", "pm_card_visa", "--customer", "c", *JSON).data[
            "id"
        ],
    }
    world = everything(world_file())
    with shell(database_url) as sql:
        books = sql.everything()
        ran = cli(*(word.format(**ids) for word in words), "--dry-run", *JSON)
        assert ran.exit_code == 0
        assert ran.data["dry_run"] is True
        assert sql.everything() == books
    assert everything(world_file()) == world


def test_a_rehearsed_method_is_only_looked_up(cli: Cli, database_url: str) -> None:
    """Proves that trying a token keeps nothing here and makes no customer at the provider."""
    cli("db", "upgrade")
    with shell(database_url) as sql:
        books = sql.everything()
        words = ("methods", "add", "--token", "pm_card_visa", "--customer", "somebody")
        ran = cli(*words, "--dry-run", *JSON)
        assert (ran.exit_code, ran.data["last4"]) == (0, "4242")
        assert sql.everything() == books
    assert not any("somebody" in line or "'cus_" in line for line in everything(world_file()))


def test_a_rehearsal_refuses_what_the_command_would(cli: Cli) -> None:
    """Proves that --dry-run runs the same checks: amounts, orders, states, limits."""
    pay = cli(*CREATE, "--order", "o1", "--yes", *JSON).data["id"]
    assert cli(*CREATE, "--order", "o1", "--dry-run").exit_code == 5
    assert cli("payments", "refund", pay, "--amount", "10.01", "--dry-run").exit_code == 2
    assert cli("payments", "cancel", pay, "--dry-run").exit_code == 5
    assert cli("payments", "capture", pay, "--dry-run").exit_code == 5


@pytest.mark.parametrize(
    "words",
    [
        CREATE,
        ("payments", "refund", "{held}"),
        ("payments", "capture", "{held}"),
        ("payments", "cancel", "{held}"),
    ],
)
def test_nobody_is_charged_unasked(sqlite_cli: Cli, words: tuple[str, ...]) -> None:
    """Proves that without --yes and without a terminal no money moves."""
    held = sqlite_cli(*CREATE, "--no-capture", "--yes", *JSON).data["id"]
    before = everything(world_file())
    ran = sqlite_cli(*(word.format(held=held) for word in words))
    assert ran.exit_code == 2
    assert "--yes" in ran.stderr
    assert everything(world_file()) == before


def test_results_go_to_a_private_file(sqlite_cli: Cli, tmp_path: Path) -> None:
    """Proves that --output writes the result for its owner only and leaves stdout empty."""
    file = tmp_path / "out.json"
    ran = sqlite_cli(*CREATE, "--yes", *JSON, "--output", str(file))
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert json.loads(file.read_text())["data"]["state"] == "succeeded"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["link", "dangling", "folder", "nowhere/out.json"])
def test_results_go_nowhere_else(sqlite_cli: Cli, tmp_path: Path, place: str) -> None:
    """Proves that links, folders and missing folders are refused, and what they name is kept."""
    target = tmp_path / "target"
    target.write_text("kept")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "dangling").symlink_to(tmp_path / "missing")
    (tmp_path / "folder").mkdir()
    ran = sqlite_cli("payments", "list", *JSON, "--output", str(tmp_path / place))
    assert ran.exit_code == 2
    assert target.read_text() == "kept"
    assert not (tmp_path / "missing").exists()
    assert sorted(p.name for p in tmp_path.glob(".*")) == []


@pytest.fixture
def silence() -> Iterator[int]:
    """A provider that takes connections and never says a word; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=take)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(timeout=5)
    for connection in held:
        connection.close()


def test_an_interrupted_charge_goes_on_with_its_key(
    sqlite_cli: Cli, silence: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that Ctrl-C while the provider is silent is 130, and the same words finish it."""
    words = [*CREATE, "--idempotency-key", "k", "--order", "o1", "--yes", *JSON]
    env = {**os.environ, "TSCLI_STRIPE__BASE_URL": f"http://127.0.0.1:{silence}"}
    running = subprocess.Popen(
        [sys.executable, "-m", "tscli", *words],
        env=env | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _wait_for_operation(sqlite_cli)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=20)
    assert running.returncode == 130
    assert stdout == b""
    assert b"Traceback" not in stderr
    assert sqlite_cli("payments", "list", *JSON).data[0]["state"] == "processing"
    done = sqlite_cli(*words)
    assert (done.exit_code, done.data["state"]) == (0, "succeeded")
    assert moved() == [1_000]


def _wait_for_operation(cli: Cli) -> None:
    pause = threading.Event()
    for _ in range(200):
        listed = cli("payments", "list", *JSON).data
        if listed and listed[0]["state"] == "processing":
            return
        pause.wait(0.05)
    raise AssertionError("the command never got as far as the provider")


def test_a_silent_provider_is_an_unknown_outcome(
    sqlite_cli: Cli, silence: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a deadline is kept, told as unknown with the payment's name, and is exit 6."""
    monkeypatch.setenv("TSCLI_STRIPE__BASE_URL", f"http://127.0.0.1:{silence}")
    monkeypatch.setenv("TSCLI_STRIPE__DEADLINE_SECONDS", "1")
    monkeypatch.setattr("tscli.services.drive.RESENDS", 0)
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    ran = sqlite_cli(*CREATE, "--yes", *JSON)
    assert ran.exit_code == 6
    error = json.loads(ran.stderr.splitlines()[-1])["error"]
    pay = sqlite_cli("payments", "list", *JSON).data[0]
    assert error["code"] == "outcome_unknown"
    assert pay["id"] in error["hint"]
    assert pay["state"] == "processing"


def test_no_provider_at_all_is_exit_3(sqlite_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that a refused connection is told as such, with payment and key to go on with."""
    monkeypatch.setenv("TSCLI_STRIPE__BASE_URL", "http://127.0.0.1:1")
    ran = sqlite_cli(*CREATE, "--yes", *JSON)
    assert ran.exit_code == 3
    error = json.loads(ran.stderr.splitlines()[-1])["error"]
    pay = sqlite_cli("payments", "list", *JSON).data[0]
    assert error["code"] == "unavailable"
    assert pay["id"] in error["hint"]
    assert "--idempotency-key" in error["hint"]

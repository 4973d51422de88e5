"""The command tree as a contract: help everywhere, formats everywhere, exit codes as documented."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.conftest import Cli
from tscli.main import app
from tscli.render.talk import exit_code


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the tree with its words."""
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    context = command.make_context("tscli", [], resilient_parsing=True)
    for name in command.list_commands(context):
        yield from leaves(command.get_command(context, name), (*path, name))


COMMANDS = list(leaves(typer.main.get_command(app)))
NO_RESULT = {("serve",), ("sandbox", "serve"), ("sandbox", "reset"), ("sandbox", "export"),
    ("db", "grants"),
}  # fmt: skip
WRITING = {
    ("breaks", "assign"), ("breaks", "comment"), ("breaks", "reopen"), ("breaks", "resolve"),
    ("breaks", "snooze"), ("breaks", "write-off"), ("reconcile", "import"),
    ("payments", "create"), ("payments", "capture"), ("payments", "cancel"),
    ("payments", "refund"), ("methods", "add"), ("methods", "remove"), ("ledger", "import"),
    ("reconcile", "run"), ("db", "upgrade"), ("sandbox", "reset"), ("providers", "pause"),
    ("sandbox", "deliver"), ("audit", "seal"), ("db", "backup"), ("db", "restore"),
    ("providers", "resume"), ("recover", "sweep"), ("recover", "retry"), ("recover", "cancel"),
    ("recover", "orphans"), ("recover", "resolve"), ("approvals", "approve"),
    ("approvals", "reject"), ("payments", "reauthorize"), ("methods", "setup"),
    ("webhooks", "receive"), ("day", "run"), ("day", "accept"),
    ("webhooks", "replay"), ("webhooks", "backfill"), ("webhooks", "retry"),
    ("webhooks", "discard"), ("webhooks", "resend"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(p) for p, _ in COMMANDS])
def test_every_command_explains_itself_and_shows_results_alike(
    path: tuple[str, ...], command: Any
) -> None:
    options = {flag for p in command.params for flag in getattr(p, "opts", [])}
    assert command.help
    assert command.help.strip().endswith(".") or "\n" in command.help
    for param in command.params:
        assert getattr(param, "help", None) or param.name == "help", param.name
    if path not in NO_RESULT:
        assert {"--format", "--output"} <= options
    assert ("--dry-run" in options) == (path in WRITING)
    secrets = ("key", "secret", "password", "token")
    named = {o for o in options if o.startswith("--") and any(s in o for s in secrets)}
    assert named <= {"--idempotency-key", "--token"}, "secrets never come from the command line"


def test_help_fits_eighty_columns(sqlite_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for path, _ in COMMANDS:
        ran = sqlite_cli(*path, "--help")
        assert ran.exit_code == 0
        assert max(map(len, ran.stdout.splitlines())) <= 80


@pytest.mark.parametrize("word", ["payments", "reconcile", "breaks", "doctor", "demo"])
def test_completion_offers_the_commands(word: str, home: Path) -> None:
    env = os.environ | {
        "_TSCLI_COMPLETE": "complete_bash", "COMP_WORDS": "tscli ", "COMP_CWORD": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tscli"], env=env, capture_output=True, text=True, check=False
    )
    assert word in done.stdout.split()


def test_unknown_words_are_exit_two_and_results_stay_empty(sqlite_cli: Cli) -> None:
    for words in (["frobnicate"], ["payments", "create"], ["payments", "show", "nonsense"]):
        ran = sqlite_cli(*words)
        assert ran.exit_code == 2, words
        assert ran.stdout == "" or "Usage" in ran.stdout


def test_every_deliberate_error_has_an_exit_code_a_code_and_a_hint() -> None:
    import domain.errors as errors

    kinds = [
        k for k in vars(errors).values() if isinstance(k, type) and k.__module__ == errors.__name__
    ]
    codes = [k.code for k in kinds]
    assert len(set(codes)) == len(codes)
    for kind in kinds:
        made = kind("what happened")
        assert exit_code(made) in (1, 2, 3, 4, 5, 6), kind
    named = {k.__name__: exit_code(k("x")) for k in kinds}
    assert named["OutcomeUnknown"] == 6
    assert named["Declined"] == named["Rejected"] == named["SelfApproval"] == 4
    assert named["Unavailable"] == named["CircuitOpen"] == named["UnreadableExport"] == 3
    assert named["InvalidTransition"] == named["AlreadyExists"] == 5
    assert named["UnknownCurrency"] == named["ConfigurationError"] == 2


def test_a_bug_is_confessed_without_details(
    sqlite_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tscli.app import App

    def broken(self: App, reason: str = "") -> None:
        canary = "sk_test_canary"
        raise ZeroDivisionError(canary)

    monkeypatch.setattr(App, "context", broken)
    ran = sqlite_cli("payments", "list")
    assert ran.exit_code == 70
    assert "canary" not in ran.stderr
    assert "--debug" in ran.stderr
    with pytest.raises(ZeroDivisionError):
        sqlite_cli("--debug", "payments", "list")


def test_an_interrupt_is_130(sqlite_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from tscli.app import App

    def interrupted(self: App, reason: str = "") -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(App, "context", interrupted)
    assert sqlite_cli("payments", "list").exit_code == 130


def test_a_closed_pipe_is_no_traceback(home: Path) -> None:
    program = [sys.executable, "-m", "tscli", "providers", "list", "--format", "json"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        talk = running.stderr.read().decode()
    assert "Traceback" not in talk
    assert "internal error" not in talk


def test_json_is_an_envelope_and_a_pipe_gets_no_colour(
    sqlite_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    ran = sqlite_cli("providers", "list", "--format", "json")
    assert json.loads(ran.stdout)["schema"] == "tscli/providers.list/1"
    for form in ("table", "json", "csv"):
        assert "\x1b" not in sqlite_cli("providers", "list", "--format", form).stdout

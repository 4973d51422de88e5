"""Entries for cron and systemd: each line is one that cron, sh and systemd take, and runs tscli."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.tscli.crontab import parse

WORDS = [
    "day run --catch-up", "runs check", "recover sweep", "webhooks apply",
    "webhooks backfill --provider stripe --since 6h",
    "webhooks backfill --provider paypal --since 6h", "audit seal",
]  # fmt: skip
HARDENED = {
    "User=pay", "EnvironmentFile=/etc/pay.env", "NoNewPrivileges=yes", "ProtectSystem=strict",
    "PrivateTmp=yes", "CapabilityBoundingSet=",
}  # fmt: skip
ASKED = ("--program", "/opt/tscli/bin/tscli", "--user", "pay", "--environment-file", "/etc/pay.env")


def test_cron_lines_parse_and_name_everything(sqlite_cli: Cli) -> None:
    """Proves that each entry has five fields, a user, settings, a lock, and an absolute program."""
    text = sqlite_cli("schedule", "show", "cron", *ASKED).stdout
    entries = parse(text)
    assert [" ".join(one.words) for one in entries] == WORDS
    for one in entries:
        assert one.user == "pay"
        assert "%" not in one.line, "cron would end the line there"
        assert one.line.startswith("set -a; . /etc/pay.env; ")
        assert one.program == "/opt/tscli/bin/tscli"
        assert ("flock -n -E 5 /run/lock/tscli-" in one.line) == (one.words[0] != "runs")
        checked = subprocess.run(["sh", "-n", "-c", one.line], capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr


@pytest.fixture
def lines(sqlite_cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The entries of cron, for a program and a log of this test's own."""
    folder, settings = home / "bin", home / "env"
    folder.mkdir()
    for name, text in (("tscli", 'echo "$TSCLI_OPERATOR $*"; exit $1'), ("logger", "cat > log")):
        (folder / name).write_text(f"#!/bin/sh\n{text.replace('$1', '${CODE:-0}')}\n")
        (folder / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    settings.write_text("TSCLI_OPERATOR=cron\n")
    asked = ("--program", str(folder / "tscli"), "--environment-file", str(settings))
    entries = parse(sqlite_cli("schedule", "show", "cron", *asked).stdout)
    return [one.line.replace("/run/lock/", f"{home}/") for one in entries]


def test_a_line_runs_with_its_settings_and_its_lock(lines: list[str], home: Path) -> None:
    """Proves that the line as it stands starts the program with the file's settings, tells the log,
    prints nothing that cron would mail, and starts nothing while another one is at it."""
    ran = subprocess.run(["sh", "-c", lines[0]], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("", "")
    assert (home / "log").read_text() == "cron day run --catch-up\n"
    locked = f"flock {home}/tscli-day.lock sh -c {shlex.quote(lines[0])}"
    subprocess.run(["sh", "-c", locked], capture_output=True, check=False)
    assert (home / "log").read_text() == "", "it was not started"


@pytest.mark.parametrize(("code", "mailed"), [("0", ""), ("1", "cron runs check\n")])
def test_only_the_alarm_is_mailed(
    lines: list[str], monkeypatch: pytest.MonkeyPatch, code: str, mailed: str
) -> None:
    """Proves that cron mails the check's sentence when it fails, and nothing when it does not."""
    monkeypatch.setenv("CODE", code)
    ran = subprocess.run(["sh", "-c", lines[1]], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == (mailed, "")


def test_systemd_takes_the_units(sqlite_cli: Cli, home: Path) -> None:
    """Proves that every unit is hardened and persistent, and that systemd finds no fault in it."""
    report_folder = Path(os.environ["XDG_STATE_HOME"]) / "tscli" / "days"
    rows = sqlite_cli("schedule", "show", "systemd", *ASKED, "--format", "json").data
    files = {Path(row["file"]).name: row["content"] for row in rows}
    assert len(files) == 2 * len(WORDS)
    for name, text in files.items():
        if name.endswith(".timer"):
            assert "Persistent=true" in text
            continue
        assert set(text.splitlines()) >= HARDENED, name
        assert re.search(r"^ExecStart=/opt/tscli/bin/tscli [a-z]", text, re.M)
        assert f"ReadWritePaths=-{report_folder}" in text.splitlines()
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not on this machine")
    for name, text in files.items():
        (home / name).write_text(text.replace("/opt/tscli/bin/tscli", "/bin/true"))
    names = [str(home / name) for name in files]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "tscli-" in line]
    assert said == []


@pytest.mark.parametrize(
    "words", [("--user", "a b"), ("--program", "tscli"), ("--environment-file", "/etc/%x")]
)
def test_what_cron_would_misread_is_refused(sqlite_cli: Cli, words: tuple[str, str]) -> None:
    """Proves that no name can end a line or become another command."""
    assert sqlite_cli("schedule", "show", "cron", *words).exit_code == 2

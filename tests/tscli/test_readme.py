"""The README is true: its commands run, its settings are the settings, its exit codes the codes."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.conftest import Cli
from tscli.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

FINDINGS = {
    "reconcile files": 3, "reconcile run": 3, "reports reconciliation": 1, "reports daily": 1,
    "reports monthly": 1,
}  # fmt: skip
"""The sample files hold an unreadable row and breaks on purpose."""


def commands() -> list[str]:
    """Every command of the console blocks, in order."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_every_command_of_the_tour_runs(sqlite_cli: Cli, home: Path) -> None:
    shutil.copytree(ROOT / "sample_data", home / "sample_data")
    assert len(commands()) > 8
    for command in commands():
        program, *words = shlex.split(command)
        assert program == "tscli"
        ran = sqlite_cli(*words)
        wanted = next((c for name, c in FINDINGS.items() if " ".join(words).startswith(name)), 0)
        assert ran.exit_code == wanted, f"{command}\n{ran.stdout}{ran.stderr}"
    assert (home / "breaks.csv").read_text().count("\n") > 10
    assert "<svg" in (home / "report.html").read_text()


def test_every_setting_stands_in_the_table() -> None:
    names = set()
    for name, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        for key in inner or [""]:
            names.add(f"TSCLI_{name}__{key}".upper() if key else f"TSCLI_{name}".upper())
    elsewhere = ("TSCLI_DAY__", "TSCLI_POSTGRESQL__")  # in docs/settings.md
    names = {name for name in names if not name.startswith(elsewhere)}
    assert names == set(re.findall(r"^\| `(TSCLI_[A-Z_]+)` \|", README, re.M))


@pytest.mark.parametrize("word", ["make demo", "make test", "make check"])
def test_the_make_targets_exist(word: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert f"\n{word.split()[1]}:" in makefile

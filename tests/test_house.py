"""The house stands as designed: its rooms, the arrows between them, a start that loads little."""

import ast
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("domain", "providers", "db", "reconcile", "reports", "tscli")
TOP_LEVEL = {
    *ROOMS, "tests", "sample_data", "docs", "pyproject.toml", "README.md", "requirements.lock",
    "Makefile", "CHANGELOG.md", "CONTRIBUTING.md", "DECISIONS.md", "LICENSE", ".ci", ".gitignore",
    ".gitattributes",
}  # fmt: skip
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]


def lint(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The import contracts applied to the tree at `root`."""
    start = "from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", start, "--no-cache", "--no-logo", *options],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_top_level_is_what_was_agreed() -> None:
    """No further room and no stray file; what .gitignore names is made, not kept."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
    kept = {
        path.name
        for path in ROOT.iterdir()
        if path.name != ".git" and not any(fnmatch.fnmatch(path.name, i) for i in ignored)
    }

    assert kept == TOP_LEVEL


def test_every_contract_is_kept() -> None:
    """The arrows of the design hold for the whole tree."""
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout


PLANTED = {
    "house": ("domain/planted.py", "import db.database"),
    "application": ("tscli/services/planted.py", "import tscli.main"),
    "providers": ("providers/sandbox/planted.py", "import providers.stripe"),
    "registry": ("tscli/render/planted.py", "import providers.sandbox"),
    "port": ("tscli/services/planted.py", "import providers.registry"),
    "domain": ("domain/planted.py", "import pandas"),
    "sql": ("tscli/commands/planted.py", "import sqlalchemy"),
    "wire": ("reconcile/planted.py", "import stripe"),
    "frames": ("db/planted.py", "import pandas"),
    "bank": ("reports/planted.py", "import mt940"),
    "templates": ("tscli/render/planted.py", "import jinja2"),
    "notices": ("tscli/commands/planted.py", "import apprise"),
    "terminal": ("reports/planted.py", "import rich"),
}
"""Contract -> a file and the import in it that breaks this contract."""


def test_every_contract_can_be_broken(tmp_path: Path) -> None:
    """One forbidden import planted for each contract in a copy of the tree: each is reported."""
    for name in ROOMS:
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, statement in PLANTED.values():
        with (tmp_path / path).open("a") as file:
            file.write(f"{statement}\n")

    report = lint(tmp_path)

    assert report.returncode == 1, report.stdout + report.stderr
    assert set(PLANTED) == {contract["id"] for contract in CONTRACTS}
    kept = [c["name"] for c in CONTRACTS if f"{c['name']} BROKEN" not in report.stdout]
    assert not kept, report.stdout


def test_a_new_module_of_the_application_needs_a_floor(tmp_path: Path) -> None:
    """`exhaustive`: a module that no layer names is refused, so nothing grows beside the layers."""
    for name in ROOMS:
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tscli" / "attic.py").write_text('"""Not named by any layer."""\n')

    report = lint(tmp_path, "--contract", "application")

    assert report.returncode == 1
    assert "attic" in report.stdout


def test_every_provider_stands_under_the_contracts() -> None:
    """A new provider's folder is entered in both lists, or this says so."""
    folders = {
        f"providers.{init.parent.name}" for init in (ROOT / "providers").glob("*/__init__.py")
    }
    named = {contract["id"]: contract for contract in CONTRACTS}

    assert set(named["providers"]["modules"]) == folders
    assert set(named["registry"]["protected_modules"]) == folders


def test_the_domain_imports_the_standard_library_only() -> None:
    """Any package at all, not only those a contract thought of."""
    for path in (ROOT / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            foreign = {n.partition(".")[0] for n in names} - sys.stdlib_module_names - {"domain"}
            assert not foreign, f"{path.name}: {foreign}"


HEAVY = {"pandas", "pyarrow", "numpy", "stripe", "jinja2", "starlette", "uvicorn", "fastapi"}
"""What a command that does not need it must not load: together they take about a second."""

START = """
import atexit, json, os, sys
sys.argv = ["tscli", *sys.argv[1:]]
from tscli.__main__ import run
def tell():
    with open(os.environ["LOADED"], "w") as file:
        json.dump(sorted(sys.modules), file)
atexit.register(tell)
run()
"""


class Terminal:
    """Runs `tscli` in processes of their own, in an empty home, and reads what each one loaded."""

    def __init__(self, home: Path) -> None:
        self._loaded = home / "loaded.json"
        folders = {
            f"XDG_{n}_HOME": str(home / n.lower()) for n in ("DATA", "CONFIG", "STATE", "CACHE")
        }
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("TSCLI_", "STRIPE_", "XDG_"))
        }
        places = {"HOME": str(home), "PYTHONPATH": str(ROOT), "LOADED": str(self._loaded)}
        self._environment = kept | folders | places
        self._home = home

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command; its output and exit code."""
        return subprocess.run(
            [sys.executable, "-c", START, *words],
            cwd=self._home,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def loaded(self) -> set[str]:
        """Top-level packages that the last command had imported when it ended."""
        return {name.partition(".")[0] for name in json.loads(self._loaded.read_text())}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in a fresh home."""
    return Terminal(tmp_path)


def test_help_loads_none_of_the_heavy_packages(terminal: Terminal) -> None:
    """Nor the database: the words are listed without anything behind them."""
    result = terminal.run("--help")

    assert result.returncode == 0, result.stderr
    assert "payments" in result.stdout
    assert not terminal.loaded() & (HEAVY | {"sqlalchemy", "psycopg", "alembic", "pydantic"})


def test_looking_for_a_payment_that_is_not_there_loads_none(terminal: Terminal) -> None:
    """The database is opened, and its answer is a sentence, not a trace."""
    result = terminal.run("payments", "show", "pay_x")

    assert result.returncode not in (0, 70), result.stderr
    assert "pay_x" in result.stderr
    assert "Traceback" not in result.stderr
    assert not terminal.loaded() & HEAVY


def test_showing_a_payment_loads_none(terminal: Terminal) -> None:
    """A payment made in another process is shown whole without the provider's library."""
    words = "--amount 100.00 --currency USD --provider stripe --method pm_card_visa --order o1"
    made = terminal.run("payments", "create", *words.split(), "--yes", "--format", "json")
    assert made.returncode == 0, made.stderr
    payment_id = json.loads(made.stdout)["data"]["id"]

    result = terminal.run("payments", "show", payment_id)

    assert result.returncode == 0, result.stderr
    assert payment_id in result.stdout
    assert not terminal.loaded() & HEAVY


def test_the_measure_sees_what_is_loaded(terminal: Terminal) -> None:
    """Creating a payment does need the provider's library: the same measure finds it."""
    words = "--amount 100.00 --currency USD --provider stripe --method pm_card_visa --order o1"
    terminal.run("payments", "create", *words.split(), "--yes", "--format", "json")

    assert "stripe" in terminal.loaded()

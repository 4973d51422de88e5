"""What a small command costs from start to exit, beside a bare Typer program that imports
SQLAlchemy.

Run `python -m tests.benchmarks.interactive [--rounds 15] [--breaks 100000]`. The programs take
turns, each as a process of its own, on books with one payment and so many open breaks.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.report_of_many import build

ROOT = Path(__file__).resolve().parents[2]
_BARE = """
import sqlalchemy
import typer

app = typer.Typer()


@app.command()
def show(payment: str) -> None:
    print(payment)


@app.command()
def other() -> None:
    pass


app()
"""


def commands(folder: Path, breaks: int) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Every contender's words by its name, and the environment they run in."""
    path = build(folder, 1_000, breaks)
    bare = folder / "bare.py"
    bare.write_text(_BARE)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "pyc"),
        "TSCLI_DATABASE_URL": f"sqlite:///{path}",
    }
    ours = [sys.executable, "-m", "tscli"]
    words = "--amount 5.00 --currency USD --method pm_card_visa --order o1 --yes --format json"
    made = subprocess.run(
        [*ours, "payments", "create", *words.split()],
        env=environment, cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    payment = made.stdout.split('"id": "', 1)[1].split('"', 1)[0]
    return {
        "bare Typer and SQLAlchemy": [sys.executable, str(bare), "show", payment],
        "--help": [*ours, "--help"],
        "payments show": [*ours, "payments", "show", payment],
        "breaks list": [*ours, "breaks", "list"],
        "completion": ours,
    }, environment


def run(name: str, words: list[str], environment: dict[str, str], folder: Path) -> float:
    """Seconds of one process."""
    if name == "completion":
        asked = {"_TSCLI_COMPLETE": "complete_bash", "COMP_WORDS": "tscli pay", "COMP_CWORD": "1"}
        environment = environment | asked
    started = time.perf_counter()
    done = subprocess.run(words, env=environment, cwd=folder, check=False, capture_output=True)
    seconds = time.perf_counter() - started
    if done.returncode or not done.stdout:
        raise SystemExit(f"{name} ended with {done.returncode}: {done.stderr.decode()}")
    return seconds


def main() -> int:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=15)
    words.add_argument("--breaks", type=int, default=100_000)
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="interactive-") as name:
        folder = Path(name)
        contenders, environment = commands(folder, chosen.breaks)
        took: dict[str, list[float]] = {contender: [] for contender in contenders}
        for turn in range(chosen.rounds + 1):
            for contender, called in contenders.items():
                seconds = run(contender, called, environment, folder)
                if turn:  # the first one compiles
                    took[contender].append(seconds)
        base = statistics.median(next(iter(took.values())))
        for contender, seconds in took.items():
            print(f"{contender:28}{statistics.median(seconds) / base:6.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Time and peak memory of `reconcile files` beside a bare DuckDB join and datacompy.

Run `python -m tests.benchmarks.reconcile_files [--rows 1000000] [--rounds 3]`. Rounds are
interleaved, each contender runs in a process of its own from start to exit, and every result is
checked against the breaks that were planted.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.planted_world import World, build

ROOT = Path(__file__).resolve().parents[2]

NAMES = ("tscli", "duckdb", "datacompy")


@dataclass
class Measured:
    """All rounds of one contender."""

    name: str
    seconds: list[float] = field(default_factory=list)
    peak_mb: list[int] = field(default_factory=list)
    found: frozenset[tuple[str, str]] = frozenset()


def environment(folder: Path) -> dict[str, str]:
    """Every contender starts from compiled modules and may use the same processors."""
    made = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    made |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(folder / "pyc")}
    threads = str(len(os.sched_getaffinity(0)))
    return made | {"OMP_NUM_THREADS": threads, "POLARS_MAX_THREADS": threads}


def run_once(name: str, world: World, folder: Path) -> tuple[float, int, Path]:
    """One contender from process start to exit: seconds, peak MB, its findings."""
    out = folder / f"{name}.csv"
    script = Path(__file__).with_name("contenders.py")
    command = [sys.executable, str(script), name, str(world.ledger), str(world.export), str(out)]
    started = time.perf_counter()
    done = subprocess.run(
        command, env=environment(folder), cwd=folder, check=False, stdout=subprocess.PIPE
    )
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):  # 1: there are breaks
        raise SystemExit(f"{name} ended with {done.returncode}")
    return seconds, int(done.stdout.split()[-1]), out


def findings(path: Path) -> frozenset[tuple[str, str]]:
    """(kind, reference) of everything a contender reported."""
    with path.open(newline="", encoding="utf-8") as stream:
        return frozenset((row["kind"], row["provider_reference"]) for row in csv.DictReader(stream))


def measure(world: World, folder: Path, rounds: int) -> list[Measured]:
    """One round to warm up, then `rounds` rounds with the contenders taking turns."""
    results = [Measured(name) for name in NAMES]
    for turn in range(rounds + 1):
        for result in results:
            seconds, peak, out = run_once(result.name, world, folder)
            if turn or not rounds:
                result.seconds.append(seconds)
                result.peak_mb.append(peak)
            result.found = findings(out)
    return results


def table(results: list[Measured], truth: frozenset[tuple[str, str]]) -> str:
    """The figures as text: medians, ratios to DuckDB, and the verdict on correctness."""
    base = statistics.median(next(r for r in results if r.name == "duckdb").seconds)
    lines = [f"{'':12}{'seconds':>9}{'x duckdb':>10}{'peak MB':>9}  found"]
    for result in results:
        seconds = statistics.median(result.seconds)
        right = len(result.found & truth)
        extra = len(result.found - truth)
        verdict = f"{right} of {len(truth)} planted, {extra} others"
        lines.append(
            f"{result.name:12}{seconds:9.2f}{seconds / base:10.2f}"
            f"{max(result.peak_mb):9.0f}  {verdict}"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table; exit 1 when our own result is not exactly the truth."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=int, default=1_000_000)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seed", type=int, default=7)
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="reconcile-files-") as name:
        folder = Path(name)
        world = build(folder, chosen.rows, chosen.seed)
        print(f"{chosen.rows:,} x {chosen.rows:,} rows, {len(world.truth):,} planted breaks")
        results = measure(world, folder, chosen.rounds)
        print(table(results, world.truth))
    return 0 if results[0].found == world.truth else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Storms from the command line: `make storms SEEDS=10000`, `make storms SEED=7`.

Prints the table of figures; a seed that breaks something prints its schedule, and with `--seed` any
seed does. Exit code 1 when anything is broken.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterable

from tests.storms.figures import Figures, table
from tests.storms.fleet import run_seeds, sail
from tests.storms.harbour import Harbour, Setting, folder_in_memory
from tests.storms.hunting import hunt
from tests.storms.storm import Report
from tests.tools.numbers import at_least

SCHEDULES_MAX = 5
"""So many schedules of broken seeds are printed in full."""


def main(words: list[str] | None = None) -> int:
    """Run what the words ask for; the exit code."""
    parser = argparse.ArgumentParser(prog="storms", description=__doc__)
    parser.add_argument("--seeds", type=at_least(1), default=10_000, help="how many seeds")
    parser.add_argument("--first", type=at_least(0), default=0, help="the first of them")
    parser.add_argument("--seed", type=at_least(0), help="replay one seed and print its schedule")
    parser.add_argument("--workers", type=at_least(1), default=2)
    parser.add_argument("--twice-every", type=at_least(0), default=0, metavar="N",
                        help="run every Nth seed twice and compare the traces")  # fmt: skip
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--redis", action="store_true",
                        help="claims in Redis, which is down, slow or flushed")  # fmt: skip
    parser.add_argument("--mutants", action="store_true", help="which seed catches which fault")
    asked = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # workers are ended, too
    setting = Setting(asked.database, asked.redis)
    if asked.seed is not None:
        return _replay(asked.seed, setting)
    if asked.mutants:
        return hunt(asked.workers)
    seeds = range(asked.first, asked.first + asked.seeds)
    started = time.monotonic()
    parts = [seeds[number :: asked.workers] for number in range(asked.workers)]
    jobs = [(_as_it_is, run_seeds(part, twice_every=asked.twice_every)) for part in parts if part]
    figures = _gathered(report for _, report in sail(jobs, asked.workers, setting))
    took = ("seconds", f"{time.monotonic() - started:.0f}")
    print(table([*figures.rows(), took]))
    if figures.storms < asked.seeds:
        print(f"only {figures.storms} of {asked.seeds} seeds came to an end")
    return int(bool(figures.broken) or figures.storms < asked.seeds)


def _as_it_is() -> None:
    """The product is not changed."""


def _gathered(reports: Iterable[Report]) -> Figures:
    figures = Figures()
    for report in reports:
        figures.add(report)
        if report.broken:
            shown = len(figures.broken) <= SCHEDULES_MAX
            print("\n".join(_told(report) if shown else _told(report)[:1]), flush=True)
    return figures


def _replay(seed: int, setting: Setting) -> int:
    with folder_in_memory() as folder, Harbour(folder, setting) as harbour:
        report = harbour.run(seed, twice=True)
    print("\n".join(_told(report)))
    return int(report.broken is not None)


def _told(report: Report) -> list[str]:
    verdict = f"broken {report.broken}" if report.broken else f"sound, {report.sweeps} sweeps"
    return [f"seed {report.seed}: {verdict}", *(f"  {line}" for line in report.schedule)]


if __name__ == "__main__":
    sys.exit(main())

"""What 1, 8 and 32 processes do a second over shared books, beside the limit of the same machine.

Run `python -m tests.benchmarks.throughput [--workers 1 8 32] [--payments 320] [--imports 0] ...`;
a load of 0 units is left out. The loads are payments, deliveries, sweeps and imports, each by the
real services with the real adapter and a sandbox world in the same process. How often a unit
commits is counted, and in the same run as many processes do just those commits by the same driver,
each of one row of a kilobyte in a table of its own. Imports stand beside the database's own load of
the rows they kept. Before a figure is printed, the books must show that all was done, once.

A sweep or an import that finds the books taken for too long is turned away, as its operator would
be, and comes again; how often that was stands in the table.

Then what payments could be at if books cost nothing: their calls to the provider alone. Then the
same payments with and without the audit chains, and the listing of 10,000 stuck ones.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.import_rows import databases
from tests.benchmarks.loads.bare import BareCommits
from tests.benchmarks.loads.calls import Calls
from tests.benchmarks.loads.crew import Ran, run
from tests.benchmarks.loads.every import LOADS, chained
from tests.benchmarks.loads.load import Load, Share
from tests.benchmarks.loads.payments import Payments
from tests.benchmarks.loads.shops import close, shop_at
from tests.benchmarks.stuck_list import list_and_lease, stick
from tests.tools.numbers import at_least

STUCK = 10_000
SAMPLE = 10
"""Units whose commits are counted: so many that what one sweep commits once does not count."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a load is run: one database, and a folder for its files."""

    url: str
    folder: Path

    def shares(self, workers: int, units: int) -> list[Share]:
        """Equal shares of about so many units."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        each = max(units // workers, 1)
        return [Share(self.url, folder, number, each) for number in range(workers)]


def prepare(url: str) -> None:
    """Books with the current schema."""
    shop = shop_at(url)
    shop.database.upgrade()
    close(shop)


def limit_of(load: Load, ground: Ground, sample: int = SAMPLE) -> Load:
    """What stands beside a load: its own limit, or the commits that one unit alone needs, bare."""
    if load.limit is not None:
        return load.limit
    ran = run(load, load.prepare(ground.shares(1, sample)))
    return BareCommits(round(ran.commits / ran.units))


def beside(load: Load, limit: Load, ground: Ground, workers: int, units: int) -> tuple[Ran, Ran]:
    """A load and its limit, over the same shares."""
    shares = load.prepare(ground.shares(workers, units))
    ours = run(load, shares)
    return ours, run(limit, limit.prepare(shares))


def against_no_chain(ground: Ground, workers: int, units: int) -> dict[str, float]:
    """How fast payments with chains are, of the rate of those without, by the load's name."""
    seconds = {
        load.name: run(load, load.prepare(ground.shares(workers, units))).seconds
        for load in chained(ground.url)
    }
    without = next(iter(seconds.values()))
    return {name: without / own for name, own in list(seconds.items())[1:]}


def _print_loads(grounds: dict[str, Ground], units: dict[str, int], crews: list[int]) -> None:
    print(
        f"{'':11}{'':11}{'processes':>10}{'a second':>11}{'commits each':>14}"
        f"{'turned away':>13}{'limit each':>12}{'a second':>11}{'of the limit':>14}"
    )
    for kind, ground in grounds.items():
        for name, (load, _) in LOADS.items():
            if not units[name]:
                continue
            limit = limit_of(load, ground)
            needed = f"{limit.commits} commits" if isinstance(limit, BareCommits) else limit.name
            for workers in crews:
                ours, bare = beside(load, limit, ground, workers, units[name])
                print(
                    f"{kind:11}{name:11}{workers:10}{ours.units / ours.seconds:11,.1f}"
                    f"{ours.commits / ours.units:14.1f}{ours.turned_away:13}{needed:>12}"
                    f"{bare.units / bare.seconds:11,.1f}{bare.seconds / ours.seconds:14.3f}",
                    flush=True,
                )


def calls_alone(ground: Ground, workers: int, units: int) -> float:
    """How fast the calls of payments are without books, of the payments' limit."""
    calls, bare = beside(Calls(), limit_of(Payments(), ground), ground, workers, units)
    return bare.seconds / calls.seconds


def _print_calls(grounds: dict[str, Ground], units: int, crews: list[int]) -> None:
    for kind, ground in grounds.items():
        for workers in crews:
            print(
                f"{kind:11}{workers:3} processes: the calls of a payment, without books, at"
                f" {calls_alone(ground, workers, units):.3f} of the payments' limit",
                flush=True,
            )


def _print_chains(grounds: dict[str, Ground], units: int, crews: list[int]) -> None:
    for kind, ground in grounds.items():
        for workers in crews:
            for name, ratio in against_no_chain(ground, workers, units).items():
                print(
                    f"{kind:11}{workers:3} processes: {name} at {ratio:.2f} of the rate without"
                    " the audit chain",
                    flush=True,
                )


def _print_stuck(grounds: dict[str, Ground], stuck: int) -> None:
    for kind, ground in grounds.items():
        stick(ground.url, stuck)
        count, seconds, bare = list_and_lease(ground.url)
        print(
            f"{kind:11}{count:,} stuck payments listed and leased: {seconds / 5:.2f} of 5 s,"
            f" {seconds / bare:.0f} times one SELECT of them"
        )


def main() -> int:
    """Print the tables."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--workers", type=at_least(1), nargs="+", default=[1, 8, 32])
    words.add_argument("--stuck", type=at_least(0), default=STUCK)
    for name, (_, units) in LOADS.items():
        words.add_argument(f"--{name}", type=at_least(0), default=units)
    chosen = words.parse_args()
    asked = {name: int(getattr(chosen, name)) for name in LOADS}
    with tempfile.TemporaryDirectory(prefix="throughput-") as name, databases(Path(name)) as urls:
        grounds = {kind: Ground(url, Path(name)) for kind, url in urls.items()}
        for ground in grounds.values():
            prepare(ground.url)
        _print_loads(grounds, asked, chosen.workers)
        if asked["payments"]:
            _print_calls(grounds, asked["payments"], chosen.workers)
            _print_chains(grounds, asked["payments"], chosen.workers)
        if chosen.stuck:
            _print_stuck(grounds, chosen.stuck)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

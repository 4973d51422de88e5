"""`make mutants`: for each fault built in on purpose, the first seed that notices it, and how."""

from collections.abc import Iterator, Sequence

from tests.storms.figures import table
from tests.storms.fleet import Harbour, Job, sail
from tests.storms.mutants import MUTANTS, SOUND, Mutant
from tests.storms.storm import Report

SEEDS_MAX = 2_000
"""A mutant that survives so many seeds is not caught."""
SOUND_SEEDS = 300
"""So many seeds the sound product has to survive on the same provider."""


def catches(mutants: Sequence[Mutant], workers: int, most: int = SEEDS_MAX) -> dict[str, Report]:
    """Name of each caught mutant -> the report of the first seed that broke."""
    seeds = {SOUND.name: SOUND_SEEDS}
    jobs = [(mutant.apply, _until_broken(seeds.get(mutant.name, most))) for mutant in mutants]
    return {mutants[number].name: report for number, report in sail(jobs, workers)}


def hunt(workers: int) -> int:
    """Print the table; the exit code says whether all were caught."""
    caught = catches((SOUND, *MUTANTS), workers)
    rows = [("mutant", "seed  noticed by")]
    for mutant in (SOUND, *MUTANTS):
        found = caught.get(mutant.name)
        how = f"{found.seed:>4}  {found.broken}"[:100] if found else "   -  survived"
        rows.append((f"{mutant.name:<4} {mutant.fault}", f"{how:<100}"))
    print(table(rows))
    hunted = [mutant.name for mutant in MUTANTS if mutant.name in caught]
    print(f"{len(hunted)} of {len(MUTANTS)} caught")
    return int(len(hunted) < len(MUTANTS) or SOUND.name in caught)


def _until_broken(most: int) -> Job:
    def work(harbour: Harbour) -> Iterator[Report]:
        for seed in range(most):
            report = harbour.run(seed)
            if report.broken:
                yield report
                return

    return work

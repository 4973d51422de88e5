"""`make mutants`: for each fault built in on purpose, the first seed that notices it, and how."""

from collections.abc import Iterator, Sequence

from tests.storms.fleet import Job, sail
from tests.storms.harbour import Harbour, Setting
from tests.storms.mutants import MUTANTS, SOUND, Mutant
from tests.storms.storm import Report

SEEDS_MAX = 2_000
"""A mutant that survives so many seeds is not caught."""
SOUND_SEEDS = 300
"""So many seeds the sound product has to survive on the same provider."""


def catches(
    mutants: Sequence[Mutant], workers: int, most: int = SEEDS_MAX
) -> Iterator[tuple[Mutant, Report]]:
    """Each caught mutant with the report of the first seed that broke, as they are caught."""
    seeds = {SOUND.name: SOUND_SEEDS}
    jobs = [(mutant.apply, _until_broken(seeds.get(mutant.name, most))) for mutant in mutants]
    return ((mutants[number], report) for number, report in sail(jobs, workers, Setting()))


def hunt(workers: int) -> int:
    """Print each catch; the exit code says whether all were caught."""
    caught = set()
    for mutant, report in catches((*MUTANTS, SOUND), workers):
        caught.add(mutant.name)
        print(f"{mutant.name:<4} seed {report.seed:>4}  {mutant.fault}", flush=True)
        print(f"          {report.broken}"[:160], flush=True)
    for mutant in MUTANTS:
        if mutant.name not in caught:
            print(f"{mutant.name:<4} survived   {mutant.fault}")
    print(f"{len(caught - {SOUND.name})} of {len(MUTANTS)} caught")
    return int(len(caught) < len(MUTANTS) or SOUND.name in caught)


def _until_broken(most: int) -> Job:
    def work(harbour: Harbour) -> Iterator[Report]:
        for seed in range(most):
            report = harbour.run(seed)
            if report.broken:
                yield report
                return

    return work

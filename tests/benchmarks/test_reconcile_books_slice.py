"""A small slice of the benchmark: both databases find what was planted; nothing is timed."""

from pathlib import Path

from tests.benchmarks.import_rows import databases
from tests.benchmarks.planted_world import build
from tests.benchmarks.reconcile_books import fill, found, ours


def test_both_databases_find_the_planted_breaks(tmp_path: Path) -> None:
    """All of them, in their kinds, and nothing else."""
    world = build(tmp_path, 4_000)
    with databases(tmp_path) as urls:
        for url in urls.values():
            fill(url, world)
            seconds, peak = ours(url, tmp_path)
            assert seconds > 0
            assert peak > 50
            assert found(url) == world.truth

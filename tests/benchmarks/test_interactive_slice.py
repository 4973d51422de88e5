"""A small slice of the benchmark: every contender runs and says something; nothing is timed."""

from pathlib import Path

from tests.benchmarks.interactive import commands, run


def test_every_contender_runs(tmp_path: Path) -> None:
    """On books with a payment and a few breaks."""
    contenders, environment = commands(tmp_path, 40)
    assert len(contenders) == 5
    for name, words in contenders.items():
        assert run(name, words, environment, tmp_path) > 0

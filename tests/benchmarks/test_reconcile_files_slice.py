"""A small slice of the benchmark: every contender finds what was planted; nothing is timed."""

from pathlib import Path

import pytest

from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.planted_world import KINDS, World, build
from tests.benchmarks.reconcile_files import Measured, findings, run_once, table


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Twenty thousand rows on either side."""
    return build(tmp_path_factory.mktemp("world"), 20_000)


@pytest.mark.parametrize("name", CONTENDERS)
def test_a_contender_finds_the_planted_breaks(name: str, world: World, tmp_path: Path) -> None:
    """All of them, in their kinds, and nothing else, each in the process that is measured."""
    _, peak, out = run_once(name, world, tmp_path)

    assert findings(out) == world.truth
    assert peak > 10
    assert {kind for kind, _ in world.truth} == set(KINDS)


def test_worlds_are_repeatable(world: World, tmp_path: Path) -> None:
    """The same seed gives the same bytes, another seed another world."""
    again, other = tmp_path / "again", tmp_path / "other"
    again.mkdir()
    other.mkdir()

    assert build(again, 20_000).export.read_bytes() == world.export.read_bytes()
    assert build(other, 20_000, seed=8).truth != world.truth


def test_the_table_counts_what_was_missed() -> None:
    """A contender that misses breaks or invents some is shown as such."""
    truth = frozenset({("fee_mismatch", "a"), ("fee_mismatch", "b")})
    right = Measured("duckdb", [2.0], [500.0], truth)
    wrong = Measured("tscli", [3.0], [600.0], frozenset({("fee_mismatch", "a"), ("x", "y")}))
    shown = table([wrong, right], truth)

    assert "1.50" in shown
    assert "1 of 2 planted, 1 others" in shown
    assert "2 of 2 planted, 0 others" in shown

"""A small slice of the benchmark: every load does what it says, on both databases, and one that
does not is told; nothing is timed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.audit import CHAINS
from tests.benchmarks.import_rows import databases
from tests.benchmarks.loads.bare import BareCommits
from tests.benchmarks.loads.crew import run
from tests.benchmarks.loads.every import LOADS
from tests.benchmarks.loads.load import Share, Work
from tests.benchmarks.loads.payments import Payments
from tests.benchmarks.stuck_list import list_and_lease, stick
from tests.benchmarks.throughput import (
    Ground,
    against_no_chain,
    beside,
    calls_alone,
    limit_of,
    prepare,
)
from tests.db.attacks import shell

WORKERS, EACH = 2, 2


class Lazy(Payments):
    """A product that leaves one payment out."""

    def ready(self, share: Share) -> Work:
        """One less than was asked for."""
        return super().ready(Share(share.url, share.folder, share.number, share.count - 1))


class Broken(Payments):
    """A product that fails before it begins."""

    def ready(self, share: Share) -> Work:
        """In the second process only, so that the first one waits for it."""
        if share.number:
            raise ValueError("planted")
        return super().ready(share)


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Ground]]:
    folder: Path = tmp_path_factory.mktemp("throughput")
    with databases(folder) as urls:
        made = [Ground(url, folder) for url in urls.values()]
        for ground in made:
            prepare(ground.url)
        yield made


@pytest.mark.parametrize("name", LOADS)
def test_a_load_and_its_limit_are_done_by_two_processes(grounds: list[Ground], name: str) -> None:
    """Each run counts in the books what it did, and ends with words where that is not all."""
    load, units = LOADS[name][0], 200 if name == "imports" else WORKERS * EACH
    for ground in grounds:
        limit = limit_of(load, ground, sample=2)
        ours, bare = beside(load, limit, ground, WORKERS, units)
        assert ours.units == bare.units > 0
        assert ours.commits >= WORKERS
        assert not isinstance(limit, BareCommits) or limit.commits >= 3


def test_a_payments_calls_are_made_without_books(grounds: list[Ground]) -> None:
    """Each process says how many took money; nothing else is written."""
    for ground in grounds:
        assert calls_alone(ground, WORKERS, WORKERS * EACH) > 0
        with shell(ground.url) as books:
            assert books.one("SELECT sum(times) FROM called") == WORKERS * EACH


def test_payments_are_made_with_and_without_chains(grounds: list[Ground]) -> None:
    """Without a chain each process writes to a place of its own, in one chain all to the first."""
    for ground in grounds:
        ratios = against_no_chain(ground, WORKERS, WORKERS * EACH)
        assert all(ratio > 0 for ratio in ratios.values())
        with shell(ground.url) as books:
            apart = "SELECT count(DISTINCT chain) FROM audit WHERE chain >= ?"
            assert books.one(apart, CHAINS) == WORKERS
            assert len(ratios) == (1 if books.kind == "sqlite" else 2)


@pytest.mark.parametrize(("load", "words"), [(Lazy(), "the books show 2"), (Broken(), "failed")])
def test_what_was_not_done_has_no_figure(grounds: list[Ground], load: Payments, words: str) -> None:
    """A product that leaves something out, or fails, ends the benchmark."""
    with pytest.raises(SystemExit, match=words):
        run(load, grounds[0].shares(WORKERS, WORKERS * EACH))


def test_stuck_payments_are_listed_and_leased(grounds: list[Ground]) -> None:
    """All of them, at once."""
    for ground in grounds:
        stick(ground.url, 50)
        count, seconds, bare = list_and_lease(ground.url)
        assert (count, seconds > 0, bare > 0) == (50, True, True)

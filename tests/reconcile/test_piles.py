"""Comparing in buckets gives what comparing all at once gives, to the byte."""

from pathlib import Path

import pytest

from reconcile.breaks_csv import breaks_csv
from reconcile.buckets import compare_piles
from reconcile.compare import compare
from reconcile.intake.files import read_both
from reconcile.intake.piling import pile_up
from reconcile.rules import Rules
from tests.corpus.files import write
from tests.corpus.playing import build
from tests.reconcile.test_formats import ALL

SAMPLE = Path(__file__).parents[2] / "sample_data"


def same(ledger: Path, exports: list[Path], folder: Path, bucket_bytes: int) -> None:
    """Assert that both ways say the same."""
    expected, reported = read_both(ledger, exports, ALL)
    once = compare(expected, reported, Rules(scope="stripe"))
    folder.mkdir()
    piles = pile_up(ledger, exports, ALL, folder, bucket_bytes=bucket_bytes)
    assert piles.buckets >= 2
    several = compare_piles(piles, Rules(scope="stripe"))

    assert several.totals == once.totals
    assert several.matches == once.matches
    assert several.break_counts == once.break_counts
    assert breaks_csv(several.breaks) == breaks_csv(once.breaks)
    assert list(several.iter_breaks()) == list(once.iter_breaks())
    assert (piles.expected.file, piles.reported.files) == (expected.file, reported.files)
    assert piles.reported.rejects == reported.rejects


@pytest.mark.parametrize("bucket_bytes", [1 << 12, 1 << 14, 1 << 20])
def test_the_sample_week(tmp_path: Path, bucket_bytes: int) -> None:
    """A ledger that names what moved, with every planted fault."""
    exports = [SAMPLE / "stripe_balance_change.csv"]
    same(SAMPLE / "ledger.csv", exports, tmp_path / "piles", bucket_bytes)


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_months(tmp_path: Path, seed: int, provider: str) -> None:
    """Sums over several lines, refunds of unknown charges, doubt: rows of many buckets; in files
    with one header and in reports with sections."""
    written = write(build(seed, payments=200, each=4), tmp_path, parts=2)
    exports = written.statements[provider]

    same(written.ledgers[provider], exports, tmp_path / "piles", 1 << 13)


def test_a_ledger_that_names_lines(tmp_path: Path) -> None:
    """The same month with our references turned into line ids."""
    corpus = build(4, payments=200, each=4)
    lines = {line.source: line.reference for line in corpus.sides["stripe"].theirs if line.source}
    for ours in corpus.sides["stripe"].ours:
        ours.reference = lines.get(ours.reference, ours.reference)
    written = write(corpus, tmp_path)
    same(written.ledgers["stripe"], written.statements["stripe"], tmp_path / "piles", 1 << 13)

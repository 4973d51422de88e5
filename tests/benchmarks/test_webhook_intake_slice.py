"""The benchmark of deliveries runs: a slice of it, and nothing is said about speed."""

from pathlib import Path

from tests.benchmarks.webhook_intake import compare


def test_the_two_receivers_are_measured_side_by_side(tmp_path: Path) -> None:
    """Proves that both take every delivery of a small load in, each with 200."""
    line = compare(f"sqlite:///{tmp_path / 'books.db'}", tmp_path, 60, 1, "sqlite")
    assert "ratio" in line

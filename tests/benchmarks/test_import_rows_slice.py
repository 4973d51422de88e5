"""A small slice of the benchmark: what is kept is what the databases load again; nothing is
timed."""

from pathlib import Path

from tests.benchmarks.import_rows import bulk_load, databases, ours
from tests.benchmarks.planted_world import build


def test_both_databases_keep_and_load_every_row(tmp_path: Path) -> None:
    """As many lines as the export has rows that count once."""
    export = build(tmp_path, 3_000).export
    with databases(tmp_path) as urls:
        counted = set()
        for url in urls.values():
            assert min(ours(url, export, tmp_path)) > 0
            rows, seconds = bulk_load(url, tmp_path)
            assert seconds > 0
            counted.add(rows)
    assert len(counted) == 1
    assert 2_900 < counted.pop() <= 3_000

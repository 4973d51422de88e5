"""A small slice of the benchmark: the books it builds are told whole; nothing is timed."""

import json
from pathlib import Path

from tests.benchmarks.report_of_many import bare, build, tell


def test_reports_of_many_rows_hold_them_all(tmp_path: Path) -> None:
    """The month counts every transaction, the list of breaks every break, though the page shows
    but the first rows."""
    path = build(tmp_path, 3_000, 400)
    assert bare(path) > 0

    tell(path, "monthly --month 2026-03", "json", tmp_path)
    tables = json.loads((tmp_path / "monthly.json").read_text())["data"]["tables"]
    assert sum(row["transactions"] for row in tables["totals"]["rows"]) == 3_000
    assert sum(row["transactions"] for row in tables["days"]["totals"]) == 3_000

    tell(path, "breaks", "csv", tmp_path)
    assert len((tmp_path / "breaks.csv").read_text().splitlines()) == 1 + 400
    tell(path, "breaks", "html", tmp_path)
    assert "The first 200 of 400 rows." in (tmp_path / "breaks.html").read_text()

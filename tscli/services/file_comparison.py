"""Comparing a ledger file with export files: no database is touched, nothing is kept.

So nothing here waits for a database to be imported either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from domain.buckets import Bucket
from domain.run import BucketTotal
from domain.settlement import ExportFormat, InputFile, Reject
from tscli.services.periods import period_of

if TYPE_CHECKING:
    from reconcile.comparison import Comparison


@dataclass(frozen=True, slots=True)
class FilesOutcome:
    """A comparison of files, kept nowhere."""

    inputs: tuple[InputFile, ...]
    totals: tuple[BucketTotal, ...]
    break_counts: tuple[tuple[Bucket, int], ...]
    matches: tuple[tuple[str, int], ...]
    rejects: tuple[Reject, ...]
    comparison: "Comparison"

    def breaks_csv(self) -> bytes:
        """Every break in its fixed order, as CSV."""
        from reconcile.breaks_csv import breaks_csv

        return breaks_csv(self.comparison.breaks)


def reconcile_files(
    formats: Sequence[ExportFormat],
    ledger: Path,
    exports: Sequence[Path],
    timezone: str,
    scope: str,
) -> FilesOutcome:
    """Compare a ledger file with export files; no database is touched.

    Raises:
        UnreadableExport: a file as a whole cannot be read.
        InvalidRequest: an unknown time zone.
    """
    from reconcile.intake.files import read_both

    zone = ZoneInfo(period_of(date(2000, 1, 1), date(2000, 1, 2), timezone).timezone)
    expected, reported = read_both(ledger, exports, formats, zone)
    # Only now: reading starts before pandas is loaded.
    from reconcile.compare import compare
    from reconcile.rules import Rules

    comparison = compare(expected, reported, Rules(scope=scope))
    ledgers = (expected.file,) if expected.file else ()
    return FilesOutcome(
        inputs=(*ledgers, *reported.files),
        totals=comparison.totals,
        break_counts=comparison.break_counts,
        matches=comparison.matches,
        rejects=(*expected.rejects, *reported.rejects),
        comparison=comparison,
    )

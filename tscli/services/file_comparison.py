"""Comparing a ledger file with export files: no database is touched, nothing is kept.

So nothing here waits for a database to be imported either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from domain.buckets import Bucket
from domain.run import BucketTotal
from domain.settlement import ExportFormat, InputFile, Reject
from reconcile.scratch import scratch_folder
from tscli.services.periods import check_zone

if TYPE_CHECKING:
    from reconcile.comparison import Comparison
    from reconcile.frames import Expected, Reported


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


LARGE_BYTES = 1 << 30
"""From this size on files are compared in buckets, so that memory does not grow with them."""


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
    zone = check_zone(timezone)
    if _large((ledger, *exports)):
        return _in_buckets(formats, ledger, exports, zone, scope)
    from reconcile.intake.files import read_both

    expected, reported = read_both(ledger, exports, formats, zone)
    # Only now: reading starts before pandas is loaded.
    from reconcile.compare import compare
    from reconcile.rules import Rules

    comparison = compare(expected, reported, Rules(scope=scope))
    return _outcome(expected, reported, comparison)


def _large(paths: Sequence[Path]) -> bool:
    return sum(path.stat().st_size for path in paths if path.is_file()) >= LARGE_BYTES


def _in_buckets(
    formats: Sequence[ExportFormat],
    ledger: Path,
    exports: Sequence[Path],
    zone: ZoneInfo,
    scope: str,
) -> FilesOutcome:
    """The same by way of buckets on disk."""
    from reconcile.buckets import compare_piles
    from reconcile.intake.piling import pile_up
    from reconcile.rules import Rules

    with scratch_folder() as folder:
        piles = pile_up(ledger, exports, formats, folder, zone)
        found = compare_piles(piles, Rules(scope=scope))
    return _outcome(piles.expected, piles.reported, found)


def _outcome(expected: "Expected", reported: "Reported", found: "Comparison") -> FilesOutcome:
    ledgers = (expected.file,) if expected.file else ()
    return FilesOutcome(
        inputs=(*ledgers, *reported.files),
        totals=found.totals,
        break_counts=found.break_counts,
        matches=found.matches,
        rejects=(*expected.rejects, *reported.rejects),
        comparison=found,
    )

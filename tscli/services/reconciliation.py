"""Comparing the ledger with a provider's files: period, inputs and rules in, a stored run out.

A run is named by what it compared: the same files, ledger rows and rules give the stored run back,
and nothing is written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from domain.audit import canonical, digest
from domain.breaks import Break
from domain.buckets import Bucket
from domain.clock import to_micros
from domain.errors import InvalidRequest
from domain.operator import Permission
from domain.provider import ProviderAccount
from domain.run import BucketTotal, Period, Run
from domain.settlement import ExportFormat, InputFile, Reject

if TYPE_CHECKING:
    # `reconcile files` touches no database, so it does not wait for one to be imported either.
    from reconcile.comparison import Comparison
    from tscli.services.context import Context

CONTEXT_DAYS = 31
"""Ledger rows this far outside the period may still be partners of reported rows."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What became of a request to reconcile."""

    run: Run
    rejects: tuple[Reject, ...]
    already_done: bool
    dry_run: bool


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


def period_of(start_on: date, end_on: date, timezone: str) -> Period:
    """The instants of [start, end) of calendar days in a zone.

    Raises:
        InvalidRequest: an unknown zone, or an end that is not after the start.
    """
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise InvalidRequest(
            f"{timezone!r} is no time zone.", hint="Use a name such as UTC or Europe/Berlin."
        ) from None
    if end_on <= start_on:
        raise InvalidRequest(
            f"The period ends on {end_on}, not after its start on {start_on}.",
            hint="--to is the first day that no longer belongs to the period.",
        )
    start, end = (datetime.combine(d, time(), zone).astimezone(UTC) for d in (start_on, end_on))
    return Period(start, end, timezone)


def reconcile_run(
    context: "Context",
    owner: ProviderAccount,
    formats: Sequence[ExportFormat],
    exports: Sequence[Path],
    period: Period,
    *,
    dry_run: bool = False,
) -> RunOutcome:
    """Compare a provider account's ledger with export files, and keep the run with its breaks.

    Raises:
        UnreadableExport: a file as a whole cannot be read.
        IntegrityError: the buckets do not sum to the inputs, which is our bug.
    """
    from reconcile.compare import compare
    from reconcile.digest import digest_expected
    from reconcile.frames import Expected, expected_frame
    from reconcile.intake.files import read_exports
    from reconcile.rules import Rules
    from tscli.services.permission import require

    require(context, Permission.RECONCILE)
    reported = read_exports(exports, formats, ZoneInfo(period.timezone))
    margin = timedelta(days=CONTEXT_DAYS)
    with context.database.read() as books:
        columns = books.ledger.columns(owner, period.start_at - margin, period.end_at + margin)
    rules = Rules(
        period=(to_micros(period.start_at), to_micros(period.end_at)),
        scope="/".join((owner.provider, owner.account, owner.mode)),
    )
    expected = Expected.of(expected_frame(columns))
    expected_digest = digest_expected(expected.frame)
    found = tuple(file.digest for file in reported.files)
    fingerprint = digest(canonical([rules.digest, expected_digest, sorted(found)]))
    with context.database.read() as books:
        before = books.runs.by_fingerprint(fingerprint)
    if before is not None:
        return RunOutcome(before, reported.rejects, already_done=True, dry_run=dry_run)
    comparison = compare(expected, reported, rules)
    run = Run(
        run_id=context.ids.new("run"),
        provider=owner.provider,
        account=owner.account,
        mode=owner.mode,
        period=period,
        started_at=context.clock.now(),
        inputs=reported.files,
        expected_digest=expected_digest,
        totals=comparison.totals,
        break_counts=comparison.break_counts,
        matches=comparison.matches,
        rules_digest=rules.digest,
    )
    first = _keep(context, run, fingerprint, comparison.iter_breaks(), dry_run=dry_run)
    kept = first or run
    return RunOutcome(kept, reported.rejects, already_done=first is not None, dry_run=dry_run)


def _keep(
    context: "Context", run: Run, fingerprint: str, breaks: Iterator[Break], *, dry_run: bool
) -> Run | None:
    """Store a run, unless another command has stored the same one meanwhile: then return that."""
    with context.database.transaction(dry_run=dry_run) as books:
        books.runs.lock()
        first = books.runs.by_fingerprint(fingerprint)
        if first is not None:
            return first
        books.runs.add(run, fingerprint, breaks)
        books.record(
            context.actor,
            "reconciliation.completed",
            run.run_id,
            after={
                "fingerprint": fingerprint,
                "breaks": run.break_count,
                "unreadable": run.unreadable,
                "inputs": [file.digest for file in run.inputs],
            },
        )
    return None


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


def get_run(context: "Context", run_id: str | None) -> Run:
    """One run, the latest when none is named.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        return books.runs.get(run_id)


def list_runs(context: "Context", limit: int) -> list[Run]:
    """Runs, newest first."""
    with context.database.read() as books:
        return books.runs.find(limit)


def list_breaks(
    context: "Context", *, kind: str | None, state: str | None, run_id: str | None, limit: int
) -> list[tuple[Break, str, str]]:
    """Breaks as last seen: (break, its state, the run that saw it last)."""
    with context.database.read() as books:
        return books.runs.breaks(kind=kind, state=state, run_id=run_id, limit=limit)


def break_history(context: "Context", break_id: str) -> list[tuple[Break, Run]]:
    """One break in every run that saw it, oldest first.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        return books.runs.break_history(break_id)

"""Comparing the ledger with a provider's files: period, inputs and rules in, a stored run out.

A run is named by what it compared: the same files, ledger rows and rules give the stored run back,
and nothing is written.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from db.database import Books
from domain.breaks import Break
from domain.buckets import KINDS
from domain.errors import Busy
from domain.operator import Permission
from domain.provider import ProviderAccount
from domain.run import Period, Run
from domain.settlement import ExportFormat, Reject
from reconcile.scratch import scratch_folder
from tscli.services.evaluation import Evaluated, evaluate
from tscli.services.reversing import reverse_posted
from tscli.services.statements import Progress, keep_statements, silent

if TYPE_CHECKING:
    from tscli.services.context import Context

_TRIES = 5
"""How often a run compares anew because breaks were closed or opened meanwhile."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What became of a request to reconcile."""

    run: Run
    rejects: tuple[Reject, ...]
    already_done: bool
    dry_run: bool


def reconcile_run(
    context: "Context",
    owner: ProviderAccount,
    formats: Sequence[ExportFormat],
    exports: Sequence[Path],
    period: Period,
    *,
    dry_run: bool = False,
    progress: Progress = silent,
) -> RunOutcome:
    """Compare a provider account's ledger with its statements, and keep the run with its breaks.

    Export files named here are taken in first; without any, the statements taken in before are
    compared.

    Raises:
        UnreadableExport: a file as a whole cannot be read.
        InvalidRequest: two files have the same content.
        IntegrityError: the buckets do not sum to their inputs, which is our bug.
        Busy: people closed and opened breaks whenever it compared; only the files were kept.
    """
    from reconcile.intake.delivery import deliveries
    from tscli.services.permission import require

    require(context, Permission.RECONCILE)
    with deliveries(exports, formats, ZoneInfo(period.timezone)) as given:
        rejects = tuple(reject for one in given for reject in one.rejects)

        def take_in(books: Books) -> list[str]:
            books.runs.lock()
            zone = period.timezone
            taken = keep_statements(books, context, owner, given, exports, zone, progress)
            return [one.file_id for one in taken]

        if dry_run:
            with scratch_folder() as folder, context.database.transaction(dry_run=True) as books:
                named = take_in(books)
                found = evaluate(books, owner, period, context.matching, folder, named=named)
                return _kept(books, context, owner, period, found, rejects, dry_run=True)
        with context.database.transaction() as books:
            named = take_in(books)
    for _ in range(_TRIES):
        done = _compared(context, owner, period, named, rejects)
        if done is not None:
            return done
    raise Busy(
        f"Breaks were closed or opened each of {_TRIES} times while they were compared.",
        hint="Run it again when nobody works on the breaks of this account.",
    )


def _compared(
    context: "Context",
    owner: ProviderAccount,
    period: Period,
    named: Sequence[str],
    rejects: tuple[Reject, ...],
) -> RunOutcome | None:
    """Compare in one view of the books and store the run in the books as they are then; nothing,
    where its breaks do not stand as they did in that view."""
    with scratch_folder() as folder:
        with context.database.read() as books:
            found = evaluate(books, owner, period, context.matching, folder, named=named)
        with context.database.transaction() as books:
            books.runs.lock()
            if books.breaks.stands(found.stood) != found.stood:
                return None
            return _kept(books, context, owner, period, found, rejects, dry_run=False)


def _kept(
    books: Books,
    context: "Context",
    owner: ProviderAccount,
    period: Period,
    found: Evaluated,
    rejects: tuple[Reject, ...],
    *,
    dry_run: bool,
) -> RunOutcome:
    """Store a run, unless the same one is stored already: then that is the outcome."""
    from reconcile.snapshot import frame_blocks

    first = books.runs.by_fingerprint(found.fingerprint)
    if first is not None:
        return RunOutcome(first, rejects, already_done=True, dry_run=dry_run)
    wholes = Counter(item.kind for item in found.wholes)
    counts = wholes + Counter(dict(found.comparison.break_counts))
    run = Run(
        run_id=context.ids.new("run"),
        provider=owner.provider,
        account=owner.account,
        mode=owner.mode,
        period=period,
        started_at=context.clock.now(),
        inputs=found.inputs,
        expected_digest=found.expected_digest,
        totals=found.comparison.totals,
        break_counts=tuple((kind, counts[kind]) for kind in KINDS if counts[kind]),
        matches=found.comparison.matches,
        rules_digest=found.comparison.rules.digest,
        rules=found.rules,
        balances=found.balances,
        payouts=found.payouts,
        arrivals=found.arrivals,
        in_transit=found.in_transit,
        cleared=len(found.cleared),
        carried=found.carried,
    )
    again = books.runs.add(run, found.fingerprint, found.breaks())
    for break_id, posted in again.items():
        reverse_posted(books, context, break_id, posted, f"found again by {run.run_id}")
    books.breaks.clear(run, found.cleared)
    blocks = frame_blocks(found.sides.our_parts())
    books.statements.keep(f"expected:{run.run_id}", blocks, packed=True)
    books.record(
        context.actor,
        "reconciliation.completed",
        run.run_id,
        after={
            "fingerprint": found.fingerprint,
            "breaks": run.break_count,
            "cleared": run.cleared,
            "carried": run.carried,
            "unreadable": run.unreadable,
            "inputs": [file.digest for file in run.inputs],
        },
    )
    return RunOutcome(run, rejects, already_done=False, dry_run=dry_run)


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


def break_history(context: "Context", break_id: str) -> list[tuple[Break, Run]]:
    """One break in every run that saw it, oldest first.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        return books.runs.break_history(break_id)

"""The work of each step of a day: an existing service each, and what came of it in one sentence."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from domain.day import FINDINGS, PARTIAL, UNKNOWN, Reason, StepState
from domain.provider import ProviderAccount
from domain.recovery import SweptAs
from domain.webhook import EventState
from reconcile.scratch import scratch_folder
from tscli.services.day_files import Gathered, Trouble, gather, worst_reason
from tscli.services.day_plan import Found, Morning
from tscli.services.exports import fetch_export, lines_name
from tscli.services.intake import Words, take_in
from tscli.services.reconciliation import reconcile_run
from tscli.services.statements import TakenIn
from tscli.services.sweep import sweep, unanswered
from tscli.services.webhooks import apply_due, backfill

if TYPE_CHECKING:
    from tscli.services.context import Context

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


async def webhooks(
    context: "Context", morning: Morning, on: date, subject: str, *, dry_run: bool
) -> Found:
    """Have the events that were missed around a day, and apply them and whatever else is due.

    Raises:
        ProviderError: its events cannot be listed.
    """
    provider, period = morning.owner(subject).provider, morning.period(on)
    start = period.end_at - timedelta(hours=morning.section.webhook_hours)
    end = min(context.clock.now() + _SECOND, period.end_at + _DAY)
    with morning.progress(f"{on} webhooks {subject}") as advance:
        found, done = await backfill(
            context, provider, min(start, period.start_at), end, dry_run=dry_run, progress=advance
        )
        if not dry_run:
            # What an earlier attempt stored and did not live to apply is due as well.
            done = [*done, *await apply_due(context, provider=provider, progress=advance)]
    failed = sum(one.outcome is EventState.FAILED for one in done)
    facts = {"listed": found.listed, "missing": len(found.missing), "failed": failed}
    note = f"{found.listed} events listed, {len(found.missing)} had been missed"
    note += f", {failed} could not be applied" if failed else ""
    return Found(note=note, facts=facts, exit_code=FINDINGS if failed else 0)


async def recover(
    context: "Context", morning: Morning, on: date, subject: str, *, dry_run: bool
) -> Found:
    """Ask about everything that is unsettled."""
    with morning.progress(f"{on} recover {subject}") as advance:
        done = await sweep(
            context, provider=morning.owner(subject).provider, dry_run=dry_run, progress=advance
        )
    counts = Counter(one.outcome for one in done)
    facts = {kind.value: counts[kind] for kind in SweptAs if counts[kind]}
    told = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in facts.items())
    note = f"{len(done)} payments asked for: {told}" if done else "nothing is unsettled"
    away = unanswered(done)
    if away:
        return Found(StepState.OPEN, f"{note}; {away[0].why}", facts, PARTIAL, Reason.OUTAGE.value)
    unsettled = UNKNOWN if counts[SweptAs.UNKNOWN] else 0
    return Found(
        note=note, facts=facts, exit_code=unsettled or (FINDINGS if counts[SweptAs.REVIEW] else 0)
    )


async def fetch(
    context: "Context", morning: Morning, on: date, subject: str, *, dry_run: bool
) -> Found:
    """Take in the day's files: from their folder, or made of what the provider lists.

    Raises:
        ProviderError: it cannot be asked, or is not ready.
        InvalidRequest, ConfigurationError: see `day_files.gather`.
    """
    sources = morning.sources(subject)
    if not sources:
        return await _from_the_provider(context, morning, on, subject, dry_run=dry_run)
    gathered = []
    with morning.progress(f"{on} files {subject}") as advance:
        for source in sources:
            gathered.append(gather(context, morning, source, on, advance, dry_run=dry_run))
    return _told(gathered)


def _told(gathered: Sequence[Gathered]) -> Found:
    taken = [one for part in gathered for one in part.taken]
    troubles: list[Trouble] = [one for part in gathered for one in part.troubles]
    facts: dict[str, int | str] = {"files": len(taken), **_rows(taken)}
    note = f"{len(taken)} files, {facts['rows']} rows"
    unreadable = bool(facts["unreadable"])
    if not troubles:
        note += f", {facts['unreadable']} rows could not be read" if unreadable else ""
        return Found(note=note, facts=facts, exit_code=PARTIAL if unreadable else 0)
    note = "; ".join([*(one.words for one in troubles), *([note] if taken else [])])
    return Found(StepState.OPEN, note, facts, PARTIAL, worst_reason(troubles).value)


def _rows(taken: Sequence[TakenIn]) -> dict[str, int]:
    """What is in the files, whichever of several attempts took them in."""
    return {
        "rows": sum(one.file.rows for one in taken),
        "unreadable": sum(one.file.unreadable for one in taken),
    }


async def _from_the_provider(
    context: "Context", morning: Morning, on: date, subject: str, *, dry_run: bool
) -> Found:
    owner, period = morning.owner(subject), morning.period(on)
    layout = lines_name(owner.provider)
    got = await fetch_export(context, owner.provider, layout, period.start_at, period.end_at)
    with scratch_folder() as folder:
        path = folder / f"{layout}_{on}.csv"
        path.write_bytes(got.content)
        taken = take_in(
            context, morning.owner_of, morning.formats, path, Words(), None, dry_run=dry_run
        )
    facts: dict[str, int | str] = {"files": 1, **_rows([taken])}
    return Found(note=f"{taken.file.rows} lines from the provider", facts=facts)


async def reconcile(
    context: "Context", morning: Morning, on: date, subject: str, *, dry_run: bool
) -> Found:
    """Compare an account's ledger with the statements that were taken in, and its payouts with the
    bank's lines.

    Raises:
        IntegrityError: the buckets do not sum to their inputs, which is our bug.
    """
    owner: ProviderAccount = morning.owner(subject)
    with morning.progress(f"{on} reconcile {subject}"):
        done = reconcile_run(
            context, owner, morning.formats, (), morning.period(on), dry_run=dry_run
        )
    run = done.run
    facts: dict[str, int | str] = {
        "run_id": run.run_id,
        "breaks": run.break_count,
        "carried": run.carried,
        "cleared": run.cleared,
        "unreadable": run.unreadable,
        "matched": sum(count for _, count in run.matches),
        "payouts": len(run.payouts),
        "arrived": len(run.arrivals),
    }
    note = f"{run.break_count} breaks" if run.break_count else "everything agrees"
    note += f", {run.cleared} earlier ones cleared" if run.cleared else ""
    note += ", without what this run would take in" if dry_run else ""
    return Found(note=note, facts=facts, exit_code=FINDINGS if run.break_count else 0)


WORK = {"webhooks": webhooks, "recover": recover, "fetch": fetch, "reconcile": reconcile}
"""What each step but the reports does."""

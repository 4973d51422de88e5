"""Reports as documents: what each needs is read from the books, then told by a pure builder."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.break_life import BreakFilter, BreakState, Listed
from domain.breaks import Break
from domain.bridge import Bridge
from domain.payout import PayoutProof
from domain.provider import AccountSwitch, ProviderAccount
from domain.run import Period, Run
from domain.stored_event import EventFilter
from domain.webhook import EventState
from reports.document import Document
from tscli import __version__
from tscli.services import summaries
from tscli.services.audit import verify_audit
from tscli.services.doctor import examine
from tscli.services.stuck import stuck_payments

if TYPE_CHECKING:
    from tscli.services.context import Context

_MANUAL = (
    "approval.approved", "approval.rejected", "approval.requested", "break.reopened",
    "break.resolved", "books.restored", "day.accepted", "ledger.reversed", "operation.renewed",
    "payment.renewed", "provider.paused", "provider.resumed", "review.closed", "webhook.discarded",
    "webhook.retried",
)  # fmt: skip
"""Acts by which a person overrules what machines decided, or agrees to another person's."""
_REFUSED = ("permission.refused",)
_LISTED = 10_000
"""Most rows of a list in one report."""


def daily(context: "Context", on: date, mode: str, timezone: str) -> Document:
    """The report of a day.

    Raises:
        InvalidRequest: an unknown zone.
    """
    from reports.builders.summary import summary_document

    return summary_document(summaries.daily(context, on, mode, timezone), __version__)


def monthly(context: "Context", first: date, mode: str, timezone: str) -> Document:
    """The report of a month.

    Raises:
        InvalidRequest: an unknown zone.
    """
    from reports.builders.summary import summary_document

    return summary_document(summaries.monthly(context, first, mode, timezone), __version__)


def reconciliation(context: "Context", run_id: str | None) -> Document:
    """The report of a run, the latest when none is named.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        run = books.runs.get(run_id)
        found = list(books.runs.breaks_of(run.run_id))
    return of_run(run, found)


def of_run(run: Run, breaks: Iterable[Break]) -> Document:
    """The report of a run and its breaks."""
    from reports.builders.reconciliation import run_document
    from reports.reconciliation import reconciliation_report

    return run_document(reconciliation_report(run, breaks, dict(run.matches), __version__))


def breaks(context: "Context", mode: str) -> Document:
    """The breaks that are open now."""
    from reports.builders.break_list import breaks_document

    with context.database.read() as books:
        found = books.breaks.find(BreakFilter(state=BreakState.OPEN), None)
    listed = [Listed(*one) for one in found if one[0].mode == mode]
    return breaks_document(listed, context.clock.now(), mode, __version__)


def bridge(
    context: "Context",
    owner: ProviderAccount,
    at: datetime,
    plain: Callable[[Bridge], Mapping[str, Any]],
) -> Document:
    """The bridge of an account; `plain` makes the machine's form of one currency's."""
    from reports.builders.bridge import bridge_document
    from tscli.services.bridging import bridge as lead_over

    named = (owner.provider, owner.account, owner.mode)
    found = lead_over(context, owner, at)
    return bridge_document(found, named, at, [plain(one) for one in found], __version__)


def payouts(
    context: "Context",
    owner: ProviderAccount,
    period: Period,
    plain: Callable[[PayoutProof], Mapping[str, Any]],
) -> Document:
    """The payouts of an account; `plain` makes the machine's form of one."""
    from reports.builders.payout_list import payouts_document
    from tscli.services.payouts import list_payouts

    named = (owner.provider, owner.account, owner.mode)
    found = list_payouts(context, owner, period)
    return payouts_document(found, named, period, [plain(one) for one in found], __version__)


def providers(
    context: "Context", owners: Sequence[ProviderAccount], period: Period, mode: str
) -> Document:
    """Providers side by side over a period."""
    from reports.builders.providers import providers_document

    switches: dict[ProviderAccount, tuple[AccountSwitch, str]] = {}
    with context.database.read() as books:
        figures = summaries.figures_of(books, period, mode)
        for owner in owners:
            breaker = books.provider_accounts.breaker(owner).state.value
            switches[owner] = (books.provider_accounts.switch(owner), breaker)
    return providers_document(figures, switches, mode, __version__)


def recovery(context: "Context", period: Period, mode: str) -> Document:
    """What is unsettled now, what waits for a person, and what was closed in a period."""
    from reports.builders.recovery import Unsettled, recovery_document

    with context.database.read() as books:
        figures = summaries.figures_of(books, period, mode)
        stuck = stuck_payments(books, context.clock.now(), older_than=timedelta())
        reviews = books.reviews.find(only_open=False, limit=_LISTED)
    mine = [r for r in reviews if r.owner.mode == mode]
    return recovery_document(
        figures,
        [
            Unsettled(s.payment_id, s.owner.provider, s.owner.account, s.since, s.due_at)
            for s in stuck
            if s.owner.mode == mode
        ],
        [r for r in mine if r.is_open],
        [r for r in mine if r.closed_at is not None and _within(r.closed_at, period)],
        mode,
        __version__,
    )


def webhooks(context: "Context", period: Period, mode: str) -> Document:
    """Deliveries of a period, and the events that failed for good."""
    from reports.builders.webhooks import webhooks_document

    with context.database.read() as books:
        figures = summaries.figures_of(books, period, mode)
        dead = [
            event
            for state in (EventState.FAILED, EventState.DEAD)
            for event in books.inbox.find(EventFilter(state=state), limit=_LISTED)
            if event.owner.mode == mode
        ]
    return webhooks_document(figures, dead, mode, __version__)


def audit(context: "Context", period: Period, mode: str) -> Document:
    """Who did what in a period, and whether the whole trail is sound."""
    from reports.builders.controls import ChainProof, audit_document

    proof = verify_audit(context)
    flaw = proof.flaw
    broken = f"record {flaw.seq} ({flaw.audit_id}): {flaw.reason}" if flaw else ""
    with context.database.read() as books:
        return audit_document(
            summaries.figures_of(books, period, mode),
            books.figures.acts(period),
            books.figures.records(period, _MANUAL, _LISTED),
            ChainProof(proof.records, proof.entries, proof.head, broken),
            mode,
            __version__,
        )


def security(context: "Context", period: Period, mode: str, database_file: Path | None) -> Document:
    """What was refused, who agreed to what, and whether the safeguards stand."""
    from reports.builders.controls import Check, security_document

    checks = [Check(f.check, f.ok, f.detail) for f in examine(context, database_file)]
    with context.database.read() as books:
        return security_document(
            summaries.figures_of(books, period, mode),
            books.figures.records(period, _REFUSED, _LISTED),
            [a for a in books.approvals.find(limit=_LISTED) if _within(a.requested_at, period)],
            checks,
            context.operators,
            mode,
            __version__,
        )


def _within(at: datetime, period: Period) -> bool:
    return period.start_at <= at < period.end_at

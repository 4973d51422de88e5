"""The reports of the audit trail and of security: who did what, what was refused, what holds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.approval import Approval
from domain.audit import AuditRecord
from domain.figures import Acts, DayFigures
from domain.operator import Operators
from reports.builders.words import label, period_facts, span_slug
from reports.document import Bars, Column, Document, Fact, Kind, Section, Table, Tone
from reports.instants import period_text
from reports.verdict import count, provider_name


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at, and whether it holds."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class ChainProof:
    """What the verification of the audit chain found."""

    records: int
    entries: int
    head: str
    """Hash over the heads of all chains, empty without records."""
    flaw: str
    """Where it is broken first, empty for a sound one."""


def audit_document(
    figures: DayFigures,
    acts: Sequence[Acts],
    manual: Sequence[AuditRecord],
    proof: ChainProof,
    mode: str,
    product_version: str,
) -> Document:
    """The audit trail of a period, and whether all of it is whole.

    `manual` are the acts of people that changed what machines decided, oldest first.
    """
    found = sum(a.count for a in acts)
    return Document(
        name="audit",
        title=f"Audit trail, {period_text(figures.period).span}",
        slug=f"audit-{span_slug(figures)}-{mode}",
        tone=Tone.BAD if proof.flaw else Tone.GOOD,
        headline=(
            f"The audit chain is broken: {proof.flaw}."
            if proof.flaw
            else f"The audit chain is whole: {count(proof.records, 'record')} over"
            f" {proof.entries:,} ledger entries, {found:,} of this period."
        ),
        facts=(
            *period_facts(figures, mode),
            Fact("Head of the chain", proof.head, Kind.CODE),
        ),
        sections=(
            Section("What was done", (_action_bars(acts), _action_table(acts))),
            Section("By hand", (_manual(manual),)),
        ),
        main="actions",
        footer=(f"Written by tscli {product_version}.",),
    )


def _action_bars(acts: Iterable[Acts]) -> Bars:
    counts: Counter[str] = Counter()
    for a in acts:
        counts[a.operator] += a.count
    ordered = sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    return Bars("operators", "Records by operator", tuple((o, n, f"{n:,}") for o, n in ordered))


def _action_table(acts: Sequence[Acts]) -> Table:
    return Table(
        key="actions",
        title="By action",
        columns=(
            Column("action", "Action", Kind.CODE),
            Column("operator", "Operator"),
            Column("count", "Times", Kind.COUNT),
        ),
        rows=[(a.action, a.operator, a.count) for a in acts],
        empty="Nothing was done.",
    )


def _manual(manual: Sequence[AuditRecord]) -> Table:
    return Table(
        key="manual",
        title="Decisions of people, oldest first",
        columns=(
            Column("at", "At (UTC)", Kind.INSTANT),
            Column("operator", "Operator"),
            Column("action", "Action", Kind.CODE),
            Column("subject", "About", Kind.CODE),
            Column("reason", "Reason", wide=True),
        ),
        rows=[(r.recorded_at, r.actor.operator, r.action, r.subject, r.actor.reason)
              for r in manual],
        empty="Nobody overruled a machine.",
    )  # fmt: skip


def security_document(
    figures: DayFigures,
    refused: Sequence[AuditRecord],
    approvals: Sequence[Approval],
    checks: Sequence[Check],
    operators: Operators,
    mode: str,
    product_version: str,
) -> Document:
    """What was refused, who agreed to what, and whether the safeguards stand."""
    broken = [check for check in checks if not check.holds]
    deliveries = sum(r.count for r in figures.refused)
    events = f"{count(deliveries, 'delivery attempt')} and {count(len(refused), 'act')} refused"
    return Document(
        name="security",
        title=f"Security and compliance, {period_text(figures.period).span}",
        slug=f"security-{span_slug(figures)}-{mode}",
        tone=Tone.BAD if broken else Tone.GOOD,
        headline=(
            f"{count(len(broken), 'safeguard')} not standing: "
            f"{', '.join(check.name for check in broken)}; {events}."
            if broken
            else f"Every safeguard stands; {events}."
        ),
        facts=period_facts(figures, mode),
        sections=(
            Section("Safeguards", (_checks(checks),)),
            Section("Refused", (_deliveries(figures), _refused(refused))),
            Section("Two people", (_approvals(approvals),)),
            Section("Who may act", (_operators(operators),)),
        ),
        main="checks",
        footer=(f"Written by tscli {product_version}.",),
    )


def _checks(checks: Sequence[Check]) -> Table:
    return Table(
        key="checks",
        title="What was looked at",
        columns=(
            Column("check", "Safeguard"),
            Column("stands", "Stands"),
            Column("detail", "Detail", wide=True),
        ),
        rows=[(check.name, "yes" if check.holds else "no", check.detail) for check in checks],
    )


def _deliveries(figures: DayFigures) -> Table:
    return Table(
        key="deliveries",
        title="Webhook deliveries that were not believed",
        columns=(
            Column("provider", "Provider"),
            Column("reason", "Reason", Kind.CODE),
            Column("count", "Times", Kind.COUNT),
        ),
        rows=[(provider_name(r.provider), r.reason, r.count) for r in figures.refused],
        empty="None.",
    )


def _refused(refused: Sequence[AuditRecord]) -> Table:
    return Table(
        key="refused",
        title="Acts that were not permitted",
        columns=(
            Column("at", "At (UTC)", Kind.INSTANT),
            Column("operator", "Operator"),
            Column("command", "Command", Kind.CODE),
            Column("subject", "About", Kind.CODE),
            Column("host", "Host"),
        ),
        rows=[
            (r.recorded_at, r.actor.operator, r.actor.command, r.subject, r.actor.host)
            for r in refused
        ],
        empty="None.",
    )


def _approvals(approvals: Sequence[Approval]) -> Table:
    return Table(
        key="approvals",
        title="Requests for a second person's word",
        columns=(
            Column("approval_id", "Request", Kind.CODE),
            Column("action", "Action"),
            Column("subject", "About", Kind.CODE),
            Column("requested_by", "Asked by"),
            Column("requested_at", "Asked (UTC)", Kind.INSTANT),
            Column("state", "State"),
            Column("decided_by", "Decided by"),
            Column("decided", "Decided (UTC)", Kind.INSTANT),
        ),
        rows=[
            (a.approval_id, label(a.action), a.subject, a.requested_by, a.requested_at,
             a.state.value, a.decided_by, a.decided_at)
            for a in approvals
        ],
        empty="Nothing was asked for.",
    )  # fmt: skip


def _operators(operators: Operators) -> Table:
    return Table(
        key="operators",
        title="Configured operators",
        columns=(Column("name", "Name"), Column("role", "Role"), Column("user", "System user")),
        rows=[
            (o.name, o.role.value, o.system_user or "anybody")
            for _, o in sorted(operators.known.items())
        ],
        empty="Nobody is configured: one person may do everything.",
    )

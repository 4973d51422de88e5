"""The report of recovery: what is not settled, what waits for a person, what people closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.figures import DayFigures
from domain.review import Review
from reports.builders.operating import (
    latency_table,
)
from reports.builders.words import account_name, label, period_facts, span_slug
from reports.document import (
    Amount,
    Column,
    Document,
    Kind,
    Section,
    Table,
    Tone,
)
from reports.instants import period_text
from reports.verdict import count


@dataclass(frozen=True, slots=True)
class Unsettled:
    """One payment whose outcome is not known."""

    payment_id: str
    provider: str
    account: str
    since: datetime
    next_check_at: datetime | None


def recovery_document(
    figures: DayFigures,
    unsettled: Sequence[Unsettled],
    waiting: Sequence[Review],
    closed: Sequence[Review],
    mode: str,
    product_version: str,
) -> Document:
    """What is unsettled, what waits for a person, and what people closed in a period."""
    open_now = len(unsettled) + len(waiting)
    return Document(
        name="recovery",
        title=f"Recovery, {period_text(figures.period).span}",
        slug=f"recovery-{span_slug(figures)}-{mode}",
        tone=Tone.BAD if waiting else Tone.NEUTRAL if unsettled else Tone.GOOD,
        headline=(
            f"{count(len(waiting), 'review')} waiting for a person,"
            f" {count(len(unsettled), 'payment')} to be asked for again."
            if open_now
            else "Every outcome is known, and nothing waits for a person."
        ),
        facts=period_facts(figures, mode),
        sections=(
            Section("Waiting for a person", (_reviews("waiting", "Oldest first", waiting),)),
            Section("To be asked for again", (_unsettled(unsettled),)),
            Section("Closed in this period", (_reviews("closed", "Oldest first", closed),)),
            Section("How long outcomes took", (latency_table(figures.durations),)),
        ),
        main="waiting",
        footer=(f"Written by tscli {product_version}.",),
    )


def _reviews(key: str, title: str, reviews: Sequence[Review]) -> Table:
    return Table(
        key=key,
        title=title,
        columns=(
            Column("review_id", "Review", Kind.CODE),
            Column("kind", "Why"),
            Column("account", "Account"),
            Column("subject", "About", Kind.CODE),
            Column("amount", "Amount", Kind.AMOUNT),
            Column("opened_at", "Opened (UTC)", Kind.INSTANT),
            Column("closed_by", "Closed by"),
            Column("resolution", "As"),
            Column("reason", "In words", wide=True),
        ),
        rows=[
            (
                r.review_id,
                label(r.kind.value),
                account_name(r.owner.provider, r.owner.account),
                r.payment_id or r.subject,
                None if r.amount_minor is None else Amount(r.amount_minor, r.currency),
                r.opened_at,
                r.closed_by,
                r.resolution,
                r.reason,
            )
            for r in reviews
        ],
        empty="Nothing.",
    )


def _unsettled(unsettled: Sequence[Unsettled]) -> Table:
    return Table(
        key="unsettled",
        title="Outcomes not yet known, oldest first",
        columns=(
            Column("payment_id", "Payment", Kind.CODE),
            Column("account", "Account"),
            Column("since", "Since (UTC)", Kind.INSTANT),
            Column("next_check_at", "Asked again (UTC)", Kind.INSTANT),
        ),
        rows=[
            (u.payment_id, account_name(u.provider, u.account), u.since, u.next_check_at)
            for u in sorted(unsettled, key=lambda u: (u.since, u.payment_id))
        ],
        note="`tscli recover sweep` asks for all that is due.",
        empty="Every outcome is known.",
    )

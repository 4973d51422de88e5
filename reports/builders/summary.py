"""The daily and the monthly report: verdict first, then money, agreement, payments, machines."""

from domain.open_breaks import open_value
from domain.summary import Summary
from reports.amounts import with_currency
from reports.builders.money import currency_totals, day_by_day, payout_table
from reports.builders.operating import (
    delivery_table,
    failure_bars,
    failure_table,
    key_table,
    latency_pictures,
    latency_table,
    payment_table,
    success_share,
    success_trend,
)
from reports.builders.reconciling import match_trend, open_blocks, open_trends, run_table
from reports.builders.words import account_name, label, listed, long_date, mode_fact
from reports.document import Block, Column, Document, Fact, Kind, Section, Table, Tone
from reports.instants import period_text
from reports.verdict import count


def summary_document(summary: Summary, product_version: str) -> Document:
    """A day or a month as a report."""
    first = summary.days[0].on
    single = summary.name == "daily"
    when = long_date(first) if single else f"{first:%B} {first.year}"
    period = period_text(summary.whole.period)
    tone, headline = _verdict(summary)
    return Document(
        name=summary.name,
        title=f"{label(summary.name)} report, {when}",
        slug=f"{summary.name}-{first if single else f'{first:%Y-%m}'}-{summary.mode}",
        tone=tone,
        headline=headline,
        facts=(
            Fact("Period", period.span),
            Fact("Cut-off", f"{period.cut_off} {period.zone}"),
            mode_fact(summary.mode),
            Fact("Open breaks", len(summary.open_breaks), Kind.COUNT),
            Fact("Success rate of payments", success_share(summary.whole), Kind.SHARE),
            Fact("Waiting for a person", sum(summary.reviews.values()), Kind.COUNT),
        ),
        warnings=_warnings(summary),
        sections=_sections(summary, single),
        main="totals" if single else "days",
        footer=(f"Written by tscli {product_version}. Days are those of {period.zone}.",),
    )


def _verdict(summary: Summary) -> tuple[Tone, str]:
    """Whether everything that moved was compared and agrees; never better than the tables."""
    if not summary.whole.accounts:
        return Tone.NEUTRAL, "Nothing happened: no money moved and nothing was compared."
    missing = summary.unreconciled
    opened = summary.open_breaks
    parts = []
    if missing:
        accounts = sorted({account_name(provider, account) for _, provider, account in missing})
        names = ", ".join(accounts)
        on = f" on {count(len(missing), 'day')}" if len(summary.days) > 1 else ""
        parts.append(f"{names} not reconciled{on}")
    if opened:
        values = [with_currency(minor, code) for code, minor in open_value(opened).items()]
        over = f" over {listed(values)}" if 0 < len(values) <= 4 else ""
        parts.append(f"{count(len(opened), 'open break')}{over}")
    if summary.reviews:
        parts.append(f"{count(sum(summary.reviews.values()), 'payment')} waiting for a person")
    if parts:
        return Tone.BAD, f"{'; '.join(parts)}."
    return Tone.GOOD, "Ledger and providers agree, and nothing is open."


def _warnings(summary: Summary) -> tuple[str, ...]:
    return tuple(
        f"{account_name(provider, account)}: money moved on {on}, and no run compared that day."
        for on, provider, account in summary.unreconciled
    )


def _sections(summary: Summary, single: bool) -> tuple[Section, ...]:
    whole = summary.whole
    money: tuple[Block, ...] = (currency_totals(whole),)
    if not single:
        money = (*money, day_by_day(summary.days, whole))
    days = [day.on for day in summary.trend]
    return (
        Section("Money", money),
        Section(
            "Reconciliation",
            (
                run_table(whole.runs),
                match_trend(days, summary.trend_runs),
                *open_trends(summary.trend),
            ),
        ),
        Section("Open breaks", open_blocks(summary.open_breaks, summary.as_of)),
        Section("Payouts", (payout_table(whole.runs),)),
        Section(
            "Payments",
            (
                payment_table(whole),
                *(() if single else (success_trend(summary.days),)),
                *((failure_bars(whole.failures),) if whole.failures else ()),
                failure_table(whole.failures),
                *latency_pictures(whole.durations),
                latency_table(whole.durations),
            ),
        ),
        Section("Webhooks and keys", (delivery_table(whole.events), key_table(whole))),
        Section("Waiting for a person", (_reviews(summary),)),
    )


def _reviews(summary: Summary) -> Table:
    return Table(
        key="reviews",
        title="By reason",
        columns=(Column("reason", "Reason"), Column("count", "Waiting", Kind.COUNT)),
        rows=[(label(kind), number) for kind, number in summary.reviews.items()],
        note="See `tscli recover queue`.",
        empty="Nothing waits for a person.",
    )

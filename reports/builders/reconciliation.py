"""One run as a document: the sums by bucket, the breaks, the inputs and the rules."""

from collections.abc import Iterable
from datetime import UTC, datetime

from domain.breaks import Break
from reports.bucket_totals import CurrencySheet, is_ledger
from reports.builders.reconciling import meaning_of
from reports.builders.words import account_name, label, mode_fact
from reports.document import (
    Amount,
    Bars,
    Cell,
    Column,
    Document,
    Fact,
    Kind,
    Section,
    Table,
    Tone,
)
from reports.instants import period_text
from reports.json_document import report_data
from reports.reconciliation import ReconciliationReport
from reports.verdict import Verdict

_TONES = {Verdict.AGREE: Tone.GOOD, Verdict.EMPTY: Tone.NEUTRAL}


def run_document(report: ReconciliationReport, slug: str) -> Document:
    """The report of a run in the form every renderer writes."""
    run, text = report.run, period_text(report.run.period)
    name = account_name(run.provider, run.account)
    return Document(
        name="reconciliation",
        title=f"Reconciliation of {name}, {text.span}",
        slug=slug,
        tone=_TONES.get(report.verdict, Tone.BAD),
        headline=report.headline,
        facts=(
            Fact("Period", text.span),
            Fact("Cut-off", f"{text.cut_off} {text.zone}"),
            Fact("Account", name),
            mode_fact(run.mode),
            Fact("Run", run.run_id, Kind.CODE),
            Fact("Started", run.started_at, Kind.INSTANT),
        ),
        sections=(
            Section("Where every row went", (_sums(report.sheets),)),
            Section("Breaks", (_bars(report), _kinds(report), _breaks(report.breaks))),
            Section("What went in", (_inputs(report), _passes(report))),
        ),
        main="breaks",
        data=report_data(report),
        footer=(f"Written by tscli {report.product_version}.",),
    )


def _sums(sheets: Iterable[CurrencySheet]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    totals: list[tuple[Cell, ...]] = []
    for sheet in sheets:
        for place, words in ((rows, sheet.buckets), (totals, (("Total", sheet.all_rows),))):
            for bucket, sides in words:
                code = sheet.currency
                place.append(
                    (
                        label(str(bucket)),
                        code,
                        sides.expected.rows,
                        Amount(sides.expected.net_minor, code),
                        sides.reported.rows,
                        Amount(sides.reported.net_minor, code),
                        Amount(sides.difference.net_minor, code),
                    )
                )
    return Table(
        key="sums",
        title="By currency and bucket",
        columns=(
            Column("bucket", "Bucket"),
            Column("currency", "Currency", Kind.CODE),
            Column("ledger_rows", "Ledger rows", Kind.COUNT),
            Column("ledger_net", "Ledger net", Kind.AMOUNT),
            Column("reported_rows", "Reported rows", Kind.COUNT),
            Column("reported_net", "Reported net", Kind.AMOUNT),
            Column("difference", "Difference", Kind.AMOUNT),
        ),
        rows=rows,
        totals=tuple(totals),
        empty="No row on either side.",
    )


def _bars(report: ReconciliationReport) -> Bars:
    sizes = ((label(g.kind.value), len(g.breaks)) for g in report.kinds)
    return Bars("kinds", "Breaks by kind", tuple((name, n, f"{n:,}") for name, n in sizes))


def _kinds(report: ReconciliationReport) -> Table:
    return Table(
        key="kinds",
        title="Kinds",
        columns=(
            Column("kind", "Kind"),
            Column("breaks", "Breaks", Kind.COUNT),
            Column("meaning", "Meaning", wide=True),
            Column("remedy", "What helps", Kind.CODE),
        ),
        rows=[
            (label(g.kind.value), len(g.breaks), *meaning_of(g.kind.value)) for g in report.kinds
        ],
        empty="There is no break.",
    )


def _breaks(breaks: Iterable[Break]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for item in breaks:
        ours, theirs, code = item.expected, item.reported, item.currency
        sides = [side for side in (ours, theirs) if side and side.occurred_at]
        difference = item.difference_minor
        rows.append(
            (
                item.break_id,
                label(item.kind.value),
                item.provider_reference or item.transaction_id,
                Amount(ours.amount_minor, ours.currency) if ours else None,
                Amount(theirs.amount_minor, theirs.currency) if theirs else None,
                None if difference is None else Amount(difference, code),
                _instant(sides[0].occurred_at) if sides else None,
                item.detail or ", ".join(item.fields),
            )
        )
    return Table(
        key="breaks",
        title="Every break",
        columns=(
            Column("break_id", "Break", Kind.CODE),
            Column("kind", "Kind"),
            Column("reference", "Reference", Kind.CODE),
            Column("ledger", "Ledger", Kind.AMOUNT),
            Column("reported", "Reported", Kind.AMOUNT),
            Column("difference", "Difference", Kind.AMOUNT),
            Column("occurred_at", "Occurred (UTC)", Kind.INSTANT),
            Column("detail", "Detail", wide=True),
        ),
        rows=rows,
        empty="There is no break.",
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _inputs(report: ReconciliationReport) -> Table:
    return Table(
        key="inputs",
        title="Files",
        columns=(
            Column("file", "File", wide=True),
            Column("side", "Side"),
            Column("format", "Format"),
            Column("rows", "Rows", Kind.COUNT),
            Column("unreadable", "Unreadable", Kind.COUNT),
            Column("digest", "SHA-256", Kind.CODE),
        ),
        rows=[
            (f.name, "ledger" if is_ledger(f) else "reported", f.format, f.rows, f.unreadable,
             f.digest)
            for f in report.run.inputs
        ],
        empty="No file was read.",
    )  # fmt: skip


def _passes(report: ReconciliationReport) -> Table:
    return Table(
        key="passes",
        title="Pairs found by each pass, in the order the passes ran",
        columns=(Column("pass", "Pass"), Column("pairs", "Pairs", Kind.COUNT)),
        rows=list(report.passes),
        empty="No pair was found.",
    )

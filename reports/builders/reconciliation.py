"""One run as a document: what is open, the sums by bucket, the breaks, the inputs and the rules."""

from collections.abc import Iterable
from datetime import UTC, datetime

from domain.breaks import Break
from domain.run import Run
from reports.bucket_totals import Amounts, CurrencySheet, TwoSides
from reports.builders.reconciling import meaning_of
from reports.builders.run_inputs import (
    control_table,
    coverage,
    file_table,
    pass_table,
    self_contradictions,
)
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
from reports.open_value import OpenValue, fee_difference
from reports.reconciliation import ReconciliationReport
from reports.run_data import report_data
from reports.verdict import Verdict

_TONES = {Verdict.AGREE: Tone.GOOD, Verdict.EMPTY: Tone.NEUTRAL}
_TERMS = (
    "Reported is what the provider states; a difference is reported less ledger. Open value counts"
    " each break's difference as positive, amounts and fees apart; where the currencies differ each"
    " side is open in whole, and where only the status differs the whole reported amount is."
)


def run_document(report: ReconciliationReport) -> Document:
    """The report of a run in the form every renderer writes."""
    run, text = report.run, period_text(report.run.period)
    name = account_name(run.provider, run.account)
    cut_off = f"before {text.cut_off} {text.zone}"
    return Document(
        name="reconciliation",
        title=f"Reconciliation of {name}, {text.span}",
        slug=run_slug(run),
        tone=_TONES.get(report.verdict, Tone.BAD),
        headline=report.headline,
        facts=(
            Fact("Period", text.span),
            Fact("Cut-off", f"{cut_off} ({text.cut_off_utc} UTC)" if text.cut_off_utc else cut_off),
            Fact("Account", name),
            mode_fact(run.mode),
            Fact("Run", run.run_id, Kind.CODE),
            Fact("Compared at", run.started_at, Kind.INSTANT),
        ),
        warnings=_warnings(report),
        sections=_sections(report),
        machine=_for_machines(report.breaks),
        data=report_data(report),
        footer=(_TERMS, f"Written by tscli {report.product_version}."),
    )


def run_slug(run: Run) -> str:
    """The stable name of a run's report."""
    start, end = run.period.start_at.date(), run.period.end_at.date()
    return f"reconciliation-{run.provider}-{run.account}-{run.mode}-{start}-{end}"


def _sections(report: ReconciliationReport) -> tuple[Section, ...]:
    found = [Section("Where every row went", (_sums(report),), text=coverage(report))]
    if report.kinds:
        overview = (_open_value(report.open_value), _bars(report), _kinds(report))
        found = [Section("What is open", overview), *found]
        found.append(Section("Breaks", (_breaks(report.breaks),)))
    found.append(Section("What went in", (*_inputs(report), pass_table(report))))
    return tuple(found)


def _inputs(report: ReconciliationReport) -> tuple[Table, ...]:
    files = file_table(report)
    return (files, control_table(report)) if files.rows else (files,)


def _warnings(report: ReconciliationReport) -> tuple[str, ...]:
    untied = tuple(
        f"{sheet.currency or 'Unreadable rows'}: the buckets do not sum to the input files."
        for sheet in (*report.sheets, report.unreadable)
        if sheet and not sheet.ties
    )
    return (*untied, *self_contradictions(report.run.inputs))


def _open_value(values: Iterable[OpenValue]) -> Table:
    return Table(
        key="open_value",
        title="Open value",
        columns=(
            Column("currency", "Currency"),
            Column("breaks", "Breaks", Kind.COUNT),
            Column("amounts", "Amounts", Kind.AMOUNT),
            Column("fees", "Fees", Kind.AMOUNT),
            Column("open_value", "Open value", Kind.AMOUNT),
        ),
        rows=[
            (v.currency, v.breaks, Amount(v.amount_minor, v.currency),
             Amount(v.fee_minor, v.currency), Amount(v.total_minor, v.currency))
            for v in values
        ],
        empty="No amount is open.",
    )  # fmt: skip


def _sums(report: ReconciliationReport) -> Table:
    rows: list[tuple[Cell, ...]] = []
    totals: list[tuple[Cell, ...]] = []
    sheets = [*report.sheets, *([report.unreadable] if report.unreadable else [])]
    for sheet in sheets:
        code = sheet.currency
        rows += [(label(b.value), code, *_sides(sides, code)) for b, sides in sheet.buckets]
        totals.append(("All rows", code, *_sides(sheet.all_rows, code)))
        totals += _input_totals(sheet)
    return Table(
        key="sums",
        title="By currency and bucket",
        columns=(
            Column("bucket", "Bucket"),
            Column("currency", "Currency"),
            Column("ledger_rows", "Ledger rows", Kind.COUNT),
            Column("ledger_gross", "Ledger gross", Kind.AMOUNT),
            Column("ledger_fee", "Ledger fee", Kind.AMOUNT),
            Column("reported_rows", "Reported rows", Kind.COUNT),
            Column("reported_gross", "Reported gross", Kind.AMOUNT),
            Column("reported_fee", "Reported fee", Kind.AMOUNT),
            Column("difference", "Gross differs", Kind.AMOUNT),
            Column("fee_difference", "Fee differs", Kind.AMOUNT),
        ),
        rows=rows,
        totals=tuple(totals),
        note="Every row of both sides stands in one bucket, and the buckets sum to what the input"
        " files hold." if report.ties else "",
        empty="No row on either side.",
    )  # fmt: skip


def _input_totals(sheet: CurrencySheet) -> list[tuple[Cell, ...]]:
    """What the files hold, where there were any, beside what the buckets sum to."""
    ours, theirs = sheet.expected_file, sheet.reported_file
    if ours is None and theirs is None:
        return []
    words = "Input files, which tie" if sheet.ties else "Input files, which do not tie"
    return [
        (
            words, sheet.currency, *_three(ours, sheet.currency), *_three(theirs, sheet.currency),
            None, None,
        )
    ]  # fmt: skip


def _sides(sides: TwoSides, code: str) -> tuple[Cell, ...]:
    gap = sides.difference
    differences = (Amount(gap.gross_minor, code), Amount(gap.fee_minor, code))
    return (
        *_three(sides.expected, code),
        *_three(sides.reported, code),
        *(differences if code else (None, None)),
    )


def _three(amounts: Amounts | None, code: str) -> tuple[Cell, ...]:
    if amounts is None:
        return None, None, None
    if not code:
        return amounts.rows, None, None
    return amounts.rows, Amount(amounts.gross_minor, code), Amount(amounts.fee_minor, code)


def _bars(report: ReconciliationReport) -> Bars:
    sizes = ((label(g.kind.value), len(g.breaks)) for g in report.kinds)
    return Bars("kinds", "Breaks by kind", tuple((name, n, f"{n:,}") for name, n in sizes))


def _kinds(report: ReconciliationReport) -> Table:
    return Table(
        key="by_kind",
        title="What the kinds mean, and what helps",
        columns=(
            Column("kind", "Kind"),
            Column("breaks", "Breaks", Kind.COUNT),
            Column("meaning", "Meaning", wide=True),
            Column("remedy", "What helps", Kind.CODE),
        ),
        rows=[
            (label(g.kind.value), len(g.breaks), *meaning_of(g.kind.value)) for g in report.kinds
        ],
    )


def _breaks(breaks: Iterable[Break]) -> Table:
    return Table(
        key="breaks",
        title="Every break, largest first within its kind and currency",
        columns=(
            Column("kind", "Kind"),
            Column("reference", "Reference", Kind.CODE),
            Column("line_kind", "Line"),
            Column("ledger", "Ledger", Kind.AMOUNT),
            Column("reported", "Reported", Kind.AMOUNT),
            Column("difference", "Difference", Kind.AMOUNT),
            Column("fee_difference", "Fee differs", Kind.AMOUNT),
            Column("occurred_at", "Occurred (UTC)", Kind.INSTANT),
            Column("detail", "What differs", wide=True),
            Column("place", "File and line"),
            Column("break_id", "Break", Kind.CODE),
        ),
        rows=[_break(item) for item in breaks],
    )


def _break(item: Break) -> tuple[Cell, ...]:
    ours, theirs, code = item.expected, item.reported, item.currency
    times = [side.occurred_at for side in (ours, theirs) if side and side.occurred_at]
    difference, fee = item.difference_minor, fee_difference(item)
    return (
        label(item.kind.value),
        item.provider_reference or item.transaction_id,
        item.line_kind,
        Amount(ours.amount_minor, ours.currency) if ours else None,
        Amount(theirs.amount_minor, theirs.currency) if theirs else None,
        None if difference is None else Amount(difference, code),
        None if fee is None else Amount(fee, code),
        _instant(times[0]) if times else None,
        item.detail or _differing(item),
        f"{item.file}, line {item.line}" if item.file and item.line else item.file,
        item.break_id,
    )


def _for_machines(breaks: Iterable[Break]) -> Table:
    """Every break in the words of machines: the columns, and their order, that `reconcile files
    --breaks` writes too."""
    columns = (
        *(Column(key, key) for key in _WORDS),
        *(Column(key, key, Kind.COUNT) for key in _MINOR),
        *(Column(key, key) for key in ("fields", "transaction_id", "file")),
        Column("line", "line", Kind.COUNT),
    )
    return Table("breaks", "Breaks", columns, [_plain(item) for item in breaks])


_WORDS = ("break_id", "kind", "line_kind", "provider_reference", "currency")
_MINOR = (
    "expected_minor", "reported_minor", "difference_minor", "expected_fee_minor",
    "reported_fee_minor",
)  # fmt: skip


def _plain(item: Break) -> tuple[Cell, ...]:
    """An amount of a side that is missing is empty; so is the difference of two currencies."""
    ours, theirs = item.expected, item.reported
    return (
        item.break_id,
        item.kind.value,
        item.line_kind,
        item.provider_reference,
        item.currency,
        ours.amount_minor if ours else None,
        theirs.amount_minor if theirs else None,
        item.difference_minor,
        ours.fee_minor if ours else None,
        theirs.fee_minor if theirs else None,
        "|".join(item.fields),
        item.transaction_id,
        item.file,
        item.line,
    )


def _differing(item: Break) -> str:
    """The fields that differ, with what stands on either side where a column does not say it."""
    ours, theirs = item.expected, item.reported
    if ours and theirs and "status" in item.fields:
        return f"status: {ours.status} in the ledger, {theirs.status} reported"
    return ", ".join(item.fields)


def _instant(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return text

"""What a run was given: files with their digests and own totals, passes, and doubts about them."""

from collections.abc import Sequence

from domain.buckets import Bucket
from domain.settlement import InputFile
from reports import amounts
from reports.bucket_totals import is_ledger
from reports.document import Amount, Column, Kind, Table
from reports.reconciliation import ReconciliationReport
from reports.verdict import count, provider_name


def coverage(report: ReconciliationReport) -> str:
    """How much of either side agrees, in one sentence; empty when there are no rows."""
    expected = reported = expected_matched = reported_matched = 0
    for sheet in report.sheets:
        expected += sheet.compared.expected.rows
        reported += sheet.compared.reported.rows
        matched = dict(sheet.buckets).get(Bucket.MATCHED)
        if matched:
            expected_matched += matched.expected.rows
            reported_matched += matched.reported.rows
    if report.unreadable:
        expected += report.unreadable.all_rows.expected.rows
        reported += report.unreadable.all_rows.reported.rows
    if not expected and not reported:
        return ""
    ours = f"{amounts.whole(expected_matched)} of {count(expected, 'ledger row')}"
    theirs = f"{amounts.whole(reported_matched)} of {amounts.whole(reported)}"
    name = provider_name(report.run.provider)
    return f"{ours} and {theirs} {name} rows agree in every field compared."


def self_contradictions(files: Sequence[InputFile]) -> tuple[str, ...]:
    """What a reader must know of files before trusting the figures."""
    found: list[str] = []
    for file in files:
        found += [
            f"{file.name} contradicts itself in {total.currency}: its net column differs from gross"
            f" less fee by {amounts.signed(total.net_residual_minor, total.currency)}."
            for total in file.totals
            if total.net_residual_minor
        ]
        if file.unreadable:
            rows = count(file.unreadable, "row")
            found.append(f"{file.name}: {rows} could not be read; no total holds what stood there.")
    return tuple(found)


def file_table(report: ReconciliationReport) -> Table:
    """The files with their digests."""
    return Table(
        key="inputs",
        title="Files",
        columns=(
            Column("file", "File", wide=True),
            Column("side", "Side"),
            Column("format", "Format"),
            Column("first", "First instant (UTC)"),
            Column("last", "Last instant (UTC)"),
            Column("bytes", "Bytes", Kind.COUNT),
            Column("rows", "Rows", Kind.COUNT),
            Column("unreadable", "Unreadable", Kind.COUNT),
            Column("digest", "SHA-256", Kind.CODE),
        ),
        rows=[
            (file.name, "ledger" if is_ledger(file) else "reported", file.format,
             *(file.period or ("", "")), file.size, file.rows, file.unreadable, file.digest)
            for file in report.run.inputs
        ],
        note=f"Ledger rows compared, SHA-256 {report.run.expected_digest}.",
        empty="No file was read.",
    )  # fmt: skip


def control_table(report: ReconciliationReport) -> Table:
    """The files' own sums."""
    return Table(
        key="control_totals",
        title="Control totals, summed while reading and before any comparison",
        columns=(
            Column("file", "File", wide=True),
            Column("currency", "Currency"),
            Column("rows", "Rows", Kind.COUNT),
            Column("gross", "Gross", Kind.AMOUNT),
            Column("fee", "Fee", Kind.AMOUNT),
            Column("net", "Net", Kind.AMOUNT),
            Column("net_residual", "Own net differs by", Kind.AMOUNT),
        ),
        rows=[
            (file.name, t.currency, t.rows, *(
                Amount(minor, t.currency)
                for minor in (t.amount_minor, t.fee_minor, t.amount_minor - t.fee_minor,
                              t.net_residual_minor)
            ))
            for file in report.run.inputs
            for t in file.totals
        ],
    )  # fmt: skip


def pass_table(report: ReconciliationReport) -> Table:
    """How many pairs each pass found, and by which rules."""
    digest = report.run.rules_digest
    return Table(
        key="passes",
        title="Pairs found by each pass, in the order the passes ran",
        columns=(Column("pass", "Pass"), Column("pairs", "Pairs", Kind.COUNT)),
        rows=list(report.passes),
        note=f"Rules applied, SHA-256 {digest}." if digest else "",
        empty="No pair was found.",
    )

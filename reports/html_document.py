"""The report as one HTML file that carries all it needs and asks for nothing else.

Every printed expression passes `safe_text` and is then escaped, by the environment and not by the
template's author; the policy in the head allows one style block, by its digest, and nothing more.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain.breaks import Break
from domain.buckets import Bucket
from domain.safe_text import safe_text
from reports import amounts, instants
from reports.bucket_totals import SET_ASIDE, is_ledger
from reports.open_value import fee_difference
from reports.pictures import bar_chart
from reports.reconciliation import ReconciliationReport
from reports.verdict import Verdict, count, provider_name

SHOWN_PER_KIND = 500
"""Breaks of one kind that the page lists; the CSV holds them all."""

_TEMPLATES = Path(__file__).with_name("templates")


def html_document(report: ReconciliationReport) -> bytes:
    """The whole page, UTF-8; the same report gives the same bytes."""
    page = (
        _environment()
        .get_template("reconciliation.html.j2")
        .render(
            report=report,
            run=report.run,
            provider=provider_name(report.run.provider),
            period=instants.period_text(report.run.period),
            agreed=report.verdict is Verdict.AGREE,
            coverage=_coverage(report),
            warnings=_warnings(report),
            chart=bar_chart(
                [(kind_label(group.kind), len(group.breaks)) for group in report.kinds]
            ),
            shown_per_kind=SHOWN_PER_KIND,
            set_aside=SET_ASIDE,
            unreadable_kind=Bucket.UNREADABLE,
            duplicate_kinds=(Bucket.DUPLICATE_AT_PROVIDER, Bucket.DUPLICATE_IN_LEDGER),
        )
    )
    return page.encode()


def kind_label(kind: Bucket) -> str:
    """A bucket's name as words.

    >>> kind_label(Bucket.MISSING_IN_LEDGER)
    'Missing in ledger'
    """
    return kind.value.replace("_", " ").capitalize()


def _coverage(report: ReconciliationReport) -> str:
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


def _warnings(report: ReconciliationReport) -> list[str]:
    """What a reader must know before trusting the figures."""
    found = [
        f"{sheet.currency or 'Unreadable rows'}: the buckets do not sum to the input files."
        for sheet in (*report.sheets, report.unreadable)
        if sheet and not sheet.ties
    ]
    for file in report.run.inputs:
        found += [
            f"{file.name} contradicts itself in {total.currency}: its net column differs from gross"
            f" less fee by {amounts.signed(total.net_residual_minor, total.currency)}."
            for total in file.totals
            if total.net_residual_minor
        ]
        if file.unreadable:
            rows = count(file.unreadable, "row")
            found.append(f"{file.name}: {rows} could not be read; no total holds what stood there.")
    return found


def _place(item: Break) -> str:
    if item.file and item.line:
        return f"{item.file}, line {amounts.whole(item.line)}"
    return item.file


def _inert(value: object) -> object:
    """What the environment does to each printed value before it escapes it."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return safe_text(value)
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        people=amounts.for_people,
        signed=amounts.signed,
        whole=amounts.whole,
        instant=instants.instant_text,
        iso=instants.iso_text,
        label=kind_label,
        place=_place,
        fee_difference=fee_difference,
    )
    environment.tests["ledger_file"] = is_ledger
    style = (_TEMPLATES / "report.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # Our own file, written out unescaped because its digest covers the very characters.
    environment.globals.update(style=Markup(style), style_digest=f"sha256-{digest}")  # noqa: S704
    return environment

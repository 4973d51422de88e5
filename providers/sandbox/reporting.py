"""Report runs: a file the provider was asked for, written from the truth when its time comes.

A run that cannot be written fails with its reason; it never half succeeds.
"""

from datetime import UTC, datetime

from providers.sandbox.exports import FORMATS, check_columns, export_lines
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Json, Report
from providers.sandbox.truth.refusals import Refusal

REPORT_TYPES: dict[str, str] = {
    "balance_change_from_activity.itemized.3": "balance_change_from_activity.itemized",
    "payout_reconciliation.itemized.5": "payout_reconciliation.itemized",
    "payouts.itemized.3": "payouts.itemized",
}
"""Report type with its version -> our export."""


def version(report_type: str) -> int:
    """The number a report type ends with."""
    return int(report_type.rsplit(".", 1)[1])


def default_columns(report_type: str) -> tuple[str, ...]:
    """The columns of a run that names none."""
    return FORMATS[REPORT_TYPES[report_type]].default


def ask(core: Core, report_type: str, parameters: Json) -> Report:
    """Order a report; it is written by the next catching up.

    Raises:
        Refusal: `unknown_report`, `unknown_column` or `odd_interval`.
    """
    if report_type not in REPORT_TYPES:
        raise Refusal("unknown_report", f"No report type {report_type!r}.", field="report_type")
    start, end = parameters.get("interval_start"), parameters.get("interval_end")
    if not isinstance(start, int) or not isinstance(end, int) or start >= end:
        raise Refusal(
            "odd_interval",
            "interval_start and interval_end are needed, the first before the second.",
            field="parameters[interval_start]",
        )
    check_columns(REPORT_TYPES[report_type], parameters.get("columns"))
    report = Report(
        core.new_id("frr"), core.now(), report_type, parameters, f"file_{core.random('id', 24)}"
    )
    core.store.add(report, parent=report.file_id)
    core.schedule("write_report", report.id, core.now())
    return report


def write_report(core: Core, report_id: str) -> None:
    """Write the file a report run asked for."""
    report = core.store.get(Report, report_id)
    words = report.parameters
    report.text = export_lines(
        core,
        REPORT_TYPES[report.report_type],
        datetime.fromtimestamp(words["interval_start"], UTC),
        datetime.fromtimestamp(words["interval_end"], UTC),
        columns=words.get("columns"),
        timezone=words.get("timezone", "Etc/UTC"),
        currency=words.get("currency"),
        category=words.get("reporting_category"),
    )
    report.ready_at = core.now()
    core.store.save(report)
    core.tell("report.succeeded", report)

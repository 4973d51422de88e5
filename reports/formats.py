"""The formats a report can be rendered to, as rows of one table; a new format is a new row.

A renderer is imported when it is used: a command that writes JSON never loads the template engine.
"""

from collections.abc import Callable
from dataclasses import dataclass

from domain.errors import InvalidRequest
from reports.reconciliation import ReconciliationReport


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of document."""

    name: str
    """The word after `--format`."""
    suffix: str
    """Of the file's name, with the point."""
    media_type: str
    render: Callable[[ReconciliationReport], bytes]


def _html(report: ReconciliationReport) -> bytes:
    from reports.html_document import html_document

    return html_document(report)


def _json(report: ReconciliationReport) -> bytes:
    from reports.json_document import json_document

    return json_document(report)


def _csv(report: ReconciliationReport) -> bytes:
    from reports.csv_document import breaks_csv

    return breaks_csv(report.breaks)


FORMATS = {
    row.name: row
    for row in (
        Format("html", ".html", "text/html; charset=utf-8", _html),
        Format("json", ".json", "application/json", _json),
        Format("csv", ".csv", "text/csv; charset=utf-8", _csv),
    )
}
"""Every format by its name."""


def render(report: ReconciliationReport, format: str) -> bytes:
    """The report as the bytes of a whole document, the same for the same report.

    Raises:
        InvalidRequest: there is no such format.
    """
    if format not in FORMATS:
        raise InvalidRequest(
            f"{format!r} is not a format of this report.", hint=f"Use one of {', '.join(FORMATS)}."
        )
    return FORMATS[format].render(report)

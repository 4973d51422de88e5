"""The formats a report can be rendered to, as rows of one table; a new format is a new row.

A renderer is imported when it is used: a command that writes JSON never loads the template engine.
"""

from collections.abc import Callable
from dataclasses import dataclass

from domain.errors import InvalidRequest
from reports.document import Document
from reports.writing import ENGLISH, Writing, writing


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of document."""

    name: str
    """The word after `--format`."""
    suffix: str
    """Of the file's name, with the point."""
    render: Callable[[Document, Writing], bytes]


def _html(document: Document, words: Writing) -> bytes:
    from reports.html_document import html_document

    return html_document(document, words)


def _pdf(document: Document, words: Writing) -> bytes:
    from reports.pdf_document import pdf_document

    return pdf_document(document, words)


def _xlsx(document: Document, words: Writing) -> bytes:
    from reports.xlsx_document import xlsx_document

    return xlsx_document(document, words)


def _csv(document: Document, _: Writing) -> bytes:
    from reports.csv_document import csv_document

    return csv_document(document)


def _json(document: Document, _: Writing) -> bytes:
    from reports.json_document import json_document

    return json_document(document)


def _markdown(document: Document, words: Writing) -> bytes:
    from reports.markdown_document import markdown_document

    return markdown_document(document, words)


DOCUMENT_FORMATS = {
    row.name: row
    for row in (
        Format("html", ".html", _html),
        Format("pdf", ".pdf", _pdf),
        Format("xlsx", ".xlsx", _xlsx),
        Format("csv", ".csv", _csv),
        Format("json", ".json", _json),
        Format("md", ".md", _markdown),
    )
}
"""Every format by its name."""


def render_document(document: Document, form: str, *, locale: str = ENGLISH) -> bytes:
    """The report as the bytes of a whole document, the same for the same report.

    Raises:
        InvalidRequest: there is no such format or locale.
        ConfigurationError: a package that the format or the locale needs is not installed.
    """
    if form not in DOCUMENT_FORMATS:
        raise InvalidRequest(
            f"{form!r} is not a format of reports.",
            hint=f"Use one of {', '.join(DOCUMENT_FORMATS)}.",
        )
    return DOCUMENT_FORMATS[form].render(document, writing(locale))

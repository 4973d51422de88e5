"""A report on its way out: rendered, written to a file, a folder or stdout; its verdict as exit
code."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from domain.errors import InvalidRequest
from tscli.render.talk import FINDINGS, say
from tscli.render.write import write_file

if TYPE_CHECKING:
    from reports.document import Document

_TABLE = "table"
_WIDTH_OF_FILES = 120
_ENDINGS = {"txt": "table", "htm": "html", "markdown": "md"}
"""Endings of file names that are not the format's own word."""
_BINARY = frozenset({"pdf", "xlsx"})


def deliver(document: "Document", form: str | None, output: Path | None, locale: str) -> None:
    """Write a report and end with 1 where its verdict is bad.

    Raises:
        InvalidRequest: the place cannot be written to, or the format cannot be told or shown.
        ConfigurationError: a package that the format needs is not installed.
    """
    from reports.document import Tone

    chosen = form or _told_by(output)
    content = render(document, chosen, locale, to_file=output is not None)
    if output is None:
        _to_stdout(content, chosen)
    else:
        ending = "txt" if chosen == _TABLE else chosen
        path = output / f"{document.slug}.{ending}" if output.is_dir() else output
        say(f"Wrote {write_file(path, content)}")
    if document.tone is Tone.BAD:
        raise typer.Exit(FINDINGS)


def render(document: "Document", form: str, locale: str, *, to_file: bool) -> bytes:
    """A report in a format; the table is as wide as the terminal.

    Raises:
        InvalidRequest: no such locale.
        ConfigurationError: a package that the format needs is not installed.
    """
    from reports.formats import render_document
    from reports.writing import writing
    from tscli.render.document_text import document_text

    if form != _TABLE:
        return render_document(document, form, locale=locale)
    width = _WIDTH_OF_FILES if to_file else shutil.get_terminal_size((_WIDTH_OF_FILES, 24)).columns
    return document_text(document, writing(locale), width).encode()


def _told_by(output: Path | None) -> str:
    """The format that a file's name asks for."""
    if output is None or output.is_dir():
        return "table" if output is None else "html"
    from reports.formats import DOCUMENT_FORMATS

    ending = output.suffix.removeprefix(".").lower()
    form = _ENDINGS.get(ending, ending)
    if form not in DOCUMENT_FORMATS and form != _TABLE:
        raise InvalidRequest(
            f"{output.name} does not tell which format is meant.",
            hint="Add --format html, pdf, xlsx, csv, json, md or table.",
        )
    return form


def _to_stdout(content: bytes, form: str) -> None:
    if form in _BINARY and sys.stdout.isatty():
        raise InvalidRequest(f"{form} is nothing for a terminal.", hint="Add --output FILE.")
    if form in _BINARY:
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content.decode())
    sys.stdout.flush()

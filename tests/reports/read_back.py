"""Documents read back as text that a person can compare: what golden files hold."""

import io
import re

import openpyxl
import pypdfium2

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_STYLE_DIGEST = re.compile(r"style-src 'sha256-[^']+'")


def as_text(form: str, document: bytes) -> str:
    """The text of a document: of PDF what its pages say, of a workbook each cell and its format,
    of HTML everything but the style sheet."""
    if form == "pdf":
        return pdf_text(document)
    if form == "xlsx":
        return xlsx_text(document)
    text = document.decode()
    return _STYLE_DIGEST.sub("style-src", _STYLE.sub("", text)) if form == "html" else text


def pdf_text(document: bytes) -> str:
    """What the pages say, page by page."""
    pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(document)]
    return "\n-- page --\n".join(pages).replace("\r\n", "\n").replace("\ufffe", "") + "\n"


def xlsx_text(document: bytes) -> str:
    """Every sheet's frozen row, filter, and cells with their type and number format."""
    lines = []
    for sheet in openpyxl.load_workbook(io.BytesIO(document)):
        lines.append(f"== {sheet.title} frozen {sheet.freeze_panes} filter {sheet.auto_filter.ref}")
        lines += [
            f"{cell.coordinate} {cell.data_type} {cell.number_format} {cell.value!r}"
            for row in sheet.iter_rows()
            for cell in row
            if cell.value is not None
        ]
    return "\n".join(lines) + "\n"

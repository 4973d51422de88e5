"""The workbook has typed cells and no formula, the PDF says what the page says, and other locales
write their own numbers."""

import io
import zipfile
from datetime import datetime, time

import openpyxl
import pytest

from domain.errors import InvalidRequest
from domain.safe_text import safe_text
from reports.document import Amount, Share
from reports.formats import render_document
from reports.writing import writing
from tests.reports import sample_runs
from tests.reports.read_back import pdf_text
from tests.reports.sample_documents import AT, ON, every_kind


def workbook(document):
    return openpyxl.load_workbook(io.BytesIO(render_document(document, "xlsx")))


def test_cells_have_their_types_and_formats():
    """Amounts, shares, times and days are numbers with a format of their own."""
    sheet = workbook(every_kind("x"))["Rows"]
    cells = sheet[2]
    assert [cell.data_type for cell in cells] == ["s", "s", "n", "n", "n", "n", "d", "d"]
    assert [cell.value for cell in cells] == [
        "x", "x", 1, -0.01, 0.001, 1000, AT.replace(tzinfo=None),
        datetime.combine(ON, time()),
    ]  # fmt: skip
    assert cells[3].number_format == '"USD" #,##0.00;-"USD" #,##0.00'
    assert cells[4].number_format == "0.00%"
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:H4")
    assert sheet["C5"].value == 6
    assert sheet["C5"].font.bold


def test_each_currency_has_its_own_digits_and_no_digit_is_lost():
    """A number longer than a workbook keeps is text; so is nothing else."""
    sheet = workbook(every_kind("XX!"))["Odd amounts"]
    shown = [(row[1].data_type, row[1].number_format, row[1].value) for row in sheet["A2:B6"]]
    assert shown == [
        ("n", "#,##0", -1234567), ("n", "#,##0.000", 1.005), ("n", '#,##0" minor units"', 12),
        ("s", "@", "1,000,000,000,000,000.01"), ("n", "General", None),
    ]  # fmt: skip


def test_the_workbook_holds_every_row_and_a_chart_of_the_trend():
    """What the page cuts is whole here."""
    book = workbook(every_kind("x", rows=300))
    assert book["Rows"].max_row == 1 + 300 + 1
    assert book.sheetnames == ["Summary", "Rows", "Odd amounts", "Rate"]
    assert [cell.value for cell in book["Rate"]["B"]] == ["Rate", 0.9, None, 0.95, 1]
    with zipfile.ZipFile(io.BytesIO(render_document(every_kind("x"), "xlsx"))) as parts:
        assert "xl/charts/chart1.xml" in parts.namelist()


@pytest.mark.parametrize(
    "text", [*sample_runs.HOSTILE_TEXTS, "=1+1", "@SUM(A1)", "https://example.com"]
)
def test_no_cell_of_a_workbook_is_a_formula_or_a_link(text):
    """Every text cell is a string, and says what stood there."""
    document = render_document(every_kind(text), "xlsx")
    with zipfile.ZipFile(io.BytesIO(document)) as parts:
        for name in parts.namelist():
            if name.startswith("xl/worksheets"):
                assert b"<f>" not in parts.read(name)
                assert b"hyperlink" not in parts.read(name)
    sheet = openpyxl.load_workbook(io.BytesIO(document))["Rows"]
    assert (sheet["A2"].data_type, sheet["A2"].value) == ("s", safe_text(text))


@pytest.mark.parametrize("text", sample_runs.HOSTILE_TEXTS)
def test_the_pdf_shows_hostile_texts_and_obeys_none(text):
    """The very characters stand on the page: nothing of it is markup, script or a link."""
    document = render_document(every_kind(text), "pdf")
    said = "".join(pdf_text(document).split())
    assert said.count("".join(safe_text(text).split())) >= 10
    for active in (b"/URI", b"/JavaScript", b"/Launch", b"/EmbeddedFile"):
        assert active not in document


def test_what_the_pdf_s_fonts_cannot_show_is_an_escape():
    """A reader sees that something stands there, and what."""
    said = pdf_text(render_document(every_kind("\u4e2d\u05d0\U0001f600 Ünïcode \u20ac"), "pdf"))
    assert "\\u4e2d\\u05d0\\U0001f600 Ünïcode \u20ac" in said


@pytest.mark.parametrize(
    ("locale", "amount", "share"),
    [
        ("en", "USD\u00a0\u22121,234,567.89", "99.99\u00a0%"),
        ("de", "USD\u00a0\u22121.234.567,89", "99,99\u00a0%"),
        ("en_IN", "USD\u00a0\u221212,34,567.89", "99.99\u00a0%"),
        ("fr-FR", "USD\u00a0\u22121\u202f234\u202f567,89", "99,99\u00a0%"),
        ("sv", "USD\u00a0\u22121\u00a0234\u00a0567,89", "99,99\u00a0%"),
    ],
)
def test_each_locale_writes_its_own_numbers(locale, amount, share):
    """For people; 9,999 of 10,000 and one less than all are never rounded up to all."""
    writes = writing(locale)
    assert writes.amount(Amount(-123456789, "USD")) == amount
    assert writes.share(Share(99_999, 100_000)) == share


def test_machines_get_the_same_in_every_locale():
    """CSV and JSON know no locale."""
    for form in ("csv", "json"):
        german = render_document(every_kind("x"), form, locale="de")
        assert german == render_document(every_kind("x"), form)


def test_an_unknown_locale_is_refused():
    """With an example of how one is written."""
    with pytest.raises(InvalidRequest, match="'klingon' is no locale"):
        writing("klingon")

"""The CSV of a report: the promised columns, numbers that are numbers, text that is only text."""

import csv
import io

import pytest

from domain.safe_text import inert_cell
from reports.builders.reconciliation import run_document
from reports.document import Section
from reports.formats import render_document
from tests.reports import sample_runs
from tests.reports.sample_documents import every_kind

HEADER = (
    "break_id,kind,line_kind,provider_reference,currency,expected_minor,reported_minor,"
    "difference_minor,expected_fee_minor,reported_fee_minor,fields,transaction_id,file,line"
)


def rows():
    text = render_document(run_document(sample_runs.broken()), "csv").decode()
    assert text.splitlines()[0] == HEADER
    return {row["provider_reference"]: row for row in csv.DictReader(io.StringIO(text))}


def test_amounts_are_plain_numbers_and_absent_sides_are_empty():
    """A negative number keeps its sign and gets no apostrophe; what nobody knows is empty."""
    gone, lost, two = (rows()[key] for key in ("re_gone", "ch_lost", "ch_currency"))
    assert (gone["expected_minor"], gone["reported_minor"]) == ("", "-5000")
    assert gone["difference_minor"] == "-5000"
    assert (lost["reported_minor"], lost["difference_minor"]) == ("", "-31050")
    assert (two["difference_minor"], two["fields"]) == ("", "currency")
    assert rows()["ch_dinar"]["fields"] == "amount|fee"


def test_every_kind_of_cell_has_its_plain_form():
    """Shares are two counts, instants and days ISO, milliseconds a number; totals are left out."""
    text = render_document(every_kind("x"), "csv").decode()
    assert text.splitlines() == [
        "name,id,count,amount,amount_currency,share_part,share_whole,took,at,day",
        "x,x,1,-0.01,USD,1,1000,1000,2026-03-04T05:06:07Z,2026-03-04",
        "x,x,2,-0.02,USD,2,1000,2000,2026-03-04T05:06:07Z,2026-03-04",
        "x,x,3,-0.03,USD,3,1000,3000,2026-03-04T05:06:07Z,2026-03-04",
    ]


def test_a_table_with_a_currency_column_names_it_once():
    """And an amount whose scale nobody knows says that it is in minor units."""
    document = every_kind("XX!")
    odd = document.tables[1]
    only = every_kind("XX!", sections=(Section("Odd", (odd,)),))
    assert render_document(only, "csv").decode().splitlines() == [
        "currency,amount", "JPY,-1234567", "BHD,1.005", "XX!,12 minor units",
        "USD,1000000000000000.01", "EUR,",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", " =", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_text_that_a_spreadsheet_would_run_is_led_by_an_apostrophe(start):
    """Every way to begin a formula is disarmed, also behind blanks and in full width."""
    assert inert_cell(f"{start}cmd()") == f"'{start}cmd()"
    assert f"\n'{start}cmd()," in render_document(every_kind(f"{start}cmd()"), "csv").decode()


@pytest.mark.parametrize("start", ["\t", "\r", "\n", "\x00"])
def test_text_led_by_a_control_character_begins_with_a_visible_escape(start):
    """Tab, carriage return and NUL never reach the spreadsheet."""
    assert inert_cell(f"{start}=cmd()").startswith("\\x")


def test_every_row_stands_on_one_line():
    """A line feed inside a text is an escape, so line tools count breaks."""
    lines = render_document(run_document(sample_runs.broken()), "csv").decode().splitlines()
    assert len(lines) == 1 + len(sample_runs.BREAKS)

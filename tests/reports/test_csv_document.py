"""The CSV of breaks: the promised columns, numbers that are numbers, text that is only text."""

import csv
import io

import pytest

from reports.csv_document import breaks_csv, inert_cell
from tests.reports import sample_runs

HEADER = (
    "break_id,kind,line_kind,provider_reference,currency,expected_minor,reported_minor,"
    "difference_minor,expected_fee_minor,reported_fee_minor,fields,transaction_id,file,line"
)


def rows():
    text = breaks_csv(sample_runs.broken().breaks).decode()
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


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", " =", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_text_that_a_spreadsheet_would_run_is_led_by_an_apostrophe(start):
    """Every way to begin a formula is disarmed, also behind blanks and in full width."""
    assert inert_cell(f"{start}cmd()") == f"'{start}cmd()"


@pytest.mark.parametrize("start", ["\t", "\r", "\n", "\x00"])
def test_text_led_by_a_control_character_begins_with_a_visible_escape(start):
    """Tab, carriage return and NUL never reach the spreadsheet."""
    assert inert_cell(f"{start}=cmd()").startswith("\\x")


def test_every_row_stands_on_one_line():
    """A line feed inside a text is an escape, so line tools count breaks."""
    lines = breaks_csv(sample_runs.BREAKS).decode().splitlines()
    assert len(lines) == 1 + len(sample_runs.BREAKS)

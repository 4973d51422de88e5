"""Every format of the report: the very bytes, the same each time, and only known formats."""

import json
import subprocess
import sys

import pytest

from domain.errors import InvalidRequest
from reports.formats import FORMATS, render
from tests.reports import sample_runs


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("run", ["broken", "agreed"])
def test_the_document_is_the_golden_one(run, format, golden):
    """Whatever changes in a document is seen in the diff of its golden file."""
    report = getattr(sample_runs, run)()
    golden(f"{run}{FORMATS[format].suffix}", render(report, format))


@pytest.mark.parametrize("format", FORMATS)
def test_the_order_of_breaks_does_not_matter(format):
    """The same breaks handed over backwards give the same bytes."""
    forwards = sample_runs.broken()
    backwards = sample_runs.reconciliation_report(
        forwards.run, reversed(sample_runs.BREAKS), dict(forwards.passes), sample_runs.VERSION
    )
    assert render(backwards, format) == render(forwards, format)


@pytest.mark.parametrize("format", FORMATS)
def test_no_document_holds_a_raw_control_bidi_or_invisible_character(format):
    """Not one byte of the hostile texts can act on a terminal or reorder a line."""
    text = "".join(
        render(report, format).decode()
        for report in (sample_runs.broken(), sample_runs.hostile_everywhere(sample_runs.HOSTILE))
    )
    raw = {c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) <= 0x9F}
    assert not raw | (set(text) & set("\u202e\u2066\u200b\ufeff\u00ad\u2028"))


def test_an_unknown_format_is_refused_by_name():
    """The error lists the formats there are."""
    with pytest.raises(InvalidRequest) as raised:
        render(sample_runs.agreed(), "docx")
    assert "html, json, csv" in raised.value.hint


def test_json_and_csv_never_load_the_template_engine():
    """Start-up stays light: jinja2 is imported by the HTML renderer alone."""
    code = (
        "import sys; from tests.reports import sample_runs; from reports.formats import render;"
        "[render(sample_runs.broken(), f) for f in ('json', 'csv')]; "
        "assert 'jinja2' not in sys.modules;"
        "render(sample_runs.broken(), 'html'); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_json_returns_every_character_and_every_amount():
    """A machine gets the texts as they were, and each amount twice: in minor units and decimal."""
    envelope = json.loads(render(sample_runs.broken(), "json"))
    assert envelope["schema"] == "tscli/reports.reconciliation/1"
    data = envelope["data"]
    assert data["verdict"] == "unreadable"
    assert data["ties"] is True
    breaks = {item["provider_reference"]: item for item in data["breaks"]}
    assert breaks[sample_runs.HOSTILE]["detail"] == sample_runs.HOSTILE
    dinar = breaks["ch_dinar"]
    assert (dinar["difference_minor"], dinar["difference"]) == (9, "0.009")
    assert (dinar["expected"]["amount_minor"], dinar["expected"]["amount"]) == (12345, "12.345")
    assert breaks["re_gone"]["reported"]["amount"] == "-5000"
    assert breaks["ch_currency"]["difference_minor"] is None
    assert data["unreadable_rows"] == {"expected": 0, "reported": 1}

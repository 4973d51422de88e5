"""Every format of a report: what it says, the same bytes each time, and only known formats."""

import json
import subprocess
import sys

import pytest

from domain.errors import InvalidRequest
from reports.builders.reconciliation import run_document
from reports.formats import DOCUMENT_FORMATS, render_document
from reports.writing import writing
from tests.reports import sample_runs
from tests.reports.read_back import as_text
from tests.reports.sample_documents import every_kind
from tscli.render.document_text import document_text

FORMS = tuple(DOCUMENT_FORMATS)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("run", ["broken", "agreed"])
def test_the_document_is_the_golden_one(run, form, golden):
    """Whatever changes in a document is seen in the diff of its golden file."""
    document = run_document(getattr(sample_runs, run)())
    golden(f"run-{run}.{form}.txt", as_text(form, render_document(document, form)))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("run", ["broken", "agreed"])
def test_the_terminal_s_document_is_the_golden_one(run, width, golden):
    """At 80 and at 120 columns; no line is longer than the terminal but ids that cannot break."""
    text = document_text(run_document(getattr(sample_runs, run)()), writing(), width)
    golden(f"run-{run}.{width}.txt", text)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_report_is_the_same_bytes(form):
    """Also in another process, whose hashes are seeded differently."""
    here = render_document(every_kind("Ünïcode"), form)
    code = (
        "import sys; from reports.formats import render_document;"
        "from tests.reports.sample_documents import every_kind;"
        f"sys.stdout.buffer.write(render_document(every_kind('Ünïcode'), {form!r}))"
    )
    there = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert there.stdout == here == render_document(every_kind("Ünïcode"), form)


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_breaks_does_not_matter(form):
    """The same breaks handed over backwards give the same bytes."""
    forwards = sample_runs.broken()
    backwards = sample_runs.reconciliation_report(
        forwards.run, reversed(sample_runs.BREAKS), dict(forwards.passes), sample_runs.VERSION
    )
    straight, turned = run_document(forwards), run_document(backwards)
    assert render_document(turned, form) == render_document(straight, form)


@pytest.mark.parametrize("form", [*FORMS, "table"])
def test_no_document_holds_a_raw_control_bidi_or_invisible_character(form):
    """Not one byte of the hostile texts can act on a terminal or reorder a line."""
    documents = [
        run_document(sample_runs.broken()),
        run_document(sample_runs.hostile_everywhere(sample_runs.HOSTILE)),
        every_kind(sample_runs.HOSTILE),
    ]
    text = "".join(
        document_text(document, writing(), 80)
        if form == "table"
        else as_text(form, render_document(document, form))
        for document in documents
    )
    raw = {c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) <= 0x9F}
    assert not raw | (set(text) & set("\u202e\u2066\u200b\ufeff\u00ad\u2028"))
    assert len(text) > 1_000


def test_an_unknown_format_is_refused_by_name():
    """The error lists the formats there are."""
    with pytest.raises(InvalidRequest) as raised:
        render_document(every_kind("x"), "docx")
    assert "html, pdf, xlsx, csv, json, md" in raised.value.hint


def test_each_renderer_is_loaded_when_it_is_used():
    """JSON and CSV load no template engine, and English loads no locale data."""
    code = (
        "import sys; from tests.reports.sample_documents import every_kind;"
        "from reports.formats import render_document as render;"
        "[render(every_kind('x'), form) for form in ('json', 'csv', 'md')];"
        "assert not {'jinja2', 'babel', 'typst', 'xlsxwriter'} & set(sys.modules);"
        "render(every_kind('x'), 'html'); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_json_returns_every_character_and_every_amount():
    """A machine gets the texts as they were, and each amount twice: in minor units and decimal."""
    envelope = json.loads(render_document(run_document(sample_runs.broken()), "json"))
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


def test_json_of_a_document_holds_all_rows_and_typed_cells():
    """Without data of its own a document's tables are the data, whatever people are shown."""
    data = json.loads(render_document(every_kind("a\u202eb", rows=300), "json"))["data"]
    rows = data["tables"]["rows"]["rows"]
    assert len(rows) == 300
    assert rows[0] == {
        "name": "a\u202eb", "id": "a\u202eb", "count": 1,
        "amount": {"minor": -1, "value": "-0.01", "currency": "USD"},
        "share": {"part": 1, "whole": 1000}, "took": 1000,
        "at": "2026-03-04T05:06:07Z", "day": "2026-03-04",
    }  # fmt: skip
    assert data["pictures"]["rate"]["points"][1] == {"day": "2026-03-02", "value": None}


@pytest.mark.parametrize("text", sample_runs.HOSTILE_TEXTS)
def test_markdown_shows_hostile_texts_and_obeys_none(text):
    """Rendered by a strict reader: no element, no link, no cell more than there are columns."""
    import markdown_it

    source = render_document(every_kind(text), "md").decode()
    reader = markdown_it.MarkdownIt("commonmark").enable("table")
    page = reader.render(source)
    plain = reader.render(render_document(every_kind("plain"), "md").decode())
    for element in ("<a ", "<img", "<script", "<em>"):
        assert element not in page
    assert [page.count(f"<{name}") for name in ("table", "tr", "td", "h2", "li", "p")] == [
        plain.count(f"<{name}") for name in ("table", "tr", "td", "h2", "li", "p")
    ]

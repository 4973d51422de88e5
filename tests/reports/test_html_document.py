"""The HTML page: self-contained, inert whatever it is fed, and its sums are the report's sums."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from domain.buckets import KINDS
from domain.safe_text import safe_text
from reports.amounts import for_people
from reports.builders.reconciliation import run_document
from reports.formats import render_document
from reports.reconciliation import reconciliation_report
from tests.reports import sample_runs
from tests.reports.html_reader import read_page
from tests.reports.sample_documents import every_kind

ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "div",
    "h1", "h2", "p", "b", "span", "ul", "li", "dl", "dt", "dd", "table", "caption", "thead",
    "tbody", "tfoot", "tr", "th", "td", "figure", "figcaption", "svg", "desc", "text", "rect",
    "line", "polygon", "polyline",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "role", "tabindex",
    "aria-labelledby", "scope", "width", "height", "x", "y", "rx", "text-anchor", "viewbox",
    "preserveaspectratio", "x1", "y1", "x2", "y2", "points",
}  # fmt: skip


def page_of(report):
    return read_page(render_document(run_document(report), "html"))


@pytest.fixture(scope="module")
def broken():
    return sample_runs.broken()


@pytest.fixture(scope="module")
def page(broken):
    return page_of(broken)


def test_hostile_texts_add_no_element_attribute_or_address(page):
    """What stands in the page is what the templates write, and it links to nothing."""
    assert page.elements <= ELEMENTS
    assert page.attributes <= ATTRIBUTES
    assert page.links == []
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.parametrize("text", sample_runs.HOSTILE_TEXTS)
def test_a_hostile_text_in_every_field_changes_nothing_but_text(text):
    """Provider, account, ids, currency, digests, formats, passes, titles and notes included."""
    hostile = page_of(sample_runs.hostile_everywhere(text))
    assert hostile.elements <= ELEMENTS
    assert hostile.attributes <= ATTRIBUTES
    assert hostile.text.count(safe_text(text)) > 20
    every = read_page(render_document(every_kind(text), "html"))
    assert every.elements <= ELEMENTS
    assert every.attributes <= ATTRIBUTES
    assert every.text.count(safe_text(text)) > 12


def test_hostile_texts_are_shown_not_obeyed(page):
    """The reader sees the very characters, with escapes for those that cannot be seen."""
    assert "<script>alert(1)</script>" in page.text
    assert '"><img src=x onerror=alert(1)>' in page.text
    assert "{{ 7 * 7 }}{% raw %}" in page.text
    assert "pay\\u202e000.01\\u2066" in page.text
    assert "\\x1b[31mred\\x1b[0m\\x9b2J" in page.text


def test_the_policy_allows_the_one_style_and_nothing_else(page):
    """The digest in the policy is that of the style, which fetches nothing."""
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert page.policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"url\(|@import|@font-face|expression", page.style)


def test_the_verdict_stands_first(page):
    """One sentence says what was found and what is open, in each currency."""
    assert page.heading.replace("\u00a0", " ") == (
        "29 breaks, 1 unreadable row: BHD 0.109, EUR 41.71, GBP 319.80, JPY 17,432 and USD 187.72"
        " are open between ledger and Stripe."
    )
    calm = page_of(sample_runs.agreed())
    assert calm.heading == "Ledger and Stripe agree."
    assert "49 of 49 ledger rows and 49 of 49 Stripe rows agree" in calm.text


def _minor(shown: str) -> int:
    return int(re.sub(r"[,.+]", "", shown).replace("\u2212", "-") or "0")


def test_shown_buckets_sum_to_the_shown_file_totals(broken, page):
    """Read back from the page alone: in each currency the lines add up to what the files hold."""
    sums: dict[str, list[int]] = {}
    checked = 0
    for bucket, currency, *cells in page.tables["sums-caption"][1:]:
        held = sums.setdefault(currency, [0] * 6)
        figures = [_minor(cell) for cell in cells[:6]]
        if bucket in ("All rows", "Input files, which tie"):
            assert figures == held
            checked += 1
        else:
            sums[currency] = [a + b for a, b in zip(held, figures, strict=True)]
    assert checked == 2 * (len(broken.sheets) + 1) == 12


def test_shown_differences_are_reported_less_ledger(page):
    """In each line, for gross and fee."""
    for row in page.tables["sums-caption"][1:]:
        _, _, ours, our_fee, _, theirs, their_fee, gap, fee_gap = (row[0], *row[2:])
        if gap:
            assert _minor(gap) == _minor(theirs) - _minor(ours)
            assert _minor(fee_gap) == _minor(their_fee) - _minor(our_fee)


def test_a_page_that_does_not_tie_says_so_and_never_the_opposite():
    """Without one bucket's rows the page claims no sums, and marks the currency."""
    run = sample_runs.agreed().run
    report = reconciliation_report(replace(run, totals=run.totals[:-1]), (), {}, "1")
    page = page_of(report)
    assert page.heading.startswith("Rows are unaccounted for")
    assert "the buckets sum to what the input" not in page.text
    assert "JPY: the buckets do not sum to the input files." in page.text
    labels = [row[0] for row in page.tables["sums-caption"]]
    assert labels.count("Input files, which do not tie") == 1
    assert labels.count("Input files, which tie") == 2


def test_each_kind_has_its_meaning_and_remedy(page):
    """A reader who never heard of a kind learns what it means and what to type."""
    for text in KINDS.values():
        assert text.meaning in page.text
        assert text.remedy in page.text


def test_each_break_shows_both_sides_the_difference_and_what_differs(page):
    """The line of the dinar break."""
    (row,) = [row for row in page.tables["breaks-caption"] if "ch_dinar" in row]
    assert row[3:7] == ["BHD\u00a012.345", "BHD\u00a012.354", "BHD\u00a00.009", "BHD\u00a00.100"]
    assert "amount, fee" in row


def test_a_file_that_contradicts_itself_is_named_up_front(page):
    """The 0.10 by which the second file's net is off is a warning above all figures."""
    before_the_figures = page.text.partition("What is open")[0]
    assert "contradicts itself in USD" in before_the_figures
    assert "\u22120.10" in before_the_figures


def test_a_long_table_is_cut_and_says_so():
    """The page lists 200 and names the workbook, which holds all of them."""
    report = sample_runs.long(700)
    page = page_of(report)
    assert f"The first 200 of {len(report.breaks)} rows." in page.text
    assert len(page.tables["breaks-caption"]) == 1 + 200
    rendered = render_document(run_document(report), "csv")
    assert rendered.count(b"missing_in_ledger,") == 701


def test_a_day_without_a_figure_is_a_gap_in_the_line():
    """Two strokes: the first day alone, then the two days after the gap."""
    markup = render_document(every_kind("x"), "html").decode()
    assert re.findall(r'<polyline class="line" points="([^"]*)"', markup) == [
        "0,20 4,20", "666,10 1000,0",
    ]  # fmt: skip
    assert "Rate, 2026-03-01 to 2026-03-04: between 90.00\u00a0% and 100.00\u00a0%" in markup


def test_amounts_are_grouped_in_the_currency_s_own_digits():
    """No digit is invented or lost at any size, and nothing becomes a fraction."""
    assert for_people(10**15, "USD") == "10,000,000,000,000.00"
    assert for_people(-7, "BHD") == "\u22120.007"
    assert for_people(0, "JPY") == "0"
    assert for_people(1234, "<b>") == "1,234 minor units"

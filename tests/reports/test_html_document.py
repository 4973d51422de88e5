"""The HTML page: self-contained, inert whatever it is fed, and its sums are the report's sums."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from domain.buckets import KINDS
from domain.safe_text import safe_text
from reports.amounts import for_people
from reports.formats import render
from reports.reconciliation import reconciliation_report
from tests.reports import sample_runs
from tests.reports.html_reader import read_page

ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "div",
    "h1", "h2", "p", "span", "small", "br", "ul", "li", "dl", "dt", "dd", "a", "code", "mark",
    "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "svg", "desc", "text", "rect",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "role", "tabindex",
    "aria-labelledby", "href", "scope", "rowspan", "colspan", "width", "height", "x", "y", "rx",
    "text-anchor",
}  # fmt: skip


@pytest.fixture(scope="module")
def broken():
    return sample_runs.broken()


@pytest.fixture(scope="module")
def page(broken):
    return read_page(render(broken, "html"))


def test_hostile_texts_add_no_element_attribute_or_address(page):
    """What stands in the page is what the templates write, and its links stay inside it."""
    assert page.elements <= ELEMENTS
    assert page.attributes <= ATTRIBUTES
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.parametrize("text", sample_runs.HOSTILE_TEXTS)
def test_a_hostile_text_in_every_field_changes_nothing_but_text(text):
    """Provider, account, zone, ids, currency, digests, formats, passes and version included."""
    hostile = read_page(render(sample_runs.hostile_everywhere(text), "html"))
    assert hostile.elements <= ELEMENTS
    assert hostile.attributes <= ATTRIBUTES
    assert hostile.text.count(safe_text(text)) > 30


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
    calm = read_page(render(sample_runs.agreed(), "html"))
    assert calm.heading == "Ledger and Stripe agree."
    assert "49 of 49 ledger rows and 49 of 49 Stripe rows agree" in calm.text


def _minor(shown: str) -> int:
    return int(re.sub(r"[,.+]", "", shown).replace("\u2212", "-"))


def test_shown_buckets_sum_to_the_shown_file_totals(broken, page):
    """Read back from the page alone: in each currency the lines add up to what the files hold."""
    body = page.tables["buckets-caption"][2:]
    sums, checked = [0] * 6, 0
    for label, *cells in body:
        if label in {sheet.currency for sheet in broken.sheets}:
            sums = [0] * 6
        elif label in ("All rows", "Input files"):
            assert [_minor(cell) for cell in cells[:6]] == sums
            checked += 1
        elif label != "Compared":
            sums = [a + _minor(b) for a, b in zip(sums, cells, strict=False)]
    assert checked == 2 * len(broken.sheets) == 10
    assert sum(row[-1] == "✓ ties" for row in body) == 5


def test_a_page_that_does_not_tie_says_so_and_never_the_opposite():
    """Without one bucket's rows the page claims no sums, and marks the currency."""
    run = sample_runs.agreed().run
    report = reconciliation_report(replace(run, totals=run.totals[:-1]), (), {}, "1")
    page = read_page(render(report, "html"))
    assert page.heading.startswith("Rows are unaccounted for")
    assert "sum to what the input files hold." not in page.text
    assert [row[-1] for row in page.tables["buckets-caption"]].count("does not tie") == 1


def test_shown_totals_tie_row_by_row(broken, page):
    """Reported less expected is the difference, and gross less fee is net."""
    rows = page.tables["compared-caption"][1:]
    for expected, reported, difference in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        ours, theirs, gap = ([_minor(c) for c in r[-4:]] for r in (expected, reported, difference))
        assert gap == [b - a for a, b in zip(ours, theirs, strict=True)]
        assert all(gross - fee == net for _, gross, fee, net in (ours, theirs, gap))
    assert len(rows) == 3 * len(broken.sheets)


def test_each_kind_has_its_section_meaning_and_remedy(page):
    """A reader who never heard of a kind learns what it means and what to type."""
    for kind, text in KINDS.items():
        assert kind.value in page.ids
        assert text.meaning in page.text
        assert text.remedy in page.text


def test_each_break_shows_both_sides_the_difference_and_what_differs(broken):
    """The three lines of the dinar break, with amount and fee marked on both sides."""
    markup = render(broken, "html").decode()
    block = re.search(r"<tbody>\s*<tr><th[^>]*><span[^>]*>ch_dinar.*?</tbody>", markup, re.S)
    assert block
    assert re.findall(r"<mark>([^<]*)</mark>", block[0]) == ["12.345", "0.400", "12.354", "0.500"]
    assert "+0.009" in block[0]
    assert "+0.100" in block[0]


def test_a_file_that_contradicts_itself_is_named_up_front(page):
    """The 0.10 by which the second file's net is off is a warning above all figures."""
    before_the_figures = page.text.partition("Totals per currency")[0]
    assert "contradicts itself in USD" in before_the_figures
    assert "\u22120.10" in before_the_figures


def test_a_long_kind_is_cut_and_says_so():
    """The page lists 500, the largest first, and points to the CSV, which holds them all."""
    report = sample_runs.long(700)
    page = read_page(render(report, "html"))
    assert "lists the first 500 of 701" in page.text
    assert "The CSV of this report holds all of them." in page.text
    assert "ch_000700" in page.text
    assert "ch_000100" not in page.text
    assert render(report, "csv").count(b"missing_in_ledger,") == 701


def test_amounts_are_grouped_in_the_currency_s_own_digits():
    """No digit is invented or lost at any size, and nothing becomes a fraction."""
    assert for_people(10**15, "USD") == "10,000,000,000,000.00"
    assert for_people(-7, "BHD") == "\u22120.007"
    assert for_people(0, "JPY") == "0"
    assert for_people(1234, "<b>") == "1,234 minor units"

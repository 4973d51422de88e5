"""Every report in every format, told of one week: golden, and in a real browser."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from db.database import Database
from domain.audit import Actor
from domain.clock import SetClock
from domain.ids import Ids
from domain.provider import ProviderAccount
from reports.document import Document
from reports.formats import DOCUMENT_FORMATS, render_document
from reports.writing import writing
from tests.reports import sample_runs
from tests.reports.goldens import check
from tests.reports.read_back import as_text
from tests.reports.sample_documents import every_kind
from tests.tscli.conftest import DemoWeek
from tscli.render import matching
from tscli.render.document_text import document_text
from tscli.services import documents
from tscli.services.context import Context
from tscli.services.periods import period_of

MONDAY_AFTER = datetime(2026, 3, 9, 9, tzinfo=UTC)
ACCOUNT = ProviderAccount("stripe", "sandbox", "test")
WEEK = period_of(date(2026, 3, 2), date(2026, 3, 9), "UTC")

REPORTS: dict[str, Callable[[Context], Document]] = {
    "daily": lambda c: documents.daily(c, date(2026, 3, 4), "test", "UTC"),
    "monthly": lambda c: documents.monthly(c, date(2026, 3, 1), "test", "UTC"),
    "reconciliation": lambda c: documents.reconciliation(c, None),
    "breaks": lambda c: documents.breaks(c, "test"),
    "bridge": lambda c: documents.bridge(c, ACCOUNT, MONDAY_AFTER, matching.bridge_data),
    "payouts": lambda c: documents.payouts(c, ACCOUNT, WEEK, matching.payout_data),
    "providers": lambda c: documents.providers(c, [ACCOUNT], WEEK, "test"),
    "recovery": lambda c: documents.recovery(c, WEEK, "test"),
    "webhooks": lambda c: documents.webhooks(c, WEEK, "test"),
    "audit": lambda c: documents.audit(c, WEEK, "test"),
    "security": lambda c: documents.security(c, WEEK, "test", None),
}


pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def told(demo_week: DemoWeek, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document]:
    """Every report of the demo's week."""
    own = shutil.copy(demo_week.folder / "demo.db", tmp_path_factory.mktemp("week"))
    clock = SetClock(MONDAY_AFTER)
    ids = Ids(clock)
    database = Database(f"sqlite:///{own}", clock, ids)
    context = Context(database, clock, ids, Actor("ops", "test"), None)
    return {name: make(context) for name, make in REPORTS.items()}


@pytest.mark.parametrize("form", [*DOCUMENT_FORMATS, "80", "120"])
@pytest.mark.parametrize("name", REPORTS)
def test_each_report_in_each_format_is_the_golden_one(
    told: dict[str, Document], name: str, form: str
) -> None:
    """What people and machines get, on the terminal at two widths too."""
    if form.isdigit():
        check(f"week-{name}.{form}.txt", document_text(told[name], writing(), int(form)))
    else:
        text = as_text(form, render_document(told[name], form))
        check(f"week-{name}.{form}.txt", text)


def test_each_document_is_named_as_its_command_and_slugs_are_distinct(
    told: dict[str, Document],
) -> None:
    """So that a folder of reports never holds one in another's place."""
    assert [document.name for document in told.values()] == list(REPORTS)
    assert len({document.slug for document in told.values()}) == len(REPORTS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser without a window."""
    names = ("chromium-headless-shell", "chromium", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium-headless-shell")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_pages_are_quiet_and_readable_in_a_browser(
    browser: Any, told: dict[str, Document], tmp_path: Path, width: int, dark: bool
) -> None:
    """No console message, no request beyond the file, no sideways scrolling of the page, and
    every text has the contrast that people need (WCAG AA: 4.5)."""
    pages = {**told, "hostile": every_kind(sample_runs.HOSTILE)}
    view = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
    )
    page = view.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    for name, document in pages.items():
        file = tmp_path / f"{name}.html"
        file.write_bytes(render_document(document, "html"))
        said.clear()
        page.goto(file.as_uri())
        assert said == [file.as_uri()], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(_CONTRAST) >= 4.5, name
    view.close()


def test_a_printed_page_keeps_its_verdict_and_has_no_scrollers(
    browser: Any, told: dict[str, Document], tmp_path: Path
) -> None:
    """Printed by the browser: tables are whole, nothing is dark."""
    import pypdfium2

    file = tmp_path / "page.html"
    file.write_bytes(render_document(told["reconciliation"], "html"))
    page = browser.new_page(color_scheme="dark")
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
    text = "".join(sheet.get_textpage().get_text_range() for sheet in printed)
    assert told["reconciliation"].headline.split(":")[0] in text
    assert "Every row of both sides stands in one bucket" in " ".join(text.split())
    page.close()


_CONTRAST = """() => {
  const texts = 'h1, h2, p, li, dt, dd, th, td, caption, figcaption, figcaption b, .axis span';
  const parse = colour => {
    const parts = colour.match(/[\\d.]+/g).map(Number);
    return parts.length > 3 && parts[3] === 0 ? null : parts;
  };
  const linear = value => {
    const part = value / 255;
    return part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  };
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour) return colour;
    }
    return [255, 255, 255];
  };
  const contrast = element => {
    const ink = light(parse(getComputedStyle(element).color)), paper = light(ground(element));
    return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
  };
  const shown = [...document.querySelectorAll(texts)].filter(e => e.textContent.trim());
  return Math.min(...shown.map(contrast));
}"""
"""The least contrast of any text on the page with what is behind it."""

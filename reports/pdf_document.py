"""A report as PDF, set by Typst from a template that gets everything as data.

Only the fonts inside the Typst package are used, so the same report is the same bytes on every
machine. What they cannot show is written as an escape: a reader sees that something is there.
"""

import json
import re
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError
from domain.safe_text import safe_text
from reports.document import Bars, Block, Column, Document, Kind, Table, Trend
from reports.markdown_document import cut_note
from reports.pictures import HEIGHT, WIDTH, bars_drawn, curve
from reports.writing import Writing

_TEMPLATE = Path(__file__).with_name("templates") / "report.typ"

_NO_GLYPH = re.compile("[^\u0020-\u052f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u00a0"
                       "\u2100-\u218f\u2190-\u22ff\u2500-\u25ff\ufb00-\ufb06]")  # fmt: skip
"""Characters beyond the scripts that the fonts hold: Latin, Greek, Cyrillic and signs."""

_WIDE = 7
"""A report with a table of more columns is set across the page."""


def pdf_document(document: Document, writing: Writing) -> bytes:
    """The whole document; long tables are cut as on the page.

    Raises:
        ConfigurationError: the package for it is not installed.
    """
    try:
        import typst
    except ImportError:
        raise ConfigurationError(
            "PDF needs a package that is not installed.",
            hint='Install it: pip install "tradesense-payments[reports]".',
        ) from None
    words = json.dumps(_shown(_data(document, writing)))
    made = typst.compile(
        str(_TEMPLATE),
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=True),
        sys_inputs={"data": words},
        timestamp=0,
    )
    assert isinstance(made, bytes)
    return made


def _data(document: Document, writing: Writing) -> dict[str, Any]:
    return {
        "title": document.title,
        "lang": writing.locale[:2],
        "wide": any(len(table.columns) > _WIDE for table in document.tables if table.rows),
        "tone": document.tone.value,
        "headline": document.headline,
        "warnings": list(document.warnings),
        "facts": [
            {
                "title": fact.title,
                "words": writing.cell(fact.value, fact.kind)
                + (" UTC" if fact.kind is Kind.INSTANT else ""),
                "code": fact.kind is Kind.CODE,
            }
            for fact in document.facts
        ],
        "sections": [
            {
                "title": section.title,
                "text": section.text,
                "blocks": [data for block in section.blocks if (data := _block(block, writing))],
            }
            for section in document.sections
        ],
        "footer": list(document.footer),
    }


def _block(block: Block, writing: Writing) -> dict[str, Any] | None:
    if isinstance(block, Table):
        return _table(block, writing)
    if isinstance(block, Bars):
        bars = [
            {"label": bar.label, "words": bar.words, "share": bar.thousandths}
            for bar in bars_drawn(block)
        ]
        return {"kind": "bars", "title": block.title, "bars": bars}
    return _trend(block, writing)


def _table(table: Table, writing: Writing) -> dict[str, Any]:
    if not table.rows:
        return {"kind": "empty", "words": table.empty}
    cut = [cut_note(table, writing)] if len(table.rows) > table.shown else []
    return {
        "kind": "table",
        "title": table.title,
        "columns": [_column(column) for column in table.columns],
        "rows": [writing.row(table, row) for row in table.rows[: table.shown]],
        "totals": [writing.row(table, row) for row in table.totals],
        "notes": [*cut, *([table.note] if table.note else [])],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "title": column.title,
        "number": column.kind.is_number,
        "code": column.kind is Kind.CODE,
        "wide": column.wide,
    }


def _trend(trend: Trend, writing: Writing) -> dict[str, Any] | None:
    drawn = curve(trend, writing)
    if drawn is None:
        return None
    return {
        "kind": "trend",
        "title": trend.title,
        "newest": drawn.newest,
        "top": drawn.top,
        "first": drawn.first.isoformat(),
        "last": drawn.last.isoformat(),
        "grid": [WIDTH, HEIGHT],
        "lines": [[list(point) for point in line.points] for line in drawn.lines],
    }


def _shown(data: Any) -> Any:
    """Every text in it with escapes for what a reader cannot see and what the fonts cannot show."""
    if isinstance(data, str):
        return _NO_GLYPH.sub(_escape, safe_text(data))
    if isinstance(data, dict):
        return {key: _shown(value) for key, value in data.items()}
    return [_shown(value) for value in data] if isinstance(data, list) else data


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"

"""A report as one HTML file that carries all it needs and asks for nothing else.

Every printed expression passes `safe_text` and is then escaped, by the environment and not by the
template's author; the policy in the head allows one style block, by its digest, and nothing more.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain.safe_text import safe_text
from reports.document import Bars, Block, Document, Table, Trend
from reports.pictures import HEIGHT, WIDTH, Line, bars_drawn, bars_words, curve
from reports.writing import Writing

_TEMPLATES = Path(__file__).with_name("templates")
_FEW = 4
"""A table of fewer columns is as wide as its words, not as the page."""


def html_document(document: Document, writing: Writing) -> bytes:
    """The whole page, UTF-8; the same report gives the same bytes."""
    page = (
        _environment()
        .get_template("document.html.j2")
        .render(
            document=document,
            writing=writing,
            locale=writing.locale.replace("_", "-"),
            curve=lambda trend: curve(trend, writing),
        )
    )
    return page.encode()


def _points(line: Line) -> str:
    """The corners of a line as SVG lists them; a single day is a short stroke."""
    points = line.points
    if len(points) == 1:
        ((x, y),) = points
        points = ((max(x - 4, 0), y), (min(x + 4, WIDTH), y))
    return " ".join(f"{x},{y}" for x, y in points)


def _area(line: Line) -> str:
    """The line closed down to the ground."""
    first, last = line.points[0][0], line.points[-1][0]
    return f"{first},{HEIGHT} {_points(line)} {last},{HEIGHT}"


def _width(thousandths: int) -> str:
    return f"{thousandths // 10}.{thousandths % 10}%"


def _block_kind(block: Block) -> str:
    if isinstance(block, Table):
        return "table" if block.rows else "empty"
    return "bars" if isinstance(block, Bars) else "trend"


def _is_narrow(table: Table) -> bool:
    return len(table.columns) < _FEW and not any(column.wide for column in table.columns)


def _side_by_side(blocks: tuple[Block, ...]) -> list[list[Block]]:
    """The blocks in their order, neighbouring trends together."""
    groups: list[list[Block]] = []
    for block in blocks:
        if groups and isinstance(block, Trend) and isinstance(groups[-1][-1], Trend):
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def _inert(value: object) -> object:
    """What the environment does to each printed value before it escapes it."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return safe_text(value)
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        points=_points,
        area=_area,
        width=_width,
        bars_drawn=bars_drawn,
        bars_words=bars_words,
        block_kind=_block_kind,
        groupby_trend=_side_by_side,
    )
    environment.tests["narrow"] = _is_narrow
    style = environment.get_template("report.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals.update(style_digest=f"sha256-{digest}", chart=(WIDTH, HEIGHT))
    return environment

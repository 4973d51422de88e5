"""A report as Markdown of GitHub's flavour, for tickets and chats; foreign text is never markup."""

import re
from collections.abc import Iterator, Sequence

from domain.safe_text import safe_text
from reports.document import Bars, Block, Document, Kind, Table, Tone, Trend
from reports.pictures import bars_words, curve
from reports.writing import Writing

_ACTIVE = re.compile(r"([\\`*_\[\]<>#!|~&$]|^[-+=])")
_LINKS = re.compile(r"://|www\.|@|\.(?:com|net|org|io)\b", re.IGNORECASE)
"""What viewers turn into links or mentions by themselves; only inside code they do not."""
_TICKS = re.compile(r"`+")
_TONES = {Tone.GOOD: "\u2713", Tone.BAD: "\u2717", Tone.NEUTRAL: "\u2013"}


def markdown_document(document: Document, writing: Writing) -> bytes:
    """The report as people see it, long tables cut where the page cuts them."""
    return ("\n".join(_lines(document, writing)).rstrip("\n") + "\n").encode()


def _lines(document: Document, writing: Writing) -> Iterator[str]:
    yield f"# {_text(document.title)}\n"
    headline = _text(document.headline)
    yield f"**{_TONES[document.tone]} {headline}**\n"
    for fact in document.facts:
        yield f"- {fact.title}: {_cell(writing.cell(fact.value, fact.kind), fact.kind)}"
    yield ""
    for warning in document.warnings:
        yield f"> {_text(warning)}\n"
    for section in document.sections:
        yield f"## {_text(section.title)}\n"
        if section.text:
            yield f"{_text(section.text)}\n"
        for block in section.blocks:
            yield from _block(block, writing)
    for line in document.footer:
        yield f"{_text(line)}\n"


def _block(block: Block, writing: Writing) -> Iterator[str]:
    if isinstance(block, Table):
        yield from _table(block, writing)
    elif isinstance(block, Bars):
        yield f"**{block.title}.** {_text(bars_words(block))}\n"
    elif isinstance(block, Trend):
        drawn = curve(block, writing)
        if drawn:
            yield f"{_text(drawn.words)}\n"


def _table(table: Table, writing: Writing) -> Iterator[str]:
    if not table.rows:
        yield f"{_text(table.empty)}\n"
        return
    yield f"### {_text(table.title)}\n"
    yield _row([_text(column.title) for column in table.columns])
    yield _row(["---:" if column.kind.is_number else "---" for column in table.columns])
    kinds = [column.kind for column in table.columns]
    for row in table.rows[: table.shown]:
        texts = writing.row(table, row)
        yield _row([_cell(text, kind) for text, kind in zip(texts, kinds, strict=True)])
    for row in table.totals:
        yield _row([f"**{_text(text)}**" if text else "" for text in writing.row(table, row)])
    yield ""
    if len(table.rows) > table.shown:
        yield f"{cut_note(table, writing)}\n"
    if table.note:
        yield f"{_text(table.note)}\n"


def cut_note(table: Table, writing: Writing) -> str:
    """What is said under a table that does not show all its rows."""
    return (
        f"The first {writing.count(table.shown)} of {writing.count(len(table.rows))} rows;"
        " the workbook of this report holds all of them."
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str, kind: Kind) -> str:
    return _code(text) if text and kind is Kind.CODE else _text(text)


def _text(foreign: str) -> str:
    text = safe_text(foreign)
    if _LINKS.search(text):
        return _code(text)
    return _ACTIVE.sub(r"\\\1", text)


def _code(text: str) -> str:
    """Text as it is, between more ticks than it holds; a bar would end the cell even here."""
    fence = "`" * (max((len(run) for run in _TICKS.findall(text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")

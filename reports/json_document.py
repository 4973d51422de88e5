"""A report as JSON: a versioned envelope, amounts as minor units and as plain decimals.

Only ASCII is written, so that no terminal or viewer acts on what a file contained; a reader gets
every character back as it was. A field may be added under the same version, never changed.
"""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from reports.amounts import for_machines
from reports.document import Amount, Bars, Block, Cell, Document, Share, Table, Trend

Object = dict[str, Any]


def json_document(document: Document) -> bytes:
    """The whole report, every row of every table, keys in a fixed order."""
    data = document.data if document.data is not None else _told(document)
    envelope = {"schema": f"tscli/reports.{document.name}/1", "data": data}
    return (json.dumps(envelope, indent=2).replace("\x7f", "\\u007f") + "\n").encode("ascii")


def _told(document: Document) -> Object:
    blocks = [block for section in document.sections for block in section.blocks]
    return {
        "title": document.title,
        "tone": document.tone.value,
        "headline": document.headline,
        "facts": {fact.title: _plain(fact.value) for fact in document.facts},
        "warnings": list(document.warnings),
        "tables": {table.key: _table(table) for table in document.tables},
        "pictures": {
            block.key: _picture(block) for block in blocks if not isinstance(block, Table)
        },
        "footer": list(document.footer),
    }  # fmt: skip


def _table(table: Table) -> Object:
    keys = [column.key for column in table.columns]

    def named(rows: Iterable[tuple[Cell, ...]]) -> list[Object]:
        return [
            {key: _plain(cell) for key, cell in zip(keys, row, strict=True)} for row in rows
        ]  # fmt: skip

    return {"title": table.title, "rows": named(table.rows), "totals": named(table.totals)}


def _picture(block: Block) -> Object:
    if isinstance(block, Bars):
        bars = [{"label": label, "size": size} for label, size, _ in block.bars]
        return {"title": block.title, "bars": bars}
    assert isinstance(block, Trend)
    return {
        "title": block.title,
        "kind": block.kind.value,
        "currency": block.currency,
        "points": [{"day": on.isoformat(), "value": height} for on, height, _ in block.points],
    }


def _plain(cell: Cell) -> Any:
    if isinstance(cell, Amount):
        value = for_machines(cell.minor, cell.currency)
        return {"minor": cell.minor, "value": value, "currency": cell.currency}
    if isinstance(cell, Share):
        return {"part": cell.part, "whole": cell.whole}
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(cell, date):
        return cell.isoformat()
    return cell

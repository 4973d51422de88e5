"""A report's main table as CSV: plain decimals, ISO dates, nothing a spreadsheet would execute.

An amount in a table without a currency column is followed by `KEY_currency`; a share becomes
`KEY_part` and `KEY_whole`. Totals are left out: who reads columns sums them.
"""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime

from domain.safe_text import inert_cell
from reports.amounts import for_machines
from reports.document import Amount, Cell, Column, Document, Kind, Share, Table
from reports.writing import currency_place


def csv_document(document: Document) -> bytes:
    """Every row of the main table, UTF-8, header first, lines ended by a line feed."""
    table = main_table(document)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    alone = currency_place(table.columns) is None
    writer.writerow([name for column in table.columns for name in _names(column, alone)])
    for row in table.rows:
        writer.writerow([
            plain
            for column, cell in zip(table.columns, row, strict=True)
            for plain in _plain(column, cell, alone)
        ])  # fmt: skip
    return text.getvalue().encode()


def main_table(document: Document) -> Table:
    """The table that a machine gets: the one made for it, the one named, or the first."""
    if document.machine:
        return document.machine
    tables = document.tables
    named = [table for table in tables if table.key == document.main]
    return (named or list(tables) or [Table("empty", "", (), ())])[0]


def _names(column: Column, alone: bool) -> tuple[str, ...]:
    key = column.key
    if column.kind is Kind.SHARE:
        return f"{key}_part", f"{key}_whole"
    if column.kind is Kind.AMOUNT and alone:
        return key, f"{key}_currency"
    return (key,)


def _plain(column: Column, cell: Cell, alone: bool) -> Iterator[str]:
    """The texts of one cell, as many as its column has names."""
    if isinstance(cell, Amount):
        known = for_machines(cell.minor, cell.currency)
        yield f"{cell.minor} minor units" if known is None else known
        if alone:
            yield inert_cell(cell.currency)
    elif isinstance(cell, Share):
        yield str(cell.part)
        yield str(cell.whole)
    else:
        yield _simple(cell)
        yield from [""] * (len(_names(column, alone)) - 1)


def _simple(cell: str | int | datetime | date | None) -> str:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(cell, date):
        return cell.isoformat()
    return inert_cell(cell)

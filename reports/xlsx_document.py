"""A report as a workbook: typed numbers and dates, frozen headers, filters, totals, pictures.

Written row by row, so that memory does not grow with the tables. Text is always written as text:
nothing in a cell is a formula or a link.
"""

import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from domain.iso4217 import EXPONENTS
from domain.safe_text import safe_text
from reports.document import Amount, Cell, Document, Kind, Share, Table, Trend
from reports.workbook import number_form, workbook
from reports.writing import Writing, row_currency

_ROWS_MAX = 1_000_000
"""Rows of one sheet, a little under what a workbook can hold; the rest goes on in another."""
_DIGITS_EXACT = 15
"""Longer numbers lose their last digits in a workbook; they are written as text."""
_NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
_NAME_MAX, _WIDTH_MAX, _MEASURED = 31, 60, 500


def xlsx_document(document: Document, writing: Writing) -> bytes:
    """The whole workbook: a summary, then a sheet for each table and each trend, every row.

    Raises:
        ConfigurationError: the package for it is not installed.
    """
    file = io.BytesIO()
    with workbook(file, document.title) as book:
        _Workbook(book, writing).write(document)
    return file.getvalue()


class _Workbook:
    """Sheets and formats of one workbook."""

    def __init__(self, book: Any, writing: Writing) -> None:
        self._book, self._writing = book, writing
        self._formats: dict[tuple[str, bool], Any] = {}
        self._names: set[str] = set()
        self._bold = book.add_format({"bold": True})
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self._title = book.add_format({"bold": True, "font_size": 16})

    def write(self, document: Document) -> None:
        """Every sheet in the order of the report."""
        self._summary(document)
        for section in document.sections:
            for block in section.blocks:
                if isinstance(block, Table) and block.rows:
                    name = f"{section.title} {block.title}" if len(section.title) <= 3 else ""
                    self._table(block, name or block.title)
                elif isinstance(block, Trend):
                    self._trend(block)

    def _summary(self, document: Document) -> None:
        sheet = self._sheet("Summary")
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 1, 80)
        sheet.write_string(0, 0, safe_text(document.title), self._title)
        sheet.write_string(1, 0, safe_text(document.headline), self._bold)
        number = 3
        for fact in document.facts:
            sheet.write_string(number, 0, safe_text(fact.title))
            self._cell(sheet, number, 1, fact.value, fact.kind, "")
            number += 1
        for line in (*document.warnings, *document.footer):
            number += 1
            sheet.write_string(number, 0, safe_text(line))

    def _table(self, table: Table, title: str) -> None:
        for start in range(0, len(table.rows), _ROWS_MAX):
            rows = table.rows[start : start + _ROWS_MAX]
            last = start + _ROWS_MAX >= len(table.rows)
            self._rows(table, title, rows, table.totals if last else ())

    def _rows(
        self,
        table: Table,
        title: str,
        rows: Sequence[tuple[Cell, ...]],
        totals: Sequence[tuple[Cell, ...]],
    ) -> None:
        sheet = self._sheet(title)
        for place, width in enumerate(self._widths(table)):
            sheet.set_column(place, place, width)
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(table.columns):
            sheet.write_string(0, place, column.title, self._head)
        sheet.autofilter(0, 0, len(rows), len(table.columns) - 1)
        for number, row in enumerate([*rows, *totals] if totals else rows, 1):
            currency, bold = row_currency(table, row), number > len(rows)
            for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
                self._cell(sheet, number, place, cell, column.kind, currency, bold=bold)

    def _trend(self, trend: Trend) -> None:
        known = [height for _, height, _ in trend.points if height is not None]
        if not known:
            return
        sheet = self._sheet(trend.title)
        sheet.set_column(0, 1, 16)
        sheet.freeze_panes(1, 0)
        sheet.write_string(0, 0, "Day", self._head)
        sheet.write_string(0, 1, _NO_SHEET_NAME.sub(" ", trend.title), self._head)
        for number, (on, height, _) in enumerate(trend.points, 1):
            self._cell(sheet, number, 0, on, Kind.DAY, "")
            if height is not None:
                self._cell(sheet, number, 1, _height(trend, height), trend.kind, "")
        days = len(trend.points)
        chart = self._book.add_chart({"type": "line"})
        chart.add_series({
            "name": [sheet.name, 0, 1],
            "categories": [sheet.name, 1, 0, days, 0],
            "values": [sheet.name, 1, 1, days, 1],
        })  # fmt: skip
        chart.set_y_axis({"min": 0})
        chart.set_legend({"none": True})
        sheet.insert_chart(1, 3, chart, {"description": safe_text(trend.title)})

    def _cell(
        self,
        sheet: Any,
        row: int,
        place: int,
        cell: Cell,
        kind: Kind,
        currency: str,
        *,
        bold: bool = False,
    ) -> None:
        if cell is None:
            return
        if isinstance(cell, Amount):
            self._amount(sheet, row, place, cell, named=cell.currency == currency, bold=bold)
        elif isinstance(cell, Share):
            if cell.whole:
                value = Decimal(cell.part) / Decimal(cell.whole)
                sheet.write_number(row, place, value, self._format("0.00%", bold))
        elif isinstance(cell, datetime):
            form = self._format("yyyy-mm-dd hh:mm:ss", bold)
            sheet.write_datetime(row, place, cell.astimezone(UTC), form)
        elif isinstance(cell, date):
            sheet.write_datetime(row, place, cell, self._format("yyyy-mm-dd", bold))
        elif isinstance(cell, int):
            unit = '#,##0" ms"' if kind is Kind.MILLISECONDS else "#,##0"
            sheet.write_number(row, place, cell, self._format(unit, bold))
        else:
            sheet.write_string(row, place, safe_text(cell), self._format("@", bold))

    def _amount(
        self, sheet: Any, row: int, place: int, amount: Amount, *, named: bool, bold: bool
    ) -> None:
        digits = EXPONENTS.get(amount.currency)
        if len(str(abs(amount.minor))) > _DIGITS_EXACT or (digits is None and not named):
            text = self._writing.amount(amount, named=named)
            sheet.write_string(row, place, text, self._format("@", bold))
            return
        form = number_form(digits or 0)
        if digits is None:
            form += '" minor units"'
        elif not named:
            form = f'"{amount.currency}" {form};-"{amount.currency}" {form}'
        value = Decimal(amount.minor).scaleb(-(digits or 0))
        sheet.write_number(row, place, value, self._format(form, bold))

    def _format(self, number: str, bold: bool) -> Any:
        key = (number, bold)
        if key not in self._formats:
            look = {"num_format": number, **({"bold": True, "top": 1} if bold else {})}
            self._formats[key] = self._book.add_format(look)
        return self._formats[key]

    def _sheet(self, title: str) -> Any:
        return self._book.add_worksheet(next(self._free(title)))

    def _free(self, title: str) -> Iterator[str]:
        """Names for a sheet that no other has, whatever their case."""
        base = _NO_SHEET_NAME.sub(" ", safe_text(title)).strip()[:_NAME_MAX] or "Table"
        number, name = 1, base
        while name.lower() in self._names:
            number += 1
            ending = f" {number}"
            name = base[: _NAME_MAX - len(ending)] + ending
        self._names.add(name.lower())
        yield name

    def _widths(self, table: Table) -> list[int]:
        """Characters by column, measured on the first rows and the totals."""
        texts = [self._writing.row(table, row) for row in (*table.rows[:_MEASURED], *table.totals)]
        return [
            min(_WIDTH_MAX, 3 + max(len(column.title), *(len(text[i]) for text in texts)))
            for i, column in enumerate(table.columns)
        ]


def _height(trend: Trend, height: int) -> Cell:
    if trend.kind is Kind.SHARE:
        return Share(height, 10_000)
    return Amount(height, trend.currency) if trend.kind is Kind.AMOUNT else height

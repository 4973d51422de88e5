"""The journal as a workbook: typed numbers and days, filters, a totals row per currency.

Written row by row, so that memory does not grow with the ledger.
"""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from domain.money import exponent
from domain.safe_text import safe_text
from reports.journal import COLUMNS, Journal, rows
from reports.workbook import number_form, workbook

_WIDTHS = (11, 40, 40, 40, 32, 18, 44, 14, 9, 40)
_AMOUNT, _CURRENCY = COLUMNS.index("amount"), COLUMNS.index("currency")


def write_xlsx(journal: Journal, path: Path) -> None:
    """Write a workbook; the same ledger gives the same bytes.

    Raises:
        ConfigurationError: the package for it is not installed.
    """
    with workbook(str(path), journal.title) as book:
        sheet = book.add_worksheet("Journal")
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(1, 0)
        head = book.add_format({"bold": True, "bottom": 1})
        for column, name in enumerate(COLUMNS):
            sheet.write_string(0, column, name, head)
        _write_rows(journal, sheet, _Formats(book))


class _Formats:
    """Number formats by currency, made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._known: dict[tuple[str, bool], Any] = {}
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.bold = book.add_format({"bold": True, "top": 1})

    def amount(self, currency: str, *, bold: bool = False) -> Any:
        """The format of an amount: as many decimals as the currency has."""
        key = (currency, bold)
        if key not in self._known:
            digits = exponent(currency)
            form = number_form(digits)
            look: dict[str, Any] = {"num_format": form}
            self._known[key] = self._book.add_format(
                look | ({"bold": True, "top": 1} if bold else {})
            )
        return self._known[key]


def _write_rows(journal: Journal, sheet: Any, formats: _Formats) -> None:
    sums: dict[str, Decimal] = {}
    number = 0
    for number, cells in enumerate(rows(journal), 1):
        currency = cells[_CURRENCY]
        for column, cell in enumerate(cells):
            if column == 0:
                sheet.write_datetime(number, 0, _day(cell), formats.day)
            elif column == _AMOUNT:
                amount = Decimal(cell)
                sums[currency] = sums.get(currency, Decimal()) + amount
                sheet.write_number(number, column, amount, formats.amount(currency))
            else:
                sheet.write_string(number, column, safe_text(cell))
    sheet.autofilter(0, 0, max(number, 1), len(COLUMNS) - 1)
    for place, (currency, total) in enumerate(sorted(sums.items()), number + 1):
        sheet.write_string(place, 0, "total", formats.bold)
        sheet.write_number(place, _AMOUNT, total, formats.amount(currency, bold=True))
        sheet.write_string(place, _CURRENCY, currency, formats.bold)


def _day(text: str) -> datetime:
    found = date.fromisoformat(text)
    return datetime(found.year, found.month, found.day)  # noqa: DTZ001 - workbooks know no zones

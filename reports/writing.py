"""Cells in writing for people: one locale, one way to write each kind of cell.

English is written without further packages; every other locale's numbers and dates come from
Babel. Whole-number arithmetic only: an amount is never a float on its way to a reader.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from domain.errors import ConfigurationError, InvalidRequest
from domain.iso4217 import EXPONENTS
from domain.safe_text import safe_text
from reports import amounts
from reports.document import Amount, Cell, Column, Kind, Share, Table

ENGLISH = "en"
_LONG_MILLISECONDS = 10_000
_NBSP = "\u00a0"
_MINUSES = {ord("-"): amounts.MINUS, 0x200E: None, 0x200F: None, 0x061C: None}


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes cells for people; `babel` is None for English."""

    locale: str
    babel: Any = None

    def cell(self, value: Cell, kind: Kind, *, currency: str = "") -> str:
        """A cell as text without anything a reader cannot see; None and nothing of nothing are
        empty.

        An amount in `currency`, which the row names already, is written without its code.
        """
        if value is None:
            return ""
        if isinstance(value, str):
            return safe_text(value)
        if isinstance(value, Amount):
            return self.amount(value, named=value.currency == currency)
        if isinstance(value, Share):
            return self.share(value)
        if isinstance(value, datetime):
            return self._instant(value)
        if isinstance(value, date):
            return self._day(value)
        return self._milliseconds(value) if kind is Kind.MILLISECONDS else self.count(value)

    def amount(self, amount: Amount, *, named: bool = False) -> str:
        """An amount behind its currency's code, or alone where that is named already."""
        code, minor = safe_text(amount.currency), amount.minor
        digits = EXPONENTS.get(amount.currency)
        if digits is None:
            text = f"{self.count(minor)} minor units"
        elif self.babel:
            text = self._decimal(Decimal(minor).scaleb(-digits), digits)
        else:
            text = amounts.for_people(minor, amount.currency)
        return text if named or not code else f"{code}{_NBSP}{text}"

    def count(self, number: int) -> str:
        """A whole number in groups."""
        return self._decimal(Decimal(number), 0) if self.babel else amounts.whole(number)

    def share(self, share: Share) -> str:
        """Per cent with two decimals, rounded down: 100 % is said of all and of nothing less."""
        if not share.whole:
            return ""
        hundredths = share.part * 10_000 // share.whole
        if self.babel:
            return f"{self._decimal(Decimal(hundredths).scaleb(-2), 2)}{_NBSP}%"
        return f"{hundredths // 100}.{hundredths % 100:02d}{_NBSP}%"

    def row(self, table: Table, cells: tuple[Cell, ...]) -> list[str]:
        """The cells of a row; amounts leave out a currency that the row names already."""
        currency = row_currency(table, cells)
        return [
            self.cell(cell, column.kind, currency=currency)
            for cell, column in zip(cells, table.columns, strict=True)
        ]

    def _milliseconds(self, value: int) -> str:
        if value < _LONG_MILLISECONDS:
            return f"{self.count(value)}{_NBSP}ms"
        tenths = value // 100
        text = (
            self._decimal(Decimal(tenths).scaleb(-1), 1)
            if self.babel
            else f"{tenths // 10:,}.{tenths % 10}"
        )
        return f"{text}{_NBSP}s"

    def _instant(self, value: datetime) -> str:
        value = value.astimezone(UTC)
        if not self.babel:
            return f"{value:%Y-%m-%d %H:%M:%S}"
        from babel.dates import format_datetime

        return safe_text(
            format_datetime(value, "medium", locale=self.babel).replace("\u202f", _NBSP)
        )

    def _day(self, value: date) -> str:
        if not self.babel:
            return value.isoformat()
        from babel.dates import format_date

        return safe_text(format_date(value, "medium", locale=self.babel))

    def _decimal(self, value: Decimal, digits: int) -> str:
        from babel.numbers import format_decimal

        groups = self.babel.decimal_formats[None].pattern.partition(".")[0]
        form = f"{groups}.{'0' * digits}" if digits else groups
        written = format_decimal(value, format=form, locale=self.babel)
        # One minus everywhere; and no direction mark before it, for every text stands alone here.
        return safe_text(written.translate(_MINUSES))


def row_currency(table: Table, cells: tuple[Cell, ...]) -> str:
    """The currency that a row names in a column of its own; empty when it names none."""
    place = currency_place(table.columns)
    return "" if place is None else str(cells[place] or "")


def currency_place(columns: tuple[Column, ...]) -> int | None:
    """The column that names the currency of its row."""
    return next((i for i, column in enumerate(columns) if column.key == "currency"), None)


@cache
def writing(locale: str = ENGLISH) -> Writing:
    """How a locale writes.

    Raises:
        InvalidRequest: there is no such locale.
        ConfigurationError: the package for other locales is not installed.
    """
    if locale == ENGLISH:
        return Writing(ENGLISH)
    try:
        from babel import Locale, UnknownLocaleError
    except ImportError:
        raise ConfigurationError(
            "Other locales need a package that is not installed.",
            hint='Install it: pip install "tradesense-payments[reports]".',
        ) from None
    try:
        return Writing(locale, Locale.parse(locale.replace("-", "_")))
    except (ValueError, TypeError, UnknownLocaleError):
        raise InvalidRequest(
            f"{locale!r} is no locale.", hint="Write a language, such as de, or de_CH or en_GB."
        ) from None

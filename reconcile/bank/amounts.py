"""Cells of bank statements, strictly: amounts and days, or the reason why they are none."""

import re
from datetime import date, datetime
from decimal import Decimal

from domain.money import exponent
from reconcile.codes import CURRENCY_CODES
from reconcile.intake.amounts import amount

_PLAIN = re.compile(r"[+-]?[0-9]{1,16}(?:\.[0-9]{1,10})?")


class Unreadable(Exception):
    """A cell that cannot be read; caught where rejects are made, never seen outside."""

    def __init__(self, column: str, reason: str, text: str) -> None:
        super().__init__(reason)
        self.column, self.reason, self.text = column, reason, text


def known(currency: str, column: str) -> str:
    """A currency there is.

    Raises:
        Unreadable: there is none.
    """
    if currency not in CURRENCY_CODES:
        raise Unreadable(column, "unknown currency", currency)
    return currency


def minor(text: str, currency: str, column: str) -> int:
    """Minor units of an amount with a decimal point, its trailing zeros beyond the currency's
    digits left out: banks write 12.50000 and 1200.00 yen.

    Raises:
        Unreadable: it is no amount, or has more decimals than the currency.
    """
    known(currency, column)
    if _PLAIN.fullmatch(text) is None:
        raise Unreadable(column, "not an amount: digits and a point are expected", text)
    whole, _, decimals = text.removeprefix("+").partition(".")
    places = exponent(currency)
    if decimals[places:].strip("0"):
        raise Unreadable(column, f"too many decimals: {currency} has {places}", text)
    decimals = decimals[:places]
    try:
        return amount(f"{whole}.{decimals}" if decimals else whole, currency)
    except ValueError as error:
        raise Unreadable(column, str(error), text) from None


def minor_of(value: Decimal, currency: str, column: str) -> int:
    """Minor units of an exact decimal that a parser made.

    Raises:
        Unreadable: see `minor`.
    """
    if not value.is_finite():
        raise Unreadable(column, "not an amount", str(value))
    return minor(f"{value:f}", currency, column)


def day(text: str, form: str, column: str) -> date:
    """A day in a stated form.

    Raises:
        Unreadable: it is none.
    """
    try:
        found = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise Unreadable(column, "not a date of the expected form", text) from None
    if not text.isascii() or not 1970 <= found.year <= 2200:
        raise Unreadable(column, "not a date of this age", text)
    return found

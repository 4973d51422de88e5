"""Amounts, days and currencies as bank files write them: read exactly, or refused with a reason."""

import re
from datetime import date

from domain.errors import InvalidRequest, UnknownCurrency
from domain.money import MINOR_MAX, exponent, parse_minor
from domain.settlement import Reject
from reconcile.intake.masking import shown

_YMD = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2}|T[0-9:.Z+-]*)?")
_YYMMDD = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})")


class Damage(ValueError):
    """A cell that cannot be read; its row becomes a reject."""

    def __init__(self, column: str, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.column, self.reason, self.text = column, reason, text

    def reject(self, file: str, line: int) -> Reject:
        """The row's reject."""
        return Reject(file, line, self.column, self.reason, shown(self.text))


def currency(text: str, column: str) -> str:
    """An ISO 4217 code in capitals.

    Raises:
        Damage: it is none that has minor units.
    """
    try:
        exponent(text)
    except UnknownCurrency:
        reason = f"unknown currency {shown(text)!r}" if text else "the currency is empty"
        raise Damage(column, reason, text) from None
    return text


def minor(text: str, code: str, column: str, *, comma: bool = False) -> int:
    """Major units as minor units of a known currency.

    `comma`: the decimal sign is a comma, and a point is refused; otherwise the other way round.

    Raises:
        Damage: no such number, too many decimals or out of range.
    """
    wrong = "." if comma else ","
    if wrong in text:
        sign = "a decimal point" if comma else "a decimal comma"
        raise Damage(column, f"{sign} or thousands separator inside the amount", text)
    try:
        return parse_minor(text.replace(",", "."), code)
    except InvalidRequest:
        raise Damage(column, _fault(text, code, "," if comma else "."), text) from None


def whole(text: str, column: str) -> int:
    """A number that is already in minor units, or a count; a sign is allowed.

    Raises:
        Damage: other than ASCII digits, or out of range.
    """
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        reason = f"not a whole number: {shown(text)!r}" if text else "the number is empty"
        raise Damage(column, reason, text)
    if abs(int(text)) > MINOR_MAX:
        raise Damage(column, "larger than any amount accepted here", text)
    return int(text)


def iso_day(text: str, column: str) -> date:
    """The calendar day of an ISO 8601 date or date-time, as its writer had it.

    Raises:
        Damage: it is none.
    """
    match = _YMD.fullmatch(text)
    if match is None:
        raise Damage(column, "not a date: YYYY-MM-DD is expected", text)
    return day(column, text, match[1], match[2], match[3])


def short_day(text: str, column: str) -> date:
    """A day written YYMMDD, of this century.

    Raises:
        Damage: it is none.
    """
    match = _YYMMDD.fullmatch(text)
    if match is None:
        raise Damage(column, "not a date: YYMMDD is expected", text)
    return day(column, text, f"20{match[1]}", match[2], match[3])


def day(column: str, text: str, year: str, month: str, number: str) -> date:
    """A day from its three numbers.

    Raises:
        Damage: there is no such day.
    """
    try:
        return date(int(year), int(month), int(number))
    except ValueError:
        raise Damage(column, "no such day in the calendar", text) from None


def _fault(text: str, code: str, point: str) -> str:
    if not text:
        return "the amount is empty"
    if re.search(r"\s", text):
        return "a blank inside the amount"
    if not text.isascii():
        return "the amount has characters other than ASCII digits"
    if re.search(r"[0-9][eE][+-]?[0-9]", text):
        return "an exponent: the amount must be written out"
    head, _, fraction = text.removeprefix("-").partition(point)
    if head.isdigit() and fraction.isdigit() and len(fraction) > exponent(code):
        return f"too many decimals: {code} has {exponent(code)}"
    if head.isdigit() and (fraction.isdigit() or point not in text):
        return "larger than any amount accepted here"
    return f"not an amount: digits and {point!r} are expected"

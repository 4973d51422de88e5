"""Decimal text to int64 minor units, a column at a time, by integer arithmetic only.

The column form accepts a part of what `domain.money.parse_minor` accepts and gives the same
numbers; whatever it does not accept is read again one by one by `parse_minor`, which alone may
refuse.
"""

from typing import Any

import numpy as np

from domain.errors import InvalidRequest, UnknownCurrency
from domain.money import MINOR_MAX, exponent, parse_minor
from reconcile.codes import CURRENCIES, Array, Bools, Ints
from reconcile.intake.strings import Strings

EXPONENT_BY_CODE = np.array([exponent(name) for name in CURRENCIES], np.int8)
_POWERS = np.array([10**power for power in range(19)], np.int64)
_U = np.uint64
_MINUS, _POINT = 45, 46
_CHARS_MAX = 18
"""Longer texts go to `parse_minor`: their digits might not fit 64 bits."""


def amounts(array: Any, currencies: Array) -> tuple[Ints, Bools]:
    """Minor units of every row, and which rows could be read here; `currencies` are codes."""
    text = Strings.of(array)
    minus = (text.at(0) == _MINUS) & (text.lengths > 0)
    value, good = _two_decimals(text, minus)
    decimals = EXPONENT_BY_CODE[currencies]
    good &= decimals == 2
    rest = np.flatnonzero(~good)
    if rest.size:
        value[rest], good[rest] = _any_decimals(text.some(rest), minus[rest], decimals[rest])
    np.negative(value, out=value, where=minus)
    return value, good


def _two_decimals(text: Strings, minus: Bools) -> tuple[Ints, Bools]:
    """Hundredths, where a row is up to five digits, a point and two digits.

    Eight characters are one 64-bit word, so all of a row's digits are read in a few operations: the
    first character is the lowest byte, unused leading bytes are made zeros, and the digits are
    added up in pairs, then fours, then all eight.
    """
    length = text.lengths - minus
    good = (length >= 4) & (length <= 8)
    unused = (np.clip(8 - length, 0, 7) * 8).astype(np.uint64)
    word = text.last_eight()
    word = (word >> unused) << unused
    good &= ((word >> _U(40)) & _U(0xFF)) == _POINT
    cents = word & _U(0xFFFF000000000000)
    whole = (word & _U(0x000000FFFFFFFFFF)) << _U(8)
    zeros = _U(0x3030303030303030)
    # The point was dropped, so one more byte in front is unused than was counted above.
    filled = (_U(1) << (unused + _U(8))) - _U(1)
    digits = (cents | whole | (zeros & filled)) ^ zeros
    high = _U(0x8080808080808080)
    good &= (((digits + _U(0x7676767676767676)) | digits) & high) == 0
    pairs = digits * _U(10) + (digits >> _U(8))
    low = pairs & _U(0x000000FF000000FF)
    upper = (pairs >> _U(16)) & _U(0x000000FF000000FF)
    eight = (low * _U(0x000F424000000064) + upper * _U(0x0000271000000001)) >> _U(32)
    return eight.view(np.int64), good


def _any_decimals(text: Strings, minus: Bools, decimals: Array) -> tuple[Ints, Bools]:
    """Minor units of rows of any shape that `parse_minor` knows, character by character."""
    value = np.zeros(len(text.starts), np.int64)
    digits, fraction = np.zeros(value.size, np.int8), np.zeros(value.size, np.int8)
    dots = np.zeros(value.size, np.int8)
    longest = int(text.lengths.max(initial=0))
    for position in range(min(longest, _CHARS_MAX)):
        code = text.at(position)
        inside = text.lengths > position
        digit = code - 48
        is_digit = (digit < 10) & inside
        np.multiply(value, 10, out=value, where=is_digit)
        np.add(value, digit, out=value, where=is_digit)
        digits += is_digit
        fraction += is_digit & (dots > 0)
        dots += (code == 46) & inside
    # Everything that is no digit must be one leading minus and one point between digits.
    room = decimals - fraction
    good = (text.lengths <= _CHARS_MAX) & (digits + dots + minus == text.lengths) & (dots <= 1)
    good &= (digits > fraction) & ((dots == 0) | (fraction > 0)) & (room >= 0)
    scale = _POWERS[np.clip(room, 0, 6)]
    good &= value <= MINOR_MAX // scale
    value *= np.where(good, scale, 0)
    return value, good


def amount(text: str, currency: str) -> int:
    """One amount, strictly; see `domain.money.parse_minor`.

    Raises:
        ValueError: what is wrong with the text, in words that do not repeat it.
    """
    try:
        return parse_minor(text, currency)
    except (InvalidRequest, UnknownCurrency):
        raise ValueError(_fault(text, currency)) from None


def _fault(text: str, currency: str) -> str:
    digits = exponent(currency)
    if not text.strip():
        return "the amount is empty"
    if any(char.isspace() for char in text):
        return "a blank inside the amount"
    if not text.isascii():
        return "the amount has characters other than ASCII digits"
    if "," in text:
        return "a decimal comma or thousands separator: write digits and a point, such as 1234.56"
    if "e" in text.lower() and text.lower().strip("+-.0123456789") == "e":
        return "an exponent: write the amount out"
    whole, _, fraction = text.removeprefix("-").partition(".")
    if whole.isdigit() and fraction.isdigit() and len(fraction) > digits:
        return f"too many decimals: {currency} has {digits}"
    if whole.isdigit() and (fraction.isdigit() or "." not in text):
        return "larger than any amount accepted here"
    return "not an amount: write digits and a point, such as 1234.56"

"""Amounts in writing: grouped for people, plain for machines; whole-number arithmetic only.

Text of a currency nobody knows is never scaled: it is written in minor units and says so.
"""

from domain.iso4217 import EXPONENTS
from domain.money import format_minor

MINUS = "\u2212"
"""The minus sign of typography, as wide as a plus and a digit; a hyphen is easily overlooked."""


def for_people(minor: int, currency: str) -> str:
    """Major units with comma groups, a point and the currency's own digits.

    >>> for_people(-123456789, "USD"), for_people(5000, "JPY"), for_people(1005, "BHD")
    ('−1,234,567.89', '5,000', '1.005')
    """
    sign = MINUS if minor < 0 else ""
    digits = EXPONENTS.get(currency)
    if digits is None:
        return f"{sign}{abs(minor):,} minor units"
    whole, fraction = divmod(abs(minor), 10**digits)
    return f"{sign}{whole:,}.{fraction:0{digits}d}" if digits else f"{sign}{whole:,}"


def signed(minor: int, currency: str) -> str:
    """As `for_people`, with a plus before what is above zero: how differences are written."""
    return ("+" if minor > 0 else "") + for_people(minor, currency)


def with_currency(minor: int, currency: str) -> str:
    """As `for_people`, behind the currency code and a space that does not break."""
    return f"{currency}\u00a0{for_people(minor, currency)}"


def whole(number: int) -> str:
    """A count with comma groups.

    >>> whole(-1200)
    '−1,200'
    """
    return f"{MINUS if number < 0 else ''}{abs(number):,}"


def for_machines(minor: int | None, currency: str) -> str | None:
    """A plain decimal in major units, None when the amount or its scale is unknown."""
    if minor is None or currency not in EXPONENTS:
        return None
    return format_minor(minor, currency)

"""Money: integer minor units of one currency. No floats, no rounding, no silent conversion."""

import re
from dataclasses import dataclass
from decimal import Decimal

from domain.errors import CurrencyMismatch, InvalidRequest, UnknownCurrency
from domain.iso4217 import EXPONENTS

MINOR_MAX = 10**15 - 1
"""Largest magnitude of one amount, in minor units; sums of many still fit 64 bits."""

_AMOUNT = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,6}))?")


def exponent(currency: str) -> int:
    """Digits after the point of `currency` (0, 2, 3 or 4).

    Raises:
        UnknownCurrency: not an upper-case ISO 4217 code with minor units.

    >>> exponent("USD"), exponent("JPY"), exponent("BHD")
    (2, 0, 3)
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(f"{currency!r} is not a currency we know.") from None


def parse_minor(text: str, currency: str) -> int:
    """Read a plain decimal in major units as minor units; nothing is rounded or guessed.

    Accepts ASCII digits, an optional leading minus and at most the currency's own number of
    decimals. Refuses exponents, thousands separators, decimal commas, NaN, blanks and other digits.

    Raises:
        InvalidRequest: the text is no such number, has too many decimals or is out of range.
        UnknownCurrency: see `exponent`.

    >>> parse_minor("12.5", "USD"), parse_minor("-1200", "JPY"), parse_minor("1.005", "BHD")
    (1250, -1200, 1005)
    """
    digits = exponent(currency)
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise InvalidRequest(
            f"{text!r} is not an amount: write digits and a point, such as 100.00."
        )
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction) > digits:
        raise InvalidRequest(f"{text!r} has too many decimals: {currency} has {digits}.")
    minor = int(whole + fraction.ljust(digits, "0"))
    if minor > MINOR_MAX:
        raise InvalidRequest(f"{text!r} is larger than any amount accepted here.")
    return -minor if sign else minor


def format_minor(minor: int, currency: str) -> str:
    """Write minor units as a plain decimal in major units, the inverse of `parse_minor`.

    >>> format_minor(-5, "USD"), format_minor(1200, "JPY")
    ('-0.05', '1200')
    """
    digits = exponent(currency)
    if not digits:
        return str(minor)
    padded = str(abs(minor)).rjust(digits + 1, "0")
    return f"{'-' if minor < 0 else ''}{padded[:-digits]}.{padded[-digits:]}"


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of one ISO 4217 currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)
        if type(self.minor) is not int:
            raise TypeError(f"money is counted in whole minor units, not {self.minor!r}")
        if abs(self.minor) > MINOR_MAX:
            raise InvalidRequest(
                f"{self.minor} minor units is larger than any amount accepted here."
            )

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """Read a plain decimal in major units; see `parse_minor`.

        >>> Money.parse("100.00", "USD")
        Money(minor=10000, currency='USD')
        """
        return cls(parse_minor(text, currency), currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        return f"{format_minor(self.minor, self.currency)} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        raise TypeError("an amount is neither true nor false: compare its minor units")

    def _same(self, other: "Money") -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self} and {other} are not of one currency.")
        return other.minor

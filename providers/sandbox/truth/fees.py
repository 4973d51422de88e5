"""What the pretend provider charges, per currency, in whole minor units.

Rule of rounding: the percentage is rounded half up to the currency's fee step, then the fixed part
is added. No floats: percentages are basis points.
"""

from dataclasses import dataclass

from domain.money import exponent


@dataclass(frozen=True, slots=True)
class FeeRule:
    """Card prices of one currency, in minor units."""

    basis_points: int
    fixed_minor: int
    dispute_minor: int
    step_minor: int = 1
    """Fees are multiples of it: 10 where amounts must end in 0, 100 for whole units."""


CARD: dict[str, FeeRule] = {
    "USD": FeeRule(290, 30, 1500),
    "CAD": FeeRule(290, 30, 1500),
    "AUD": FeeRule(170, 30, 2500),
    "EUR": FeeRule(150, 25, 2000),
    "GBP": FeeRule(150, 20, 2000),
    "CHF": FeeRule(290, 30, 2000),
    "SEK": FeeRule(150, 180, 20000),
    "NOK": FeeRule(240, 200, 20000),
    "DKK": FeeRule(150, 180, 15000),
    "PLN": FeeRule(150, 100, 8500),
    "HUF": FeeRule(150, 8500, 750000, 100),
    "TWD": FeeRule(340, 1000, 45000, 100),
    "JPY": FeeRule(360, 0, 1300),
    "KRW": FeeRule(360, 300, 20000),
    "ISK": FeeRule(290, 40, 2000),
    "UGX": FeeRule(290, 1000, 55000),
    "BHD": FeeRule(290, 110, 5700, 10),
    "KWD": FeeRule(290, 90, 4600, 10),
}
"""Prices by currency; others fall back to `DEFAULT` by number of decimals."""

DEFAULT: dict[int, FeeRule] = {
    0: FeeRule(290, 30, 1500),
    2: FeeRule(290, 30, 1500),
    3: FeeRule(290, 100, 5000, 10),
    4: FeeRule(290, 3000, 150000),
}
"""Prices of currencies without a row of their own, by ISO exponent."""

ACH_BASIS_POINTS, ACH_CAP_MINOR = 80, 500
SEPA_FLAT_MINOR = 35


def rule(currency: str) -> FeeRule:
    """The card prices of `currency` (upper case).

    Raises:
        UnknownCurrency: not a currency we know.
    """
    return CARD.get(currency) or DEFAULT[exponent(currency)]


def portion(amount_minor: int, basis_points: int, step_minor: int = 1) -> int:
    """`basis_points` of a non-negative amount, rounded half up to a multiple of `step_minor`.

    >>> portion(1050, 290), portion(50, 100), portion(49, 100)
    (30, 1, 0)
    """
    whole = 10_000 * step_minor
    return (amount_minor * basis_points * 2 + whole) // (2 * whole) * step_minor


def payment_fee(amount_minor: int, currency: str, method_kind: str) -> int:
    """The fee on money really taken, in minor units: nothing taken costs nothing."""
    if amount_minor <= 0:
        return 0
    if method_kind == "us_bank_account":
        return min(portion(amount_minor, ACH_BASIS_POINTS), ACH_CAP_MINOR)
    if method_kind == "sepa_debit":
        return SEPA_FLAT_MINOR
    price = rule(currency)
    return portion(amount_minor, price.basis_points, price.step_minor) + price.fixed_minor


def dispute_fee(currency: str) -> int:
    """The price of one dispute, in minor units; kept when the dispute is won."""
    return rule(currency).dispute_minor

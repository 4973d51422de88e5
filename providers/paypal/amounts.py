"""PayPal's decimal texts and our minor units; nothing is rounded on the way.

Source: PayPal's page on currency codes. HUF, JPY and TWD have no decimals there, although ISO 4217
gives HUF and TWD two.
"""

from typing import Any

from domain.errors import CapabilityMissing, PaymentsError
from domain.money import exponent, format_minor, parse_minor
from providers.paypal.capabilities import NO_DECIMALS


def to_paypal(minor: int, currency: str) -> dict[str, str]:
    """A money object for our minor units.

    Raises:
        CapabilityMissing: a fraction of a currency that PayPal takes in whole units only.
    """
    value = format_minor(minor, currency)
    if currency in NO_DECIMALS and exponent(currency):
        value, _, fraction = value.partition(".")
        if fraction.strip("0"):
            raise CapabilityMissing(
                f"PayPal takes {currency} in whole units only.",
                hint="Round the amount to no decimals.",
            )
    return {"currency_code": currency, "value": value}


def from_paypal(money: Any, currency: str = "") -> int:
    """A money object as minor units; of the named currency, where one is given.

    Raises:
        ValueError: no such object, another currency or more decimals than the currency has.
    """
    code, value = str(money["currency_code"]), str(money["value"])
    if currency and code != currency:
        raise ValueError(f"PayPal reports {code} where {currency} was expected.")
    whole, point, fraction = value.partition(".")
    if point and fraction and not fraction.strip("0") and len(fraction) > exponent(code):
        value = whole  # 500.00 of a currency without decimals is 500
    if value.startswith("."):
        value = f"0{value}"
    try:
        return parse_minor(value, code)
    except PaymentsError as error:
        raise ValueError(error.message) from error

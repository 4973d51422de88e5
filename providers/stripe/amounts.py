"""Stripe's own minor units, where they differ from ISO 4217.

Source: Stripe's page on supported currencies. ISK and UGX have no fraction but are sent as
hundredths that end in 00; three-decimal currencies must end in 0.
"""

from domain.errors import CapabilityMissing
from domain.money import exponent

_SENT_AS_HUNDREDTHS = frozenset({"ISK", "UGX"})
_THREE_DECIMALS = 3


def to_stripe(minor: int, currency: str) -> int:
    """Our minor units as Stripe wants them.

    Raises:
        CapabilityMissing: Stripe cannot charge this amount of this currency.
    """
    if currency in _SENT_AS_HUNDREDTHS:
        return minor * 100
    if exponent(currency) == _THREE_DECIMALS and minor % 10:
        raise CapabilityMissing(
            f"Stripe takes {currency} in steps of 0.010.",
            hint="Round the amount to two decimals.",
        )
    return minor


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's integer as our minor units.

    Raises:
        ValueError: a fraction of a currency that has none; nothing is rounded.
    """
    if currency in _SENT_AS_HUNDREDTHS:
        whole, rest = divmod(amount, 100)
        if rest:
            raise ValueError(f"Stripe reports {amount} hundredths of {currency}.")
        return whole
    return amount

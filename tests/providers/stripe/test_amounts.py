"""Stripe's own minor units: sent and read without rounding, refused where Stripe cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CapabilityMissing
from providers.stripe.amounts import from_stripe, to_stripe
from providers.stripe.capabilities import CAPABILITIES


@pytest.mark.parametrize(
    ("minor", "currency", "sent"),
    [
        (10_000, "USD", 10_000),
        (1_200, "JPY", 1_200),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (1_000, "BHD", 1_000),
        (1_010, "KWD", 1_010),
        (0, "USD", 0),
    ],
)
def test_amounts_go_out_and_come_back(minor: int, currency: str, sent: int) -> None:
    """Proves how each kind of currency is written on the wire, both ways."""
    assert to_stripe(minor, currency) == sent
    assert from_stripe(sent, currency) == minor


@pytest.mark.parametrize("currency", ["BHD", "JOD", "KWD", "OMR", "TND"])
@pytest.mark.parametrize("digit", range(1, 10))
def test_the_third_decimal_is_refused(currency: str, digit: int) -> None:
    """Proves that an amount Stripe would round is never sent."""
    with pytest.raises(CapabilityMissing):
        to_stripe(1_000 + digit, currency)


@pytest.mark.parametrize("currency", ["ISK", "UGX"])
@pytest.mark.parametrize("amount", [1, 50, 99, 101, -150])
def test_a_fraction_that_cannot_be_is_not_rounded(currency: str, amount: int) -> None:
    """Proves that hundredths of a currency without them are an answer we cannot read."""
    with pytest.raises(ValueError, match="hundredths"):
        from_stripe(amount, currency)


@given(st.sampled_from(sorted(CAPABILITIES.currencies)), st.integers(-(10**12), 10**12))
def test_no_amount_changes_on_the_way(currency: str, minor: int) -> None:
    """Proves for every currency and amount that what can be sent comes back the same."""
    try:
        sent = to_stripe(minor, currency)
    except CapabilityMissing:
        assert minor % 10
        return
    assert from_stripe(sent, currency) == minor

"""What PayPal can do, as data. Source: PayPal's pages on currencies, orders and payments.

`cancel` means: an authorization is voided, an order that was never paid is fenced (see
`providers.paypal.provider`); PayPal itself has no call that cancels an order.
"""

from datetime import timedelta

from domain.operation import Step
from domain.provider import Capabilities

NO_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
"""Currencies PayPal takes in whole units only, whatever ISO 4217 says."""

_ORDERS, _PAYMENTS = timedelta(hours=5), timedelta(days=44)
"""PayPal keeps keys of orders for 6 hours and those of payments for 45 days, says its reference."""

CAPABILITIES = Capabilities(
    currencies=frozenset(
        {
            "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS",
            "JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
        }
    ),
    method_types=frozenset({"paypal", "card", "venmo"}),
    partial_capture=True,
    partial_refund=True,
    cancel=True,
    reauthorize=True,
    setup_methods=True,
    resend_events=True,
    amount_max_minor=999_999_999,
    key_windows={
        Step.CREATE: _ORDERS, Step.CONFIRM: _ORDERS, Step.CAPTURE: _PAYMENTS,
        Step.CANCEL: _PAYMENTS, Step.FENCE: _PAYMENTS, Step.REFUND: _PAYMENTS,
    },
)  # fmt: skip

"""Stripe's words for the world's facts: statuses, line types, event names, amounts as it counts.

Tables only, shared by the HTTP face and the exports; the truth never imports this.
"""

from domain.money import exponent
from providers.sandbox.truth.records import Line
from providers.sandbox.truth.refusals import Refusal

API_VERSION = "2026-10-28.endive"
"""The version whose shapes the face speaks."""

INTENT_STATUS = {
    "needs_method": "requires_payment_method",
    "needs_confirmation": "requires_confirmation",
    "needs_action": "requires_action",
    "processing": "processing",
    "authorized": "requires_capture",
    "succeeded": "succeeded",
    "cancelled": "canceled",
}
REFUND_STATUS = {"needs_action": "requires_action", "cancelled": "canceled"}
PAYOUT_STATUS = {"cancelled": "canceled"}
DISPUTE_STATUS = {"open": "needs_response"}
"""World status -> Stripe's; words not named are the same."""

EVENT_TYPES = {
    "customer.created": "customer.created",
    "customer.updated": "customer.updated",
    "customer.deleted": "customer.deleted",
    "method.attached": "payment_method.attached",
    "method.detached": "payment_method.detached",
    "payment.created": "payment_intent.created",
    "payment.action_required": "payment_intent.requires_action",
    "payment.processing": "payment_intent.processing",
    "payment.authorized": "payment_intent.amount_capturable_updated",
    "payment.succeeded": "payment_intent.succeeded",
    "payment.failed": "payment_intent.payment_failed",
    "payment.cancelled": "payment_intent.canceled",
    "charge.succeeded": "charge.succeeded",
    "charge.pending": "charge.pending",
    "charge.failed": "charge.failed",
    "charge.captured": "charge.captured",
    "charge.expired": "charge.expired",
    "charge.released": "charge.refunded",
    "charge.refunded": "charge.refunded",
    "refund.created": "refund.created",
    "refund.updated": "refund.updated",
    "refund.failed": "refund.failed",
    "dispute.opened": "charge.dispute.created",
    "dispute.funds_withdrawn": "charge.dispute.funds_withdrawn",
    "dispute.funds_reinstated": "charge.dispute.funds_reinstated",
    "dispute.closed": "charge.dispute.closed",
    "payout.created": "payout.created",
    "payout.updated": "payout.updated",
    "payout.paid": "payout.paid",
    "payout.failed": "payout.failed",
    "payout.cancelled": "payout.canceled",
    "payout.reconciliation_completed": "payout.reconciliation_completed",
    "report.succeeded": "reporting.report_run.succeeded",
    "report.failed": "reporting.report_run.failed",
}
"""Fact -> event type; facts not named (`payment.updated`) have no event at Stripe."""

_TIMES_100 = {"ISK": 100, "UGX": 100}
"""The API counts these in hundredths although they have none."""

MINIMUM_MINOR = {
    "USD": 50, "EUR": 50, "GBP": 30, "AUD": 50, "CAD": 50, "CHF": 50, "NZD": 50, "SGD": 50,
    "BRL": 50, "INR": 50, "JPY": 50, "AED": 200, "BGN": 100, "CZK": 1500, "DKK": 250, "HKD": 400,
    "HUF": 17500, "MXN": 1000, "MYR": 200, "NOK": 300, "PLN": 200, "RON": 200, "SEK": 300,
    "THB": 1000,
}  # fmt: skip
"""Smallest charge, in minor units; `DEFAULT_MINIMUM` elsewhere."""
DEFAULT_MINIMUM = {0: 50, 2: 50, 3: 500, 4: 5000}
MAXIMUM_API = 99_999_999
"""Largest amount the API takes, as the API counts."""


def api_amount(minor: int, currency: str) -> int:
    """Minor units as Stripe's API counts them."""
    return minor * _TIMES_100.get(currency, 1)


def world_amount(api: int, currency: str, field: str = "amount") -> int:
    """What the API calls `api`, in minor units.

    Raises:
        Refusal: `odd_amount`, the currency does not allow these last digits.
    """
    factor = _TIMES_100.get(currency, 1)
    step = 10 if exponent(currency) == 3 else factor
    if api % step:
        raise Refusal(
            "odd_amount",
            f"Amounts in {currency.lower()} must be a multiple of {step} in the API.",
            field=field,
        )
    return api // factor


def minimum(currency: str) -> int:
    """The smallest charge in minor units."""
    return MINIMUM_MINOR.get(currency, DEFAULT_MINIMUM[exponent(currency)])


def line_type(line: Line) -> str:
    """The balance transaction `type` of a line; its `reporting_category` is the line's category."""
    other = line.method_kind not in ("", "card")
    match line.category:
        case "charge":
            return "payment" if other else "charge"
        case "refund":
            return "payment_refund" if other else "refund"
        case "partial_capture_reversal":
            return "refund"
        case "refund_failure":
            return "refund_failure"
        case "dispute" | "dispute_reversal":
            return "adjustment"
        case "fee":
            return "stripe_fee"
        case "payout":
            return "payout"
        case _:
            return "payout_cancel" if line.description.endswith("CANCELLED") else "payout_failure"


def line_description(line: Line) -> str:
    """The words of a line as Stripe prints them."""
    if line.category in ("payout", "payout_reversal") and line.description.startswith("PAYOUT"):
        return f"STRIPE {line.description}"
    return line.description

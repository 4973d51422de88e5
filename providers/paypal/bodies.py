"""What is sent to PayPal: bodies of the calls that create, move and fence, and nothing else.

Our payment id travels as `custom_id`, the order reference as `invoice_id`, which PayPal lets be
paid only once; what an order was made for stands in its unit's `reference_id`, which cannot be
changed later.
"""

from typing import Any

from domain.errors import CapabilityMissing
from domain.provider import PaymentRequest
from providers.paypal.amounts import to_paypal
from providers.paypal.capabilities import CAPABILITIES
from providers.paypal.snapshots import AUTHORIZE, CAPTURE, WALLET

_TEXT_MAX = 127
"""Longest custom id, invoice id and description."""


def order(request: PaymentRequest, return_url: str, cancel_url: str, brand: str) -> dict[str, Any]:
    """A new order. Without a source it is paid by nobody until a capture names a vaulted one.

    Raises:
        CapabilityMissing: PayPal does not take this currency, amount or reference.
    """
    if request.currency not in CAPABILITIES.currencies:
        raise CapabilityMissing(f"PayPal does not take {request.currency}.")
    verb = CAPTURE if request.capture else AUTHORIZE
    unit: dict[str, Any] = {
        "reference_id": verb,
        "amount": to_paypal(request.amount_minor, request.currency),
        "custom_id": _fitting(request.payment_id, "payment id"),
        "invoice_id": _fitting(request.order_reference or request.payment_id, "order reference"),
    }
    if request.description:
        unit["description"] = request.description[:_TEXT_MAX]
    body: dict[str, Any] = {"intent": verb, "purchase_units": [unit]}
    if request.method_token == WALLET:
        asked = {**page(return_url, cancel_url, brand), "user_action": "PAY_NOW"}
        body["payment_source"] = {"paypal": {"experience_context": asked}}
    return body


def paying(kind: str, token: str) -> dict[str, Any]:
    """The body that pays with a vaulted method, or with the payer who agreed when there is none."""
    return {"payment_source": {kind: {"vault_id": token}}} if token else {}


def part(amount_minor: int, currency: str) -> dict[str, Any]:
    """Capture so much and let go of the rest.

    Raises:
        CapabilityMissing: see `to_paypal`.
    """
    return {"amount": to_paypal(amount_minor, currency), "final_capture": True}


def refund(amount_minor: int, currency: str, operation_id: str) -> dict[str, Any]:
    """Give so much back, once: the operation is the invoice id, which PayPal takes only once.

    Raises:
        CapabilityMissing: see `to_paypal`.
    """
    return {
        "amount": to_paypal(amount_minor, currency),
        "custom_id": operation_id,
        "invoice_id": operation_id,
    }


def fence(verb: str) -> list[dict[str, str]]:
    """Turn an order's intent into the other one, so that a call for `verb` is refused."""
    other = AUTHORIZE if verb == CAPTURE else CAPTURE
    return [{"op": "replace", "path": "/intent", "value": other}]


def page(return_url: str, cancel_url: str, brand: str) -> dict[str, str]:
    """How PayPal's page greets the payer and where it sends them afterwards."""
    named = {
        "return_url": return_url,
        "cancel_url": cancel_url or return_url,
        "brand_name": brand,
    }
    return {
        "shipping_preference": "NO_SHIPPING",
        **{name: value for name, value in named.items() if value},
    }


def _fitting(text: str, what: str) -> str:
    if len(text) > _TEXT_MAX:
        raise CapabilityMissing(
            f"PayPal takes a {what} of at most {_TEXT_MAX} characters.",
            hint=f"Use a shorter {what}.",
        )
    return text

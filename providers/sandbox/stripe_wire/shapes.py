"""Payments, charges, methods and customers as Stripe's API shows them.

Every promised member is there, null when the world knows nothing; amounts as the API counts.
"""

from providers.sandbox.stripe_words import INTENT_STATUS, api_amount
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Charge, Customer, Intent, IntentStatus, Json, Method

NO_ADDRESS: Json = {
    "city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None,
}  # fmt: skip


def intent(core: Core, record: Intent, base_url: str) -> Json:
    """A PaymentIntent."""
    echo = record.echo
    types = echo.get("allowed_payment_method_types")
    return {
        "id": record.id,
        "object": "payment_intent",
        "allowed_payment_method_types": types,
        "amount": api_amount(record.amount_minor, record.currency),
        "amount_capturable": api_amount(record.capturable_minor, record.currency),
        "amount_details": {"tip": {}},
        "amount_received": api_amount(record.received_minor, record.currency),
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic_methods(record),
        "canceled_at": record.cancelled_at,
        "cancellation_reason": record.cancel_reason,
        "capture_method": echo.get("capture_method", "automatic_async"),
        "client_secret": record.secret,
        "confirmation_method": echo.get("confirmation_method", "automatic"),
        "created": record.created_at,
        "currency": record.currency.lower(),
        "customer": record.customer_id,
        "customer_account": None,
        "description": record.description,
        "excluded_payment_method_types": None,
        "last_payment_error": _last_error(core, record),
        "latest_charge": record.charge_id,
        "livemode": False,
        "metadata": record.metadata,
        "next_action": _next_action(record, base_url),
        "on_behalf_of": None,
        "payment_method": record.method_id,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": types or ["card", "us_bank_account", "sepa_debit"],
        "processing": None,
        "receipt_email": echo.get("receipt_email"),
        "review": None,
        "setup_future_usage": echo.get("setup_future_usage"),
        "shipping": echo.get("shipping"),
        "source": None,
        "statement_descriptor": echo.get("statement_descriptor"),
        "statement_descriptor_suffix": echo.get("statement_descriptor_suffix"),
        "status": INTENT_STATUS[record.status],
        "transfer_data": None,
        "transfer_group": echo.get("transfer_group"),
    }


def automatic_methods(record: Intent) -> Json | None:
    """What the intent accepts by itself: everything, unless types were named."""
    if record.echo.get("allowed_payment_method_types"):
        return None
    return {"allow_redirects": "always", "enabled": True} | dict(
        record.echo.get("automatic_payment_methods") or {}
    )


def charge(core: Core, record: Charge, base_url: str) -> Json:
    """A Charge; `amount_refunded` counts what was released uncaptured too, as Stripe's does."""
    given_back = record.refunded_minor + record.released_minor
    return {
        "id": record.id,
        "object": "charge",
        "amount": api_amount(record.amount_minor, record.currency),
        "amount_captured": api_amount(record.captured_minor, record.currency),
        "amount_refunded": api_amount(given_back, record.currency),
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": record.line_id,
        "billing_details": billing(record.method["billing"]),
        "calculated_statement_descriptor": record.echo.get("statement_descriptor") or "SANDBOX",
        "captured": record.captured,
        "created": record.created_at,
        "currency": record.currency.lower(),
        "customer": record.customer_id,
        "description": record.description,
        "disputed": record.disputed,
        "failure_balance_transaction": None,
        "failure_code": record.failure["code"] if record.failure else None,
        "failure_message": record.failure["message"] if record.failure else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": record.metadata,
        "on_behalf_of": None,
        "outcome": _outcome(record),
        "paid": record.status == "succeeded",
        "payment_intent": record.intent_id,
        "payment_method": record.method["id"],
        "payment_method_details": _method_details(record),
        "receipt_email": record.echo.get("receipt_email"),
        "receipt_number": None,
        "receipt_url": None,
        "refunded": record.status == "succeeded" and given_back >= record.amount_minor,
        "review": None,
        "shipping": record.echo.get("shipping"),
        "source": None,
        "source_transfer": None,
        "statement_descriptor": record.echo.get("statement_descriptor"),
        "statement_descriptor_suffix": record.echo.get("statement_descriptor_suffix"),
        "status": record.status,
        "transfer_data": None,
        "transfer_group": record.echo.get("transfer_group"),
    }


def method(core: Core, record: Method, base_url: str) -> Json:
    """A PaymentMethod: what may be told of it, never a number."""
    return {
        "id": record.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing(record.billing),
        "created": record.created_at,
        "customer": record.customer_id,
        "customer_account": None,
        "livemode": False,
        "metadata": record.metadata,
        "type": record.kind,
        record.kind: _method_hash(record.kind, record.details),
    }


def customer(core: Core, record: Customer, base_url: str) -> Json:
    """A Customer, or the stub that is left of a deleted one."""
    if record.deleted:
        stub = {"id": record.id, "object": "customer", "deleted": True}
        return {**stub, "created": record.created_at, "livemode": False}
    known = {
        name: record.details.get(name)
        for name in ("address", "description", "email", "name", "phone", "shipping")
    }
    return {
        "id": record.id,
        "object": "customer",
        **known,
        "balance": 0,
        "created": record.created_at,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_prefix": record.id[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": record.metadata,
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": record.details.get("tax_exempt", "none"),
        "test_clock": None,
    }


def billing(given: Json) -> Json:
    """Billing details with every member, null where nothing was given."""
    names = ("email", "name", "phone", "tax_id")
    address = {**NO_ADDRESS, **(given.get("address") or {})}
    return {"address": address, **{name: given.get(name) or None for name in names}}


def _method_hash(kind: str, details: Json) -> Json:
    if kind == "card":
        return {
            **details,
            "checks": _CHECKS,
            "display_brand": details["brand"],
            "fingerprint": f"sandbox{details['brand']}{details['last4']}",
            "generated_from": None,
            "networks": {"available": [details["brand"]], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        }
    return {**details, "fingerprint": f"sandbox{kind}{details['last4']}"}


_CHECKS: Json = {
    "address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass",
}  # fmt: skip


def _method_details(record: Charge) -> Json:
    kind, details = str(record.method["kind"]), dict(record.method["details"])
    if kind == "card":
        details |= {
            "amount_authorized": record.amount_minor,
            "checks": _CHECKS,
            "fingerprint": f"sandbox{details['brand']}{details['last4']}",
            "mandate": None,
            "network": details["brand"],
            "three_d_secure": None,
            "wallet": None,
        }
        details["amount_authorized"] = api_amount(record.amount_minor, record.currency)
    return {"type": kind, kind: details}


def _outcome(record: Charge) -> Json | None:
    if record.status == "pending":
        return None
    failed = record.failure
    return {
        "advice_code": "try_again_later" if failed else None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if failed else "approved_by_network",
        "reason": (failed["decline_code"] or None) if failed else None,
        "risk_level": "normal",
        "seller_message": failed["message"] if failed else "Payment complete.",
        "type": "issuer_declined" if failed else "authorized",
    }


def _next_action(record: Intent, base_url: str) -> Json | None:
    if record.status != IntentStatus.NEEDS_ACTION:
        return None
    url = f"{base_url}/sandbox/authorize/{record.id}"
    return {
        "type": "redirect_to_url",
        "redirect_to_url": {"return_url": record.echo.get("return_url"), "url": url},
    }


def _last_error(core: Core, record: Intent) -> Json | None:
    failure = record.failure
    if failure is None:
        return None
    error = {
        "type": "card_error",
        "code": failure["code"],
        "decline_code": failure["decline_code"] or None,
        "message": failure["message"],
        "charge": failure.get("charge_id"),
        "doc_url": f"https://stripe.com/docs/error-codes/{failure['code'].replace('_', '-')}",
    }
    snapshot = failure.get("method")
    if snapshot:
        found = core.store.get(Method, snapshot["id"])
        error["payment_method"] = method(core, found, "")
    return {name: value for name, value in error.items() if value is not None}

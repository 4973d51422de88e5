"""Orders, authorizations, captures and refunds as PayPal's API shows them.

A member the world knows nothing about is left out, never invented.
"""

from datetime import UTC, datetime

from providers.sandbox.paypal_wire.reading import shown
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import (
    Authorization,
    Charge,
    Intent,
    IntentStatus,
    Json,
    Method,
    Refund,
)

ORDER_STATUS = {
    IntentStatus.NEEDS_CONFIRMATION: "CREATED",
    IntentStatus.NEEDS_ACTION: "PAYER_ACTION_REQUIRED",
    IntentStatus.APPROVED: "APPROVED",
    IntentStatus.AUTHORIZED: "COMPLETED",
    IntentStatus.SUCCEEDED: "COMPLETED",
    IntentStatus.CANCELLED: "VOIDED",
}
AUTHORIZATION_STATUS = {
    "created": "CREATED",
    "partially_captured": "PARTIALLY_CAPTURED",
    "captured": "CAPTURED",
    "voided": "VOIDED",
    "expired": "VOIDED",
}
REFUND_STATUS = {
    "pending": "PENDING",
    "succeeded": "COMPLETED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}


def stamp(instant: int) -> str:
    """An instant as the API writes it."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def link(base_url: str, path: str, rel: str, method: str = "GET") -> Json:
    """One entry of `links`."""
    return {"href": f"{base_url}{path}", "rel": rel, "method": method}


def order(core: Core, record: Intent, base_url: str) -> Json:
    """An order with its payments."""
    unit: Json = {
        "reference_id": record.echo["reference_id"],
        "amount": shown(record.amount_minor, record.currency),
        "payee": _payee(core),
        **_words(record),
    }
    if record.description:
        unit["description"] = record.description
    payments = _payments(core, record, base_url)
    if payments:
        unit["payments"] = payments
    body: Json = {
        "id": record.id,
        "intent": record.echo["verb"],
        "status": ORDER_STATUS[IntentStatus(record.status)],
        "purchase_units": [unit],
        "create_time": stamp(record.created_at),
        "links": _order_links(record, base_url),
    }
    if record.method_id:
        body["payment_source"] = source(core.store.get(Method, record.method_id))
    return body


def source(method: Method) -> Json:
    """What may be told of the method that pays."""
    details = method.details
    if method.kind == "paypal":
        return {"paypal": {"email_address": details["email"], "account_id": details["payer_id"]}}
    return {"card": {"last_digits": details["last4"], "brand": details["brand"].upper()}}


def authorization(core: Core, record: Authorization, base_url: str) -> Json:
    """An authorization, with the order it belongs to."""
    intent = core.store.get(Intent, record.intent_id)
    path = f"/v2/payments/authorizations/{record.id}"
    return {
        "id": record.id,
        "status": AUTHORIZATION_STATUS[record.status],
        "amount": shown(record.amount_minor, record.currency),
        **_words(intent),
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        "expiration_time": stamp(record.expires_at),
        "create_time": stamp(record.created_at),
        "links": [
            link(base_url, path, "self"),
            link(base_url, f"{path}/capture", "capture", "POST"),
            link(base_url, f"{path}/void", "void", "POST"),
        ],
        "supplementary_data": {"related_ids": {"order_id": record.intent_id}},
        "payee": _payee(core),
    }


def capture(core: Core, record: Charge, base_url: str) -> Json:
    """A capture; the fee is known once its money moved."""
    intent = core.store.get(Intent, record.intent_id)
    related = {"order_id": record.intent_id}
    if held := record.echo.get("authorization_id"):
        related["authorization_id"] = held
    body: Json = {
        "id": record.id,
        "status": _capture_status(record),
        "amount": shown(record.amount_minor, record.currency),
        **_words(intent),
        "final_capture": bool(record.echo.get("final")),
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        "disbursement_mode": "INSTANT",
        "create_time": stamp(record.created_at),
        "links": [
            link(base_url, f"/v2/payments/captures/{record.id}", "self"),
            link(base_url, f"/v2/payments/captures/{record.id}/refund", "refund", "POST"),
            link(base_url, f"/v2/checkout/orders/{record.intent_id}", "up"),
        ],
        "supplementary_data": {"related_ids": related},
        "payee": _payee(core),
    }
    if record.echo.get("invoice_id"):
        body["invoice_id"] = record.echo["invoice_id"]
    if record.status == "pending":
        body["status_details"] = {"reason": "PENDING_REVIEW"}
    if record.line_id:
        line = core.line(record.line_id)
        body["seller_receivable_breakdown"] = {
            "gross_amount": shown(line.amount_minor, line.currency),
            "paypal_fee": shown(line.fee_minor, line.currency),
            "net_amount": shown(line.net_minor, line.currency),
        }
    return body


def refund(core: Core, record: Refund, base_url: str) -> Json:
    """A refund; `up` leads to its capture."""
    charge = core.store.get(Charge, record.charge_id)
    amount = shown(record.amount_minor, record.currency)
    body: Json = {
        "id": record.id,
        "status": REFUND_STATUS[record.status],
        "amount": amount,
        **{name: record.metadata[name] for name in _REFUND_WORDS if record.metadata.get(name)},
        "seller_payable_breakdown": {
            "gross_amount": amount,
            "paypal_fee": shown(0, record.currency),
            "net_amount": amount,
            "total_refunded_amount": shown(charge.refunded_minor, record.currency),
        },
        "create_time": stamp(record.created_at),
        "links": [
            link(base_url, f"/v2/payments/refunds/{record.id}", "self"),
            link(base_url, f"/v2/payments/captures/{record.charge_id}", "up"),
        ],
    }
    return body


_REFUND_WORDS = ("custom_id", "invoice_id", "note_to_payer")


def _words(record: Intent) -> Json:
    words: Json = {
        "custom_id": record.metadata.get("payment_id"),
        "invoice_id": record.echo.get("invoice_id"),
    }
    return {name: value for name, value in words.items() if value}


def _payee(core: Core) -> Json:
    return {"email_address": "shop@merchant.example.com", "merchant_id": core.account}


def _payments(core: Core, record: Intent, base_url: str) -> Json:
    """Authorizations, captures and refunds, oldest first, without what the order says itself."""
    held = [a for _, a in core.store.newest(Authorization, parent=record.id)][::-1]
    taken = [c for _, c in core.store.newest(Charge, parent=record.id)][::-1]
    back = [r for c in taken for _, r in list(core.store.newest(Refund, parent=c.id))[::-1]]
    lists = {
        "authorizations": [authorization(core, a, base_url) for a in held],
        "captures": [capture(core, c, base_url) for c in taken],
        "refunds": [refund(core, r, base_url) for r in back],
    }
    for items in lists.values():
        for item in items:
            item.pop("payee", None)
            item.pop("supplementary_data", None)
    return {name: items for name, items in lists.items() if items}


def _capture_status(record: Charge) -> str:
    if record.status != "succeeded":
        return {"pending": "PENDING", "failed": "DECLINED"}[record.status]
    if not record.refunded_minor:
        return "COMPLETED"
    whole = record.refunded_minor >= record.captured_minor
    return "REFUNDED" if whole else "PARTIALLY_REFUNDED"


def _order_links(record: Intent, base_url: str) -> list[Json]:
    path = f"/v2/checkout/orders/{record.id}"
    links = [link(base_url, path, "self")]
    if record.status in (IntentStatus.NEEDS_CONFIRMATION, IntentStatus.NEEDS_ACTION):
        rel = "payer-action" if record.status == IntentStatus.NEEDS_ACTION else "approve"
        links.append(link(base_url, f"/sandbox/approve/{record.id}", rel))
    if record.status == IntentStatus.APPROVED:
        verb = "capture" if record.echo["verb"] == "CAPTURE" else "authorize"
        links.append(link(base_url, f"{path}/{verb}", verb, "POST"))
    return links

"""Routes of disputes, and the shapes of events: what happened, with its object as it was then."""

from collections.abc import Callable
from typing import Any

from providers.sandbox.paypal_wire import shapes, vault_routes
from providers.sandbox.paypal_wire.calls import Call, Endpoint, Reply, endpoint
from providers.sandbox.paypal_wire.reading import number, shown
from providers.sandbox.paypal_wire.shapes import link, stamp
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Charge, Dispute, Happening, Intent, Json
from providers.sandbox.truth.store import revive

DISPUTES, EVENTS = "/v1/customer/disputes", "/v1/notifications/webhooks-events"

REASONS = {
    "fraudulent": "UNAUTHORISED",
    "product_not_received": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
}
OUTCOMES = {"won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"}

EVENT_TYPES: dict[str, tuple[str, str]] = {
    "order.approved": ("CHECKOUT.ORDER.APPROVED", "checkout-order"),
    "order.completed": ("CHECKOUT.ORDER.COMPLETED", "checkout-order"),
    "order.approval_lapsed": ("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "checkout-order"),
    "authorization.created": ("PAYMENT.AUTHORIZATION.CREATED", "authorization"),
    "authorization.voided": ("PAYMENT.AUTHORIZATION.VOIDED", "authorization"),
    "capture.completed": ("PAYMENT.CAPTURE.COMPLETED", "capture"),
    "capture.pending": ("PAYMENT.CAPTURE.PENDING", "capture"),
    "capture.denied": ("PAYMENT.CAPTURE.DECLINED", "capture"),
    "refund.created": ("PAYMENT.CAPTURE.REFUNDED", "refund"),
    "dispute.opened": ("CUSTOMER.DISPUTE.CREATED", "dispute"),
    "dispute.closed": ("CUSTOMER.DISPUTE.RESOLVED", "dispute"),
    "method.attached": ("VAULT.PAYMENT-TOKEN.CREATED", "payment_token"),
    "method.detached": ("VAULT.PAYMENT-TOKEN.DELETED", "payment_token"),
}
"""Fact -> (event type, resource type); facts not named have no event at PayPal."""


def list_disputes(call: Call) -> Reply:
    """Disputes, of one transaction if named, newest first."""
    about = call.query.get("disputed_transaction_id")
    found = [d for _, d in call.core.store.newest(Dispute) if about in (None, d.charge_id)]
    size = number(call.query, "page_size", 10, 300)
    items = [_summary(call.core, d, call.base_url) for d in found[:size]]
    body: Json = {"links": [link(call.base_url, DISPUTES, "self")]}
    return Reply(200, {"items": items, **body} if items else body)


def read_dispute(call: Call) -> Reply:
    """A dispute with what it moved."""
    return Reply(200, dispute(call.core, call.core.store.get(Dispute, call.id), call.base_url))


def dispute(core: Core, record: Dispute, base_url: str) -> Json:
    """A dispute as the API shows it."""
    charge = core.store.get(Charge, record.charge_id)
    order = core.store.get(Intent, record.intent_id)
    about: Json = {
        "seller_transaction_id": charge.id,
        "create_time": stamp(charge.created_at),
        "transaction_status": "COMPLETED",
        "gross_amount": shown(charge.captured_minor, charge.currency),
        "seller": {"merchant_id": core.account},
    }
    if order.metadata.get("payment_id"):
        about["custom"] = order.metadata["payment_id"]
    body = {
        **_summary(core, record, base_url),
        "disputed_transactions": [about],
        "money_movements": _movements(core, record),
    }
    if record.status in OUTCOMES:
        body["dispute_outcome"] = {"outcome_code": OUTCOMES[record.status]}
    return body


def event(core: Core, found: Happening, base_url: str) -> Json:
    """A webhook event, its resource as it was then."""
    event_type, resource_type = EVENT_TYPES[found.fact]
    path = f"{EVENTS}/{found.id}"
    return {
        "id": found.id,
        "create_time": stamp(found.at),
        "resource_type": resource_type,
        "event_version": "1.0",
        "event_type": event_type,
        "summary": f"{event_type} {found.object_id}",
        "resource_version": "2.0",
        "resource": _RESOURCES[found.kind](core, revive(found.kind, found.body), base_url),
        "links": [
            link(base_url, path, "self"),
            link(base_url, f"{path}/resend", "resend", "POST"),
        ],
    }


ENDPOINTS: list[Endpoint] = [
    endpoint("GET", DISPUTES, list_disputes),
    endpoint("GET", f"{DISPUTES}/{{}}", read_dispute),
]


def _summary(core: Core, record: Dispute, base_url: str) -> Json:
    closed = record.status in OUTCOMES
    return {
        "dispute_id": record.id,
        "create_time": stamp(record.created_at),
        "update_time": stamp(_changed_at(core, record)),
        "reason": REASONS.get(record.reason, "OTHER"),
        "status": "RESOLVED" if closed else "WAITING_FOR_SELLER_RESPONSE",
        "dispute_amount": shown(record.amount_minor, record.currency),
        "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_channel": "INTERNAL",
        "links": [link(base_url, f"{DISPUTES}/{record.id}", "self")],
    }


def _changed_at(core: Core, record: Dispute) -> int:
    last = core.happenings("object_id = ?", record.id)
    return last[-1].at if last else record.created_at


def _movements(core: Core, record: Dispute) -> list[Json]:
    found = []
    for line_id in record.line_ids:
        line = core.line(line_id)
        given = line.amount_minor > 0
        found.append(_movement(abs(line.amount_minor), line.currency, line.created_at, given))
        if line.fee_minor:
            fee = _movement(line.fee_minor, line.currency, line.created_at, False)
            found.append({**fee, "reason": "CHARGEBACK_FEE"})
    return found


def _movement(minor: int, currency: str, at: int, given: bool) -> Json:
    return {
        "affected_party": "SELLER",
        "amount": shown(minor, currency),
        "initiated_time": stamp(at),
        "type": "CREDIT" if given else "DEBIT",
        "reason": "DISPUTE_SETTLEMENT",
    }


_RESOURCES: dict[str, Callable[[Core, Any, str], Json]] = {
    "intent": shapes.order,
    "authorization": shapes.authorization,
    "charge": shapes.capture,
    "refund": shapes.refund,
    "dispute": dispute,
    "method": lambda core, method, base_url: vault_routes.token(method, base_url),
}
"""Record kind -> the shape of an event's resource."""

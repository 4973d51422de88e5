"""Routes of Payments v2: authorizations, captures and refunds."""

from providers.sandbox.paypal_wire import shapes
from providers.sandbox.paypal_wire.calls import (
    PAYMENT_KEY_SECONDS,
    Call,
    Endpoint,
    Reply,
    endpoint,
    minimal,
)
from providers.sandbox.paypal_wire.errors import WireError
from providers.sandbox.paypal_wire.reading import money, text
from providers.sandbox.truth import authorizations, orders, refunds
from providers.sandbox.truth.records import Authorization, Charge, Json, Refund

AUTHORIZATIONS = "/v2/payments/authorizations"
CAPTURES = "/v2/payments/captures"


def read_authorization(call: Call) -> Reply:
    """An authorization."""
    return Reply(200, _authorization(call, call.id, whole=True))


def capture(call: Call) -> Reply:
    """Take part of what is held, all of it without an amount."""
    held = call.core.store.get(Authorization, call.id)
    amount = _amount(call, held.currency, "AUTH_CAPTURE_CURRENCY_MISMATCH")
    invoice = text(call.body, "invoice_id", 127)
    order, taken = authorizations.capture(
        call.core, held.id, amount, final=bool(call.body.get("final_capture", False))
    )
    if invoice and invoice != orders.invoice_of(order):
        orders.claim_invoice(call.core, invoice, taken.id)
    taken.echo["invoice_id"] = invoice or orders.invoice_of(order) or None
    authorizations.book_capture(call.core, order, taken)
    return Reply(201, capture_again(call, taken.id), taken.id)


def reauthorize(call: Call) -> Reply:
    """Hold the money again."""
    held = call.core.store.get(Authorization, call.id)
    amount = _amount(call, held.currency, "AUTH_CURRENCY_MISMATCH")
    again = authorizations.renew(call.core, held.id, amount)
    return Reply(201, authorization_again(call, again.id), again.id)


def void(call: Call) -> Reply:
    """Let go of what is held."""
    authorizations.void(call.core, call.id)
    body = void_again(call, call.id)
    return Reply(200 if body else 204, body, call.id)


def read_capture(call: Call) -> Reply:
    """A capture."""
    charge = call.core.store.get(Charge, call.id)
    return Reply(200, shapes.capture(call.core, charge, call.base_url))


def refund(call: Call) -> Reply:
    """Give a capture back, in whole without an amount."""
    charge = call.core.store.get(Charge, call.id)
    amount = _amount(call, charge.currency, "REFUND_CAPTURE_CURRENCY_MISMATCH")
    words = {name: text(call.body, name, 127) for name in ("custom_id", "invoice_id")}
    words["note_to_payer"] = text(call.body, "note_to_payer", 255)
    metadata = {name: value for name, value in words.items() if value}
    if words["custom_id"]:
        metadata["operation_id"] = words["custom_id"]
    made = refunds.create(call.core, charge.id, amount, metadata=metadata)
    orders.claim_invoice(call.core, words["invoice_id"] or "", made.id)
    return Reply(201, refund_again(call, made.id), made.id)


def read_refund(call: Call) -> Reply:
    """A refund."""
    found = call.core.store.get(Refund, call.id)
    return Reply(200, shapes.refund(call.core, found, call.base_url))


def capture_again(call: Call, capture_id: str) -> Json:
    """The capture a repeated request is answered with."""
    charge = call.core.store.get(Charge, capture_id)
    return minimal(call, shapes.capture(call.core, charge, call.base_url))


def authorization_again(call: Call, authorization_id: str) -> Json:
    """The authorization a repeated request is answered with."""
    return _authorization(call, authorization_id, whole=call.whole)


def void_again(call: Call, authorization_id: str) -> Json | None:
    """The voided authorization, nothing for those who did not ask for it."""
    return _authorization(call, authorization_id, whole=True) if call.whole else None


def refund_again(call: Call, refund_id: str) -> Json:
    """The refund a repeated request is answered with."""
    found = call.core.store.get(Refund, refund_id)
    return minimal(call, shapes.refund(call.core, found, call.base_url))


_HELD, _TAKEN = f"{AUTHORIZATIONS}/{{}}", f"{CAPTURES}/{{}}"
ENDPOINTS: list[Endpoint] = [
    endpoint("GET", _HELD, read_authorization),
    endpoint("POST", f"{_HELD}/capture", capture, PAYMENT_KEY_SECONDS, capture_again),
    endpoint("POST", f"{_HELD}/reauthorize", reauthorize, PAYMENT_KEY_SECONDS, authorization_again),
    endpoint("POST", f"{_HELD}/void", void, PAYMENT_KEY_SECONDS, void_again),
    endpoint("GET", _TAKEN, read_capture),
    endpoint("POST", f"{_TAKEN}/refund", refund, PAYMENT_KEY_SECONDS, refund_again),
    endpoint("GET", "/v2/payments/refunds/{}", read_refund),
]


def _authorization(call: Call, authorization_id: str, *, whole: bool) -> Json:
    held = call.core.store.get(Authorization, authorization_id)
    body = shapes.authorization(call.core, held, call.base_url)
    return body if whole else minimal(call, body)


def _amount(call: Call, currency: str, mismatch: str) -> int | None:
    given = call.body.get("amount")
    if given is None:
        return None
    minor, named = money(given, "/amount")
    if named != currency:
        raise WireError(422, mismatch, "/amount/currency_code")
    return minor

"""Routes of Orders v2: create, read, change, name the source, authorise, capture."""

import re
from typing import Any

from domain.errors import PaymentsError
from providers.sandbox.paypal_wire import shapes
from providers.sandbox.paypal_wire.calls import (
    ORDER_KEY_SECONDS,
    Call,
    Endpoint,
    Reply,
    endpoint,
    minimal,
)
from providers.sandbox.paypal_wire.errors import WireError, translate
from providers.sandbox.paypal_wire.reading import member, money, text
from providers.sandbox.truth import orders, vault
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Intent, Json, Method
from providers.sandbox.truth.refusals import Missing, Refusal

ORDERS = "/v2/checkout/orders"
LASTING = ("declined", "action_required")
"""Refusals that leave their mark on the order."""


def create(call: Call) -> Reply:
    """A new order; with a vaulted source it is paid in the same step."""
    order = orders.create(call.core, _wish(call))
    paying = _vaulted(call.core, call.body.get("payment_source"))
    if paying is not None:
        path = f"{ORDERS}/{order.id}/{_verb(order)}"
        try:
            _pay(call.core, order, paying)
        except Refusal as error:
            raise translate(error, path) from None
    return _shown(call, order.id, 201)


def read(call: Call) -> Reply:
    """An order as it is now, always whole."""
    order = call.core.store.get(Intent, call.id)
    return Reply(200, shapes.order(call.core, order, call.base_url))


_UNIT = re.compile(r"/purchase_units/@reference_id=='([^']+)'/(\w+)")


def patch(call: Call) -> Reply:
    """Change intent, custom id, invoice id, description or amount of an unpaid order."""
    order = call.core.store.get(Intent, call.id)
    for operation in call.patches:
        _patch(call.core, order, operation)
    return Reply(204, None)


def confirm_source(call: Call) -> Reply:
    """Name what pays: a vaulted source approves the order, a wallet asks its owner."""
    given = member(call.body, "payment_source")
    orders.name_method(call.core, call.id, _vaulted(call.core, given))
    return _shown(call, call.id, 200)


def capture(call: Call) -> Reply:
    """Take the order's money."""
    return _moved(call, "capture")


def authorize(call: Call) -> Reply:
    """Hold the order's money."""
    return _moved(call, "authorize")


def again(call: Call, order_id: str) -> Json:
    """The order a repeated request is answered with."""
    order = call.core.store.get(Intent, order_id)
    return minimal(call, shapes.order(call.core, order, call.base_url))


ENDPOINTS: list[Endpoint] = [
    endpoint("POST", ORDERS, create, ORDER_KEY_SECONDS, again),
    endpoint("GET", f"{ORDERS}/{{}}", read),
    endpoint("PATCH", f"{ORDERS}/{{}}", patch),
    endpoint("POST", f"{ORDERS}/{{}}/confirm-payment-source", confirm_source),
    endpoint("POST", f"{ORDERS}/{{}}/capture", capture, ORDER_KEY_SECONDS, again),
    endpoint("POST", f"{ORDERS}/{{}}/authorize", authorize, ORDER_KEY_SECONDS, again),
]


def _wish(call: Call) -> Intent:
    """The order asked for, checked."""
    verb = member(call.body, "intent")
    if verb not in (orders.CAPTURE, orders.AUTHORIZE):
        raise WireError(400, "INVALID_PARAMETER_VALUE", "/intent")
    units = member(call.body, "purchase_units")
    if not isinstance(units, list) or len(units) != 1:
        raise WireError(400, "INVALID_ARRAY_MAX_ITEMS", "/purchase_units")
    at, unit = "/purchase_units/@reference_id=='default'", units[0]
    minor, currency = money(member(unit, "amount", at), f"{at}/amount")
    source = call.body.get("payment_source")
    if source and not call.request_id:
        raise WireError(400, "PAYPAL_REQUEST_ID_REQUIRED")
    custom = text(unit, "custom_id", 127, at)
    return Intent(
        "", 0, minor, currency, verb == orders.AUTHORIZE,
        description=text(unit, "description", 127, at),
        metadata={"payment_id": custom} if custom else {},
        echo={
            "verb": verb,
            "reference_id": text(unit, "reference_id", 256, at) or "default",
            "invoice_id": text(unit, "invoice_id", 127, at),
            "needs_payer": bool(source),
        },
    )  # fmt: skip


def _vaulted(core: Core, source: Any) -> Method | None:
    """The vaulted method a source names; None for one that asks the payer.

    Raises:
        WireError: an unknown or mismatched token, or a source this world does not have.
    """
    if not source:
        return None
    kind, words = next(iter(source.items()))
    if kind not in ("paypal", "card") or len(source) != 1 or not isinstance(words, dict):
        raise WireError(422, "PAYMENT_SOURCE_CANNOT_BE_USED", "/payment_source")
    token = words.get("vault_id")
    if token is None and kind == "paypal":
        return None
    if token is None:
        raise WireError(422, "PAYMENT_SOURCE_CANNOT_BE_USED", "/payment_source/card")
    try:
        method = vault.find(core, str(token))
    except Missing:
        raise WireError(422, "TOKEN_ID_NOT_FOUND", f"/payment_source/{kind}/vault_id") from None
    if method.kind != kind:
        raise WireError(422, "MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE", "/payment_source")
    return method


def _moved(call: Call, verb: str) -> Reply:
    """Capture or authorise; a bank's no is an answer that leaves its mark."""
    method = _vaulted(call.core, call.body.get("payment_source"))
    try:
        if verb == "capture":
            orders.take(call.core, call.id, method)
        else:
            orders.hold(call.core, call.id, method)
    except Refusal as error:
        answer = translate(error, f"{ORDERS}/{call.id}/{verb}")
        if error.reason in LASTING:
            return Reply(answer.status, answer.body(call.core.random("debug", 13)))
        raise answer from None
    return _shown(call, call.id, 201)


def _pay(core: Core, order: Intent, method: Method) -> None:
    if order.manual_capture:
        orders.hold(core, order.id, method)
    else:
        orders.take(core, order.id, method)


def _verb(order: Intent) -> str:
    return "authorize" if order.manual_capture else "capture"


def _shown(call: Call, order_id: str, status: int) -> Reply:
    return Reply(status, again(call, order_id), order_id)


def _patch(core: Core, order: Intent, operation: Json) -> None:
    op, path = member(operation, "op"), str(member(operation, "path"))
    if op not in ("add", "replace"):
        raise WireError(400, "INVALID_PATCH_OPERATION", path)
    value = operation.get("value")
    if path == "/intent":
        if value not in (orders.CAPTURE, orders.AUTHORIZE):
            raise WireError(422, "UNSUPPORTED_INTENT", path)
        manual = {"manual_capture": value == orders.AUTHORIZE}
        _changed(core, order, {"verb": value}, manual)
        return
    match = _UNIT.fullmatch(path)
    if match is None or match[2] not in ("custom_id", "invoice_id", "description", "amount"):
        raise WireError(400, "FIELD_NOT_PATCHABLE", path)
    if match[1] != order.echo["reference_id"]:
        raise WireError(422, "REFERENCE_ID_NOT_FOUND", path)
    if match[2] == "amount":
        minor, currency = money(value, path)
        _changed(core, order, {}, {"amount_minor": minor, "currency": currency})
    elif match[2] == "invoice_id":
        _changed(core, order, {"invoice_id": str(value)}, {})
    elif match[2] == "custom_id":
        _changed(core, order, {}, {"metadata": {**order.metadata, "payment_id": str(value)}})
    else:
        _changed(core, order, {}, {"description": str(value)})


def _changed(core: Core, order: Intent, echo: Json, fields: Json) -> None:
    try:
        orders.change(core, order.id, echo, fields)
    except PaymentsError as error:
        raise translate(error, ORDERS) from None

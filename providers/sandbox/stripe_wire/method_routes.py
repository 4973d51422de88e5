"""Routes of PaymentMethods and Customers.

Numbers are compared with the published test numbers and dropped; no other number gets in.
"""

from typing import Any

from providers.sandbox.stripe_wire import pages
from providers.sandbox.stripe_wire.calls import Call, Endpoint, endpoint
from providers.sandbox.stripe_wire.errors import invalid
from providers.sandbox.stripe_wire.params import (
    EXPAND,
    PAGE,
    Check,
    filled,
    hash_of,
    metadata,
    one_of,
    span,
    text,
)  # fmt: skip
from providers.sandbox.stripe_wire.render import shape
from providers.sandbox.truth import methods
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Customer, Json, Method
from providers.sandbox.truth.templates import template

KINDS = one_of("card", "us_bank_account", "sepa_debit")
METHOD: dict[str, Check] = {
    **EXPAND, "type": KINDS, "card": hash_of, "us_bank_account": hash_of, "sepa_debit": hash_of,
    "billing_details": hash_of, "metadata": metadata, "customer": filled,
    "allow_redisplay": one_of("always", "limited", "unspecified"),
}  # fmt: skip
CUSTOMER: dict[str, Check] = {
    **EXPAND, "name": text, "email": text, "phone": text, "description": text, "address": hash_of,
    "shipping": hash_of, "metadata": metadata, "tax_exempt": one_of("exempt", "none", "reverse"),
    "payment_method": filled,
}  # fmt: skip

_NUMBER_FIELD = {"card": "number", "us_bank_account": "account_number", "sepa_debit": "iban"}


def inline_method(core: Core, given: dict[str, Any]) -> str | None:
    """The method a request names, or the one its `payment_method_data` describes; None for none.

    Raises:
        WireError: 400 when both are given or the data is incomplete.
        Refusal: not a test number.
    """
    data = given.get("payment_method_data")
    if data is None:
        name = given.get("payment_method")
        return str(name) if name else None
    if "payment_method" in given:
        raise invalid(
            "payment_method_data", "Give a method or its data, not both.", "parameters_exclusive"
        )
    for name in data:
        if name not in METHOD:
            raise invalid(f"payment_method_data[{name[:40]}]", "Received unknown parameter.")
    return build(core, data).id


def build(core: Core, given: dict[str, Any]) -> Method:
    """A new method from its type and its token or test number.

    Raises:
        WireError: 400 when type, token or number are missing or unknown.
        Refusal: not a test number.
    """
    kind = KINDS("type", given.get("type"))
    data = given.get(kind) or {}
    field = _NUMBER_FIELD[kind]
    if kind == "card" and isinstance(data.get("token"), str):
        name = data["token"]
    elif isinstance(data.get(field), str):
        name = methods.method_of_number(data[field])
    else:
        raise invalid(
            f"{kind}[{field}]", f"Missing required param: {kind}[{field}].", "parameter_missing"
        )
    found = template(name)
    if found is None or found.kind != kind:
        raise invalid(
            f"{kind}[{field}]", f"No such test method of type {kind}.", "resource_missing"
        )
    billing = given.get("billing_details") or {}
    return methods.make_method(core, name, billing, given.get("metadata", {}))


def create_method(call: Call) -> Json:
    """A new PaymentMethod."""
    return shape(call.core, build(call.core, call.params), call.base_url)


def retrieve_method(call: Call) -> Json:
    """One PaymentMethod; a public test id gives a new one like it."""
    return shape(call.core, methods.method(call.core, call.id), call.base_url)


def list_methods(call: Call) -> Json:
    """A customer's PaymentMethods, newest first."""
    kind = call.params.get("type")
    owner = call.ids[0] if call.ids else call.params.get("customer")
    if owner:
        methods.customer(call.core, owner)
    return pages.page_of(
        call, Method, lambda m: m.customer_id is not None and kind in (None, m.kind), owner
    )


def attach(call: Call) -> Json:
    """Keep a PaymentMethod with a customer."""
    found = methods.attach(call.core, call.id, call.params["customer"])
    return shape(call.core, found, call.base_url)


def detach(call: Call) -> Json:
    """Take a PaymentMethod from its customer for good."""
    return shape(call.core, methods.detach(call.core, call.id), call.base_url)


def create_customer(call: Call) -> Json:
    """A new Customer."""
    given = dict(call.params)
    words = given.pop("metadata", {})
    method = given.pop("payment_method", None)
    given.pop("expand", None)
    made = methods.create_customer(call.core, given, words)
    if method:
        methods.attach(call.core, method, made.id)
    return shape(call.core, made, call.base_url)


def update_customer(call: Call) -> Json:
    """Change what is known of a Customer."""
    given = {name: value for name, value in call.params.items() if name != "expand"}
    words = given.pop("metadata", {})
    found = methods.change_customer(call.core, call.id, given, words)
    return shape(call.core, found, call.base_url)


def retrieve_customer(call: Call) -> Json:
    """One Customer; a deleted one leaves a stub."""
    return shape(call.core, call.core.store.get(Customer, call.id), call.base_url)


def delete_customer(call: Call) -> Json:
    """Forget a Customer."""
    return shape(call.core, methods.delete_customer(call.core, call.id), call.base_url)


def list_customers(call: Call) -> Json:
    """Customers, newest first."""
    email = call.params.get("email")
    return pages.page_of(
        call, Customer, lambda c: not c.deleted and email in (None, c.details.get("email"))
    )


METHODS, CUSTOMERS = "/v1/payment_methods", "/v1/customers"
METHOD_PAGE: dict[str, Check] = {**PAGE, "customer": filled, "type": KINDS}
UPDATE_CUSTOMER = {name: check for name, check in CUSTOMER.items() if name != "payment_method"}
ENDPOINTS: list[Endpoint] = [
    endpoint("POST", METHODS, create_method, METHOD, ("type",)),
    endpoint("GET", METHODS, list_methods, METHOD_PAGE),
    endpoint("GET", f"{METHODS}/{{}}", retrieve_method, EXPAND),
    endpoint(
        "POST", f"{METHODS}/{{}}/attach", attach, {**EXPAND, "customer": filled}, ("customer",)
    ),
    endpoint("POST", f"{METHODS}/{{}}/detach", detach, EXPAND),
    endpoint("POST", CUSTOMERS, create_customer, CUSTOMER),
    endpoint("GET", CUSTOMERS, list_customers, {**PAGE, "created": span, "email": filled}),
    endpoint("GET", f"{CUSTOMERS}/{{}}", retrieve_customer, EXPAND),
    endpoint("POST", f"{CUSTOMERS}/{{}}", update_customer, UPDATE_CUSTOMER),
    endpoint("DELETE", f"{CUSTOMERS}/{{}}", delete_customer, {}),
    endpoint("GET", f"{CUSTOMERS}/{{}}/payment_methods", list_methods, {**PAGE, "type": KINDS}),
]

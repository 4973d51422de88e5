"""Routes of Vault v3: setup tokens and the payment tokens made of them."""

from providers.sandbox.paypal_wire.calls import (
    VAULT_KEY_SECONDS,
    Call,
    Endpoint,
    Reply,
    endpoint,
)
from providers.sandbox.paypal_wire.errors import WireError
from providers.sandbox.paypal_wire.reading import member, number
from providers.sandbox.paypal_wire.shapes import link
from providers.sandbox.truth import methods, vault
from providers.sandbox.truth.records import Json, Method, Setup

SETUPS, TOKENS = "/v3/vault/setup-tokens", "/v3/vault/payment-tokens"


def create_setup(call: Call) -> Reply:
    """Begin to keep a wallet, or a card of which only a published test number is taken."""
    source = member(call.body, "payment_source")
    kind, words = next(iter(source.items()))
    if kind == "card":
        name = methods.method_of_number(str(member(words, "number", "/payment_source/card")))
    elif kind == "paypal":
        name = vault.DEFAULT
    else:
        raise WireError(422, "PAYMENT_SOURCE_CANNOT_BE_USED", "/payment_source")
    setup = vault.prepare(call.core, name, _customer(call.body))
    return Reply(201, setup_again(call, setup.id), setup.id)


def read_setup(call: Call) -> Reply:
    """A setup token."""
    return Reply(200, setup_again(call, call.id))


def create_token(call: Call) -> Reply:
    """The payment token of an approved setup token."""
    given = member(member(call.body, "payment_source"), "token", "/payment_source")
    if given.get("type") != "SETUP_TOKEN":
        raise WireError(400, "INVALID_PARAMETER_VALUE", "/payment_source/token/type")
    method = vault.keep(call.core, str(member(given, "id")), _customer(call.body))
    return Reply(201, token_again(call, method.id), method.id)


def read_token(call: Call) -> Reply:
    """A payment token."""
    return Reply(200, token(vault.find(call.core, call.id), call.base_url))


def list_tokens(call: Call) -> Reply:
    """Payment tokens of one customer, page by page."""
    customer = call.query.get("customer_id", "")
    if len(customer) < 7:
        raise WireError(400, "INVALID_STRING_LENGTH", "customer_id")
    kept = [m for _, m in call.core.store.newest(Method, parent=customer) if not m.detached]
    size, page = number(call.query, "page_size", 5, 20), number(call.query, "page", 1, 10)
    shown = kept[(page - 1) * size : page * size]
    return Reply(
        200,
        {
            "customer": {"id": customer},
            "payment_tokens": [token(m, call.base_url) for m in shown],
            "total_items": len(kept),
            "total_pages": -(-len(kept) // size),
            "links": [link(call.base_url, f"{TOKENS}?customer_id={customer}", "self")],
        },
    )


def delete_token(call: Call) -> Reply:
    """Make a payment token useless."""
    vault.remove(call.core, call.id)
    return Reply(204, None)


def setup_again(call: Call, setup_id: str) -> Json:
    """A setup token as it is now."""
    setup = call.core.store.get(Setup, setup_id)
    found = vault.named(setup.template)
    body: Json = {
        "id": setup.id,
        "status": {"needs_action": "PAYER_ACTION_REQUIRED", "used": "VAULTED"}.get(
            setup.status, "APPROVED"
        ),
        "payment_source": {"paypal": {}},
        "links": [link(call.base_url, f"{SETUPS}/{setup.id}", "self")],
    }
    if setup.customer_id:
        body["customer"] = {"id": setup.customer_id}
    if found and found.kind == "card":
        body["payment_source"] = {"card": _card(found.details)}
    if setup.status == "needs_action":
        body["links"].append(link(call.base_url, f"/sandbox/approve/{setup.id}", "approve"))
    return body


def token_again(call: Call, token_id: str) -> Json:
    """A payment token as it is now."""
    return token(call.core.store.get(Method, token_id), call.base_url)


ENDPOINTS: list[Endpoint] = [
    endpoint("POST", SETUPS, create_setup, VAULT_KEY_SECONDS, setup_again),
    endpoint("GET", f"{SETUPS}/{{}}", read_setup),
    endpoint("POST", TOKENS, create_token, VAULT_KEY_SECONDS, token_again),
    endpoint("GET", TOKENS, list_tokens),
    endpoint("GET", f"{TOKENS}/{{}}", read_token),
    endpoint("DELETE", f"{TOKENS}/{{}}", delete_token),
]


def _customer(body: Json) -> str | None:
    given = str((body.get("customer") or {}).get("id") or "")
    if len(given) > 22:
        raise WireError(400, "INVALID_STRING_LENGTH", "/customer/id")
    return given or None


def token(method: Method, base_url: str) -> Json:
    """A payment token as the API shows it."""
    if method.kind == "paypal":
        source: Json = {
            "paypal": {
                "email_address": method.details["email"],
                "payer_id": method.details["payer_id"],
            }
        }
    else:
        source = {"card": _card(method.details)}
    body: Json = {
        "id": method.id,
        "payment_source": source,
        "links": [link(base_url, f"{TOKENS}/{method.id}", "self")],
    }
    if method.customer_id:
        body["customer"] = {"id": method.customer_id}
    return body


def _card(details: Json) -> Json:
    return {
        "brand": str(details["brand"]).upper(),
        "last_digits": details["last4"],
        "expiry": f"{details['exp_year']:04d}-{details['exp_month']:02d}",
    }

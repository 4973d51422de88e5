"""Routes of PaymentIntents: create, read, update, list, search, confirm, capture, cancel."""

from typing import Any

from providers.sandbox import stripe_words
from providers.sandbox.stripe_wire import pages, searching
from providers.sandbox.stripe_wire.calls import Call, Endpoint, Reply, endpoint
from providers.sandbox.stripe_wire.errors import WireError, invalid
from providers.sandbox.stripe_wire.method_routes import inline_method
from providers.sandbox.stripe_wire.params import (
    EXPAND,
    PAGE,
    Check,
    currency,
    filled,
    flag,
    flag_or_text,
    hash_of,
    metadata,
    one_of,
    positive,
    span,
    text,
    texts,
)  # fmt: skip
from providers.sandbox.stripe_wire.render import shape
from providers.sandbox.stripe_wire.shapes import automatic_methods
from providers.sandbox.truth import intents
from providers.sandbox.truth.records import Intent, Json

CAPTURE_METHOD = one_of("automatic", "automatic_async", "manual")

WORDS: dict[str, Check] = {
    "automatic_payment_methods": hash_of,
    "allowed_payment_method_types": texts,
    "capture_method": CAPTURE_METHOD,
    "mandate_data": hash_of,
    "payment_method_options": hash_of,
    "receipt_email": text,
    "return_url": text,
    "setup_future_usage": one_of("off_session", "on_session"),
    "shipping": hash_of,
    "statement_descriptor": text,
    "statement_descriptor_suffix": text,
    "transfer_group": text,
    "use_stripe_sdk": flag,
}
"""Parameters the world keeps without understanding them."""

CONFIRMING: dict[str, Check] = {
    "error_on_requires_action": flag,
    "off_session": flag_or_text,
    "payment_method": filled,
    "payment_method_data": hash_of,
}
CREATE: dict[str, Check] = {
    **EXPAND, **WORDS, **CONFIRMING, "amount": positive, "currency": currency, "confirm": flag,
    "confirmation_method": one_of("automatic", "manual"), "customer": filled,
    "description": text, "metadata": metadata,
}  # fmt: skip
UPDATE: dict[str, Check] = {
    **EXPAND, **WORDS, "amount": positive, "currency": currency, "customer": filled,
    "description": text, "metadata": metadata, "payment_method": filled,
    "payment_method_data": hash_of,
}  # fmt: skip
CONFIRM: dict[str, Check] = {**EXPAND, **WORDS, **CONFIRMING}
CAPTURE: dict[str, Check] = {
    **EXPAND, "amount_to_capture": positive, "final_capture": flag, "metadata": metadata,
    "statement_descriptor": text, "statement_descriptor_suffix": text,
}  # fmt: skip
CANCEL: dict[str, Check] = {
    **EXPAND,
    "cancellation_reason": one_of("abandoned", "duplicate", "fraudulent", "requested_by_customer"),
}


def check_amount(params: dict[str, Any]) -> None:
    """Amount limits of the API.

    Raises:
        WireError: 400 `amount_too_small` or `amount_too_large`.
        Refusal: `odd_amount`.
    """
    if "amount" not in params or "currency" not in params:
        return
    code = params["currency"]
    if params["amount"] > stripe_words.MAXIMUM_API:
        message = f"Amount must be no more than {stripe_words.MAXIMUM_API} in {code.lower()}"
        raise invalid("amount", message, "amount_too_large")
    least = stripe_words.minimum(code)
    if stripe_words.world_amount(params["amount"], code) < least:
        floor = stripe_words.api_amount(least, code)
        message = f"Amount must be at least {floor} in {code.lower()}"
        raise invalid("amount", message, "amount_too_small")


def create(call: Call) -> Json | Reply:
    """A new PaymentIntent, confirmed at once with `confirm=true`."""
    given = call.params
    if not given.get("confirm"):
        for name in ("off_session", "error_on_requires_action"):
            if name in given:
                raise invalid(name, f"`{name}` can only be used with confirm=true.")
    wish = Intent(
        "", 0, stripe_words.world_amount(given["amount"], given["currency"]), given["currency"],
        given.get("capture_method") == "manual", customer_id=given.get("customer"),
        description=given.get("description"), metadata=given.get("metadata", {}), echo=_echo(given),
    )  # fmt: skip
    method = inline_method(call.core, given)
    intent = intents.create(call.core, wish, method)
    return _confirmed(call, intent) if given.get("confirm") else _shown(call, intent)


def update(call: Call) -> Json:
    """Change a PaymentIntent; the money part only while nothing was taken."""
    given, changes = call.params, {}
    intent = call.core.store.get(Intent, call.id)
    code = given.get("currency", intent.currency)
    if "amount" in given or "currency" in given:
        amount = given.get("amount", stripe_words.api_amount(intent.amount_minor, intent.currency))
        check_amount({"amount": amount, "currency": code})
        changes = {"amount_minor": stripe_words.world_amount(amount, code), "currency": code}
    if "customer" in given:
        changes["customer_id"] = given["customer"]
    if "description" in given:
        changes["description"] = given["description"] or None
    if "capture_method" in given:
        changes["manual_capture"] = given["capture_method"] == "manual"
    changes["echo"] = _echo(given)
    method = inline_method(call.core, given)
    return _shown(
        call, intents.change(call.core, call.id, changes, given.get("metadata", {}), method)
    )


def confirm(call: Call) -> Json | Reply:
    """Try to take the money; a declined card is a 402 that leaves its mark."""
    intent = call.core.store.get(Intent, call.id)
    changes: Json = {"echo": _echo(call.params)}
    if "capture_method" in call.params:
        changes["manual_capture"] = call.params["capture_method"] == "manual"
    intent = intents.change(call.core, call.id, changes, {}, None)
    return _confirmed(call, intent)


def capture(call: Call) -> Json:
    """Take what is authorised, or part of it."""
    given = call.params
    intent = call.core.store.get(Intent, call.id)
    amount = given.get("amount_to_capture")
    if amount is not None:
        amount = stripe_words.world_amount(amount, intent.currency, "amount_to_capture")
    words = {
        n: given[n] for n in ("statement_descriptor", "statement_descriptor_suffix") if n in given
    }
    if words or "metadata" in given:
        intents.change(call.core, call.id, {"echo": words}, given.get("metadata", {}), None)
    return _shown(call, intents.capture(call.core, call.id, amount))


def cancel(call: Call) -> Json:
    """Give a PaymentIntent up."""
    return _shown(call, intents.cancel(call.core, call.id, call.params.get("cancellation_reason")))


def retrieve(call: Call) -> Json:
    """One PaymentIntent."""
    return _shown(call, call.core.store.get(Intent, call.id))


def listing(call: Call) -> Json:
    """PaymentIntents, newest first."""
    return pages.page_of(call, Intent, parent=call.params.get("customer"))


def search(call: Call) -> Json:
    """PaymentIntents that fit a query, by a lagging index."""
    hits = searching.search(call.core, call.params["query"])
    limit = min(call.params.get("limit", pages.DEFAULT_LIMIT), pages.MAX_LIMIT)
    token = call.params.get("page", "0")
    if not token.isdecimal():
        raise invalid("page", "Invalid page token.")
    start = int(token)
    paths = call.params.get("expand", [])
    more = start + limit < len(hits)
    body: Json = {
        "object": "search_result",
        "data": [_shown(call, intent) for intent in hits[start : start + limit]],
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "url": call.path,
    }
    if "total_count" in paths:
        body["total_count"] = len(hits)
    call.params["expand"] = [path for path in paths if path != "total_count"]
    return body


def _confirmed(call: Call, intent: Intent) -> Json | Reply:
    given = call.params
    _needs_return_url(intent)
    strict = given.get("error_on_requires_action") or given.get("off_session")
    method = inline_method(call.core, given) if intent.method_id is None or call.ids else None
    intent = intents.confirm(call.core, intent.id, method, may_ask=not strict)
    if intent.failure is None:
        return _shown(call, intent)
    return Reply(402, declined(call, intent).body())


def declined(call: Call, intent: Intent) -> WireError:
    """The 402 of a refused attempt."""
    shown = _shown(call, intent)
    error = dict(shown["last_payment_error"])
    more = {n: error[n] for n in ("charge", "decline_code", "payment_method") if n in error}
    return WireError(
        402, error["type"], error["message"], error["code"], more={**more, "payment_intent": shown}
    )


def _needs_return_url(intent: Intent) -> None:
    automatic = automatic_methods(intent)
    if automatic and automatic["enabled"] and automatic["allow_redirects"] != "never":
        if intent.echo.get("return_url"):
            return
        raise invalid(
            "return_url",
            "This PaymentIntent accepts payment methods that may redirect the customer: give a"
            " `return_url`, or set automatic_payment_methods[allow_redirects]=never.",
        )


def _echo(given: dict[str, Any]) -> Json:
    echo = {name: given[name] for name in WORDS if name in given}
    if "confirmation_method" in given:
        echo["confirmation_method"] = given["confirmation_method"]
    automatic = echo.get("automatic_payment_methods")
    if automatic is not None:
        if automatic.get("enabled") not in ("true", "false"):
            raise invalid("automatic_payment_methods[enabled]", "Invalid boolean")
        echo["automatic_payment_methods"] = {**automatic, "enabled": automatic["enabled"] == "true"}
    return echo


def _shown(call: Call, intent: Intent) -> Json:
    return shape(call.core, intent, call.base_url)


ROOT = "/v1/payment_intents"
ENDPOINTS: list[Endpoint] = [
    endpoint("POST", ROOT, create, CREATE, ("amount", "currency"), check_amount),
    endpoint("GET", ROOT, listing, {**PAGE, "created": span, "customer": filled}),
    endpoint(
        "GET", f"{ROOT}/search", search,
        {**EXPAND, "query": filled, "limit": positive, "page": filled}, ("query",),
    ),
    endpoint("GET", f"{ROOT}/{{}}", retrieve, {**EXPAND, "client_secret": text}),
    endpoint("POST", f"{ROOT}/{{}}", update, UPDATE),
    endpoint("POST", f"{ROOT}/{{}}/confirm", confirm, CONFIRM),
    endpoint("POST", f"{ROOT}/{{}}/capture", capture, CAPTURE),
    endpoint("POST", f"{ROOT}/{{}}/cancel", cancel, CANCEL),
]  # fmt: skip

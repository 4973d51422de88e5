"""Routes of charges, refunds, disputes, the balance, its transactions and payouts."""

from collections.abc import Callable
from typing import Any

from providers.sandbox import stripe_words
from providers.sandbox.stripe_wire import pages
from providers.sandbox.stripe_wire.calls import Call, Endpoint, endpoint
from providers.sandbox.stripe_wire.errors import invalid
from providers.sandbox.stripe_wire.params import (
    EXPAND,
    PAGE,
    Check,
    currency,
    filled,
    metadata,
    one_of,
    positive,
    span,
    text,
)  # fmt: skip
from providers.sandbox.stripe_wire.render import shape
from providers.sandbox.truth import disputes, payouts, refunds
from providers.sandbox.truth.records import Charge, Dispute, Intent, Json, Payout, Refund
from providers.sandbox.truth.refusals import Refusal

REFUND: dict[str, Check] = {
    **EXPAND, "charge": filled, "payment_intent": filled, "amount": positive,
    "reason": one_of("duplicate", "fraudulent", "requested_by_customer"), "metadata": metadata,
    "instructions_email": filled,
}  # fmt: skip
PAYOUT: dict[str, Check] = {
    **EXPAND, "amount": positive, "currency": currency, "description": text, "metadata": metadata,
    "statement_descriptor": text, "method": one_of("standard"), "source_type": one_of("card"),
}  # fmt: skip


def one(cls: type[Any]) -> Callable[[Call], Json]:
    """A route that shows one record of a class."""
    return lambda call: shape(call.core, call.core.store.get(cls, call.id), call.base_url)


def list_charges(call: Call) -> Json:
    """Charges, newest first, of one intent or customer if named."""
    owner = call.params.get("customer")
    intent = call.params.get("payment_intent")
    return pages.page_of(call, Charge, lambda c: owner in (None, c.customer_id), intent)


def create_refund(call: Call) -> Json:
    """Send money back, all that is left by default."""
    given = call.params
    if ("charge" in given) == ("payment_intent" in given):
        raise invalid(
            "payment_intent", "Name either a charge or a payment_intent.", "parameter_missing"
        )
    charge = _charge_of(call)
    amount = given.get("amount")
    if amount is not None:
        amount = stripe_words.world_amount(amount, charge.currency)
    refund = refunds.create(
        call.core, charge.id, amount, reason=given.get("reason"),
        metadata=given.get("metadata"), email=given.get("instructions_email"),
    )  # fmt: skip
    return shape(call.core, refund, call.base_url)


def cancel_refund(call: Call) -> Json:
    """Call off a refund that waits for the payer."""
    return shape(call.core, refunds.cancel(call.core, call.id), call.base_url)


def list_refunds(call: Call) -> Json:
    """Refunds, newest first, of one charge or intent if named."""
    intent = call.params.get("payment_intent")
    return pages.page_of(
        call, Refund, lambda r: intent in (None, r.intent_id), call.params.get("charge")
    )


def list_disputes(call: Call) -> Json:
    """Disputes, newest first, of one charge or intent if named."""
    intent = call.params.get("payment_intent")
    return pages.page_of(
        call, Dispute, lambda d: intent in (None, d.intent_id), call.params.get("charge")
    )


def close_dispute(call: Call) -> Json:
    """Accept the loss."""
    return shape(call.core, disputes.lose(call.core, call.id), call.base_url)


def own_account(call: Call) -> Json:
    """The account whose key asks."""
    return {
        "id": call.core.account,
        "object": "account",
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "payouts_enabled": True,
        "type": "standard",
    }


def balance(call: Call) -> Json:
    """What is available and what is still pending, per currency."""
    sums = payouts.balances(call.core) or {"USD": (0, 0)}

    def part(index: int) -> list[Json]:
        amounts = {c: stripe_words.api_amount(pair[index], c) for c, pair in sums.items()}
        return [
            {"amount": amount, "currency": c.lower(), "source_types": {"card": amount}}
            for c, amount in amounts.items()
        ]

    return {"object": "balance", "available": part(0), "livemode": False, "pending": part(1)}


def retrieve_line(call: Call) -> Json:
    """One balance transaction."""
    return shape(call.core, call.core.line(call.id), call.base_url)


def list_lines(call: Call) -> Json:
    """Balance transactions, newest first; `payout` names an automatic one."""
    given = call.params
    where = "1"
    values: list[Any] = []
    if "payout" in given:
        payout = call.core.store.get(Payout, given["payout"])
        if not payout.automatic:
            raise Refusal(
                "manual_payout",
                "Only automatic payouts can be split into transactions.",
                field="payout",
            )
        where, values = where + " AND payout_id = ?", [*values, payout.id]
    for name, column in (("currency", "currency"), ("source", "source_id")):
        if name in given:
            where, values = f"{where} AND {column} = ?", [*values, given[name]]
    inside, kind = given.get("created", lambda _: True), given.get("type")
    return pages.page(
        call, "lines", pages.lines(call.core, where, *values),
        lambda l: inside(l.created_at) and kind in (None, stripe_words.line_type(l)),  # noqa: E741
    )  # fmt: skip


def create_payout(call: Call) -> Json:
    """Send part of the available balance to the bank by hand."""
    given = call.params
    amount = stripe_words.world_amount(given["amount"], given["currency"])
    words: Json = {
        name: given[name]
        for name in ("description", "statement_descriptor", "metadata")
        if name in given
    }
    return shape(
        call.core, payouts.create(call.core, amount, given["currency"], words), call.base_url
    )


def cancel_payout(call: Call) -> Json:
    """Call off a payout the bank has not taken yet."""
    return shape(call.core, payouts.cancel(call.core, call.id), call.base_url)


def list_payouts(call: Call) -> Json:
    """Payouts, newest first."""
    given = call.params
    arrives = given.get("arrival_date", lambda _: True)
    status = given.get("status")
    words = stripe_words.PAYOUT_STATUS
    return pages.page_of(
        call, Payout,
        lambda p: arrives(p.arrival_at) and status in (None, words.get(p.status, p.status)),
    )  # fmt: skip


def _charge_of(call: Call) -> Charge:
    if "charge" in call.params:
        return call.core.store.get(Charge, call.params["charge"])
    intent = call.core.store.get(Intent, call.params["payment_intent"])
    if intent.charge_id is None:
        raise Refusal(
            "not_captured", f"This PaymentIntent ({intent.id}) has no successful charge to refund.",
            object_id=intent.id,
        )  # fmt: skip
    return call.core.store.get(Charge, intent.charge_id)


BY_PAYMENT: dict[str, Check] = {
    **PAGE, "created": span, "charge": filled, "payment_intent": filled,
}  # fmt: skip
PAYOUT_STATUS = one_of("pending", "in_transit", "paid", "failed", "canceled")
ENDPOINTS: list[Endpoint] = [
    endpoint("GET", "/v1/charges/{}", one(Charge), EXPAND),
    endpoint(
        "GET", "/v1/charges", list_charges,
        {**PAGE, "created": span, "customer": filled, "payment_intent": filled},
    ),
    endpoint("POST", "/v1/refunds", create_refund, REFUND),
    endpoint("GET", "/v1/refunds", list_refunds, BY_PAYMENT),
    endpoint("GET", "/v1/refunds/{}", one(Refund), EXPAND),
    endpoint("POST", "/v1/refunds/{}/cancel", cancel_refund, EXPAND),
    endpoint("GET", "/v1/disputes", list_disputes, BY_PAYMENT),
    endpoint("GET", "/v1/disputes/{}", one(Dispute), EXPAND),
    endpoint("POST", "/v1/disputes/{}/close", close_dispute, EXPAND),
    endpoint("GET", "/v1/account", own_account, EXPAND),
    endpoint("GET", "/v1/balance", balance, EXPAND),
    endpoint(
        "GET", "/v1/balance_transactions", list_lines,
        {**PAGE, "created": span, "currency": currency, "payout": filled, "source": filled,
         "type": filled},
    ),
    endpoint("GET", "/v1/balance_transactions/{}", retrieve_line, EXPAND),
    endpoint("POST", "/v1/payouts", create_payout, PAYOUT, ("amount", "currency")),
    endpoint(
        "GET", "/v1/payouts", list_payouts,
        {**PAGE, "created": span, "arrival_date": span, "status": PAYOUT_STATUS,
         "destination": filled},
    ),
    endpoint("GET", "/v1/payouts/{}", one(Payout), EXPAND),
    endpoint("POST", "/v1/payouts/{}/cancel", cancel_payout, EXPAND),
]  # fmt: skip

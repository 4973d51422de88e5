"""The life of an intent: made, changed, confirmed, captured, cancelled, answered by the payer.

Every verb first checks the state it starts from; what the bank says is decided in `attempts`.
"""

from providers.sandbox.truth import attempts, methods
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Charge, Intent, IntentStatus, Json
from providers.sandbox.truth.refusals import Refusal

OPEN = (IntentStatus.NEEDS_METHOD, IntentStatus.NEEDS_CONFIRMATION, IntentStatus.NEEDS_ACTION)
"""States in which nothing was taken or held yet."""


def create(core: Core, intent: Intent, method_name: str | None) -> Intent:
    """Store a new intent (its id is given here) with the method named, if any.

    Raises:
        Missing: no such customer or method.
        Refusal: the method cannot be used.
    """
    intent.id, intent.created_at = core.new_id("pi"), core.now()
    intent.secret = f"{intent.id}_secret_{core.random('secret', 25)}"
    if intent.customer_id:
        methods.customer(core, intent.customer_id)
    if method_name:
        _use(core, intent, method_name)
    core.store.add(intent, parent=intent.customer_id)
    core.tell("payment.created", intent)
    return intent


def change(
    core: Core, intent_id: str, changes: Json, metadata: Json, method_name: str | None
) -> Intent:
    """Change fields of an intent by name; amount and currency only while nothing was taken.

    Raises:
        Missing: no such intent or method.
        Refusal: `wrong_state` when the money part can no longer change.
    """
    intent = core.store.get(Intent, intent_id)
    monetary = {"amount_minor", "currency", "customer_id"} & set(changes)
    if (monetary or method_name) and intent.status not in OPEN:
        raise _wrong_state(intent, "updated", OPEN)
    if changes.get("customer_id"):
        methods.customer(core, changes["customer_id"])
    for name, value in changes.items():
        if name == "echo":
            intent.echo.update(value)
        else:
            setattr(intent, name, value)
    intent.metadata = methods.merged(intent.metadata, metadata)
    if method_name:
        _use(core, intent, method_name)
    core.store.save(intent)
    core.tell("payment.updated", intent)
    return intent


def confirm(
    core: Core, intent_id: str, method_name: str | None = None, *, may_ask: bool = True
) -> Intent:
    """Try to take the money; `may_ask` False turns a need for authentication into a decline.

    A declined attempt returns normally: the intent carries its `failure`.

    Raises:
        Missing: no such intent or method.
        Refusal: `wrong_state` or `no_method`.
    """
    intent = core.store.get(Intent, intent_id)
    if intent.status not in OPEN:
        raise _wrong_state(intent, "confirmed", OPEN)
    if method_name:
        _use(core, intent, method_name)
    if intent.method_id is None:
        raise Refusal(
            "no_method",
            "This payment cannot be confirmed: it has no payment method yet.",
            object_id=intent.id,
        )
    method = methods.method(core, intent.method_id)
    if method.behaviour == "authenticate" and not may_ask:
        attempts.decline(core, intent, None, "unauthenticated")
    else:
        attempts.attempt(core, intent, method)
    return intent


def capture(core: Core, intent_id: str, amount_minor: int | None) -> Intent:
    """Take all or part of what is authorised; the rest is released.

    Raises:
        Missing: no such intent.
        Refusal: `wrong_state` or `too_much`.
    """
    intent = core.store.get(Intent, intent_id)
    if intent.status != IntentStatus.AUTHORIZED or not intent.charge_id:
        raise _wrong_state(intent, "captured", (IntentStatus.AUTHORIZED,))
    amount = intent.capturable_minor if amount_minor is None else amount_minor
    if amount > intent.capturable_minor:
        raise Refusal(
            "too_much_captured",
            "The amount to capture is larger than the amount that can be captured.",
            field="amount_to_capture",
            object_id=intent.id,
        )
    charge = core.store.get(Charge, intent.charge_id)
    attempts.capture(core, intent, charge, amount)
    core.tell("charge.captured", charge)
    return intent


def cancel(core: Core, intent_id: str, reason: str | None) -> Intent:
    """Give an intent up; what was held is released.

    Raises:
        Missing: no such intent.
        Refusal: `wrong_state`, it was taken, given up or is with the bank.
    """
    intent = core.store.get(Intent, intent_id)
    allowed = (*OPEN, IntentStatus.AUTHORIZED)
    if intent.status not in allowed:
        raise _wrong_state(intent, "cancelled", allowed)
    attempts.release(core, intent, reason)
    return intent


def approve(core: Core, intent_id: str) -> Intent:
    """The payer proves who they are, and the bank is asked again.

    Raises:
        Missing: no such intent.
        Refusal: `wrong_state`, nobody is asked for anything.
    """
    intent = _awaiting(core, intent_id)
    assert intent.method_id is not None
    attempts.attempt(core, intent, methods.method(core, intent.method_id), authenticated=True)
    return intent


def reject(core: Core, intent_id: str) -> Intent:
    """The payer fails to prove who they are.

    Raises:
        Missing: no such intent.
        Refusal: `wrong_state`, nobody is asked for anything.
    """
    intent = _awaiting(core, intent_id)
    attempts.decline(core, intent, None, "rejected")
    return intent


def _awaiting(core: Core, intent_id: str) -> Intent:
    intent = core.store.get(Intent, intent_id)
    if intent.status != IntentStatus.NEEDS_ACTION:
        raise _wrong_state(intent, "answered by the payer", (IntentStatus.NEEDS_ACTION,))
    return intent


def _use(core: Core, intent: Intent, method_name: str) -> None:
    method = methods.method(core, method_name)
    if method.detached:
        raise Refusal("method_unusable", "This payment method was detached.", field="method")
    if method.customer_id and method.customer_id != intent.customer_id:
        raise Refusal(
            "method_unusable",
            "This payment method belongs to a customer; name that customer on the payment.",
            field="method",
        )
    if method.kind != "card" and intent.manual_capture:
        raise Refusal("method_unusable", "Bank debits cannot be captured later.", field="method")
    wanted = {"us_bank_account": "USD", "sepa_debit": "EUR"}.get(method.kind, intent.currency)
    if wanted != intent.currency:
        raise Refusal("method_unusable", f"This method pays in {wanted} only.", field="currency")
    intent.method_id, intent.status = method.id, IntentStatus.NEEDS_CONFIRMATION


def _wrong_state(intent: Intent, verb: str, allowed: tuple[IntentStatus, ...]) -> Refusal:
    return Refusal(
        "wrong_state",
        f"This payment could not be {verb} because its status is {{{intent.status}}}; it must be"
        f" one of {', '.join(f'{{{status}}}' for status in allowed)}.",
        object_id=intent.id,
    )

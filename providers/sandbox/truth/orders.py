"""The life of an order: made, agreed to by the payer, taken or held when the shop says so.

An order is an `Intent` whose payer must agree first and whose money moves only by `take` and
`hold`; its words (`echo`): verb, reference_id, invoice_id, needs_payer, return_url.
"""

from typing import Any

from providers.sandbox.truth import authorizations, vault
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Authorization, Charge, Intent, IntentStatus, Method
from providers.sandbox.truth.refusals import Refusal
from providers.sandbox.truth.templates import DECLINES

CAPTURE, AUTHORIZE = "CAPTURE", "AUTHORIZE"
APPROVAL_SECONDS = 3 * 3600
"""How long the payer's word stands while nothing is taken or held."""

UNPAID = (IntentStatus.NEEDS_CONFIRMATION, IntentStatus.NEEDS_ACTION, IntentStatus.APPROVED)
"""States of an order in which no money was taken or held."""


def create(core: Core, order: Intent) -> Intent:
    """Store a new order; its id is given here.

    Raises:
        Refusal: `duplicate_invoice`, another payment has this invoice id.
    """
    order.id, order.created_at = core.new_id("pi"), core.now()
    check_invoice(core, invoice_of(order), order.id)
    needs_payer = order.echo.get("needs_payer")
    order.status = IntentStatus.NEEDS_ACTION if needs_payer else IntentStatus.NEEDS_CONFIRMATION
    core.store.add(order)
    core.tell("payment.created", order)
    return order


def change(core: Core, order_id: str, echo: dict[str, Any], fields: dict[str, Any]) -> Intent:
    """Change an order nobody has paid.

    Raises:
        Missing: no such order.
        Refusal: `order_completed`.
    """
    order = core.store.get(Intent, order_id)
    if order.status not in UNPAID:
        raise Refusal("order_completed", "A completed order cannot be changed.")
    order.echo.update(echo)
    for name, value in fields.items():
        setattr(order, name, value)
    core.store.save(order)
    return order


def approve(core: Core, order_id: str, template: str | None = None) -> Intent:
    """The payer agrees, with a test wallet of the named behaviour.

    Raises:
        Missing: no such order or test method.
        Refusal: `wrong_state`, nobody is asked for anything.
    """
    order = core.store.get(Intent, order_id)
    if order.status not in (IntentStatus.NEEDS_ACTION, IntentStatus.NEEDS_CONFIRMATION):
        raise Refusal("wrong_state", f"This order is {order.status}: nobody has to agree to it.")
    order.echo["authenticated"] = True
    return _approved(core, order, vault.make(core, template or vault.DEFAULT, None))


def name_method(core: Core, order_id: str, method: Method | None) -> Intent:
    """Say what an unpaid order is to be paid with; None asks the payer.

    Raises:
        Missing: no such order.
        Refusal: `already_captured`, `already_authorized` or `order_voided`.
    """
    order = core.store.get(Intent, order_id)
    ended = {
        IntentStatus.SUCCEEDED: "already_captured",
        IntentStatus.AUTHORIZED: "already_authorized",
        IntentStatus.CANCELLED: "order_voided",
    }
    if order.status not in UNPAID:
        raise Refusal(ended[IntentStatus(order.status)], f"This order is {order.status}.")
    if method is not None:
        return _approved(core, order, method)
    order.status, order.echo["needs_payer"] = IntentStatus.NEEDS_ACTION, True
    core.store.save(order)
    return order


def lapse_approval(core: Core, order_id: str) -> None:
    """The payer's word is too old to be used."""
    order = core.store.get(Intent, order_id)
    age_seconds = core.now() - int(order.echo.get("approved_at", 0))
    if order.status == IntentStatus.APPROVED and age_seconds >= APPROVAL_SECONDS:
        order.status, order.method_id = IntentStatus.NEEDS_ACTION, None
        core.store.save(order)
        core.tell("order.approval_lapsed", order)


def take(core: Core, order_id: str, method: Method | None) -> Charge:
    """Take the order's money, from the payer who agreed or from a vaulted method.

    Raises:
        Missing: no such order.
        Refusal: `already_captured`, `wrong_verb`, `not_approved`, `declined`, `action_required`
            or `duplicate_invoice`.
    """
    order = core.store.get(Intent, order_id)
    if order.status == IntentStatus.SUCCEEDED:
        raise Refusal("already_captured", "The order was captured before.")
    paying = _paying(core, order, method, CAPTURE)
    claim_invoice(core, invoice_of(order), order.id)
    order.method_id, order.status = paying.id, IntentStatus.SUCCEEDED
    core.store.save(order)
    taken = authorizations.capture_of(core, order, paying)
    core.tell("order.completed", order)
    return authorizations.book_capture(core, order, taken)


def hold(core: Core, order_id: str, method: Method | None) -> Authorization:
    """Hold the order's money for captures.

    Raises:
        Missing: no such order.
        Refusal: as `take`, with `already_authorized`.
    """
    order = core.store.get(Intent, order_id)
    if order.status in (IntentStatus.AUTHORIZED, IntentStatus.SUCCEEDED):
        raise Refusal("already_authorized", "The order was authorised before.")
    paying = _paying(core, order, method, AUTHORIZE)
    claim_invoice(core, invoice_of(order), order.id)
    order.method_id, order.status = paying.id, IntentStatus.AUTHORIZED
    order.capturable_minor = order.amount_minor
    core.store.save(order)
    return authorizations.create(core, order, paying)


def invoice_of(order: Intent) -> str:
    """The invoice id of an order, empty when it has none."""
    return str(order.echo.get("invoice_id") or "")


def check_invoice(core: Core, invoice_id: str, owner: str) -> None:
    """Let an invoice id pass that no other payment or refund has.

    Raises:
        Refusal: `duplicate_invoice`.
    """
    if invoice_id and core.store.fact(f"invoice:{invoice_id}", owner) != owner:
        raise Refusal("duplicate_invoice", "The invoice id was used for another payment.")


def claim_invoice(core: Core, invoice_id: str, owner: str) -> None:
    """Take an invoice id for good.

    Raises:
        Refusal: `duplicate_invoice`.
    """
    check_invoice(core, invoice_id, owner)
    if invoice_id:
        core.store.set_fact(f"invoice:{invoice_id}", owner)


def _approved(core: Core, order: Intent, method: Method) -> Intent:
    order.method_id, order.status = method.id, IntentStatus.APPROVED
    order.echo["approved_at"] = core.now()
    core.store.save(order)
    core.tell("order.approved", order)
    core.schedule("lapse_approval", order.id, core.now() + APPROVAL_SECONDS)
    return order


def _paying(core: Core, order: Intent, method: Method | None, verb: str) -> Method:
    """The method that pays, when the order may be paid now."""
    if order.echo["verb"] != verb:
        raise Refusal("wrong_verb", f"The order's intent is {order.echo['verb']}.")
    if order.status == IntentStatus.CANCELLED:
        raise Refusal("order_voided", "The order was voided.")
    if method is None:
        if order.status != IntentStatus.APPROVED or order.method_id is None:
            raise Refusal("not_approved", "The payer has not approved the order.")
        method = core.store.get(Method, order.method_id)
    _ask_bank(core, order, method)
    return method


def _ask_bank(core: Core, order: Intent, method: Method) -> None:
    if method.behaviour == "authenticate" and not order.echo.get("authenticated"):
        order.status = IntentStatus.NEEDS_ACTION
        core.store.save(order)
        raise Refusal("action_required", "The payer must act first.", object_id=order.id)
    if method.behaviour in DECLINES:
        if order.status == IntentStatus.APPROVED:
            order.status, order.method_id = IntentStatus.NEEDS_ACTION, None
            core.store.save(order)
        core.tell("payment.failed", order)
        raise Refusal(
            "declined", DECLINES[method.behaviour].message, field=method.behaviour,
            object_id=order.id,
        )  # fmt: skip

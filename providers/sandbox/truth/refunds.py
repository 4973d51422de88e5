"""Money on its way back to the payer: given, failed on the way, called off.

Never more than was captured: the sum of refunds that did not fail is kept on the charge.
"""

from providers.sandbox.truth.core import DAY, Core
from providers.sandbox.truth.records import Charge, Refund
from providers.sandbox.truth.refusals import Refusal

DEBIT_REFUND_DAYS = 2
PENDING_CARD_DAYS = 1
AT_ONCE = ("card", "paypal")
"""Kinds of methods that take money back on the spot; banks take days."""


def create(
    core: Core, charge_id: str, amount_minor: int | None, *, reason: str | None = None,
    metadata: dict[str, str] | None = None, email: str | None = None,
) -> Refund:  # fmt: skip
    """Send back `amount_minor` of a captured charge, all that is left by default.

    With `email`, a refund to a bank account waits for the payer to name where it should go.

    Raises:
        Missing: no such charge.
        Refusal: `not_captured`, `charge_disputed`, `already_refunded` or `too_much_refunded`.
    """
    charge = core.store.get(Charge, charge_id)
    left = charge.captured_minor - charge.refunded_minor
    _check(charge, left, amount_minor)
    amount = left if amount_minor is None else amount_minor
    refund = Refund(
        core.new_id("re" if charge.method["kind"] == "card" else "pyr"), core.now(), charge.id,
        charge.intent_id, amount, charge.currency, "succeeded", str(charge.method["kind"]), reason,
        metadata or {}, email,
    )  # fmt: skip
    line = core.book(
        "refund", -amount, charge.currency, source_id=refund.id, charge_id=charge.id,
        method_kind=refund.method_kind, description=_described(charge),
    )  # fmt: skip
    refund.line_id = line.id
    charge.refunded_minor += amount
    core.store.save(charge)
    core.move("refund", -amount, charge.currency, charge.intent_id, refund.id)
    _plan(core, charge, refund)
    core.store.add(refund, parent=charge.id)
    core.tell("refund.created", refund)
    core.tell("charge.refunded", charge)
    return refund


def settle(core: Core, refund_id: str) -> None:
    """A pending refund arrives."""
    refund = core.store.get(Refund, refund_id)
    if refund.status in ("pending", "needs_action"):
        refund.status = "succeeded"
        core.store.save(refund)
        core.tell("refund.updated", refund)


def fail(core: Core, refund_id: str, reason: str = "unknown") -> Refund:
    """The payer's bank sends a refund back: the money returns to the balance.

    Raises:
        Missing: no such refund.
        Refusal: `wrong_state`, it failed or was called off before.
    """
    refund = core.store.get(Refund, refund_id)
    if refund.status in ("failed", "cancelled"):
        raise _wrong_state(refund)
    refund.status, refund.failure_reason = "failed", reason
    _take_back(core, refund)
    core.tell("refund.failed", refund)
    return refund


def fail_when_due(core: Core, refund_id: str) -> None:
    """What a card that refuses refunds does a day later."""
    if core.store.get(Refund, refund_id).status == "succeeded":
        fail(core, refund_id, "expired_or_canceled_card")


def cancel(core: Core, refund_id: str) -> Refund:
    """Call off a refund that still waits for the payer.

    Raises:
        Missing: no such refund.
        Refusal: `wrong_state`, it is past that.
    """
    refund = core.store.get(Refund, refund_id)
    if refund.status != "needs_action":
        raise _wrong_state(refund)
    refund.status, refund.failure_reason = "cancelled", "merchant_request"
    _take_back(core, refund)
    core.tell("refund.updated", refund)
    return refund


def _check(charge: Charge, left: int, amount_minor: int | None) -> None:
    if not charge.captured:
        raise Refusal(
            "not_captured",
            "There is no successful charge to refund; cancel the payment instead.",
            object_id=charge.intent_id,
        )
    if charge.disputed:
        raise Refusal("charge_disputed", f"Charge {charge.id} is disputed: it cannot be refunded.")
    if left == 0:
        raise Refusal("already_refunded", f"Charge {charge.id} has already been refunded.")
    if amount_minor is not None and amount_minor > left:
        raise Refusal(
            "too_much_refunded",
            f"Refund amount ({amount_minor}) is larger than the amount left ({left}).",
            field="amount",
        )


def _plan(core: Core, charge: Charge, refund: Refund) -> None:
    now = core.now()
    if refund.method_kind not in AT_ONCE:
        refund.status = "needs_action" if refund.email else "pending"
        core.schedule("settle_refund", refund.id, now + DEBIT_REFUND_DAYS * DAY)
    elif charge.method["behaviour"] == "refund_pends":
        refund.status = "pending"
        core.schedule("settle_refund", refund.id, now + PENDING_CARD_DAYS * DAY)
    elif charge.method["behaviour"] == "refund_fails":
        core.schedule("fail_refund", refund.id, now + PENDING_CARD_DAYS * DAY)


def _take_back(core: Core, refund: Refund) -> None:
    charge = core.store.get(Charge, refund.charge_id)
    line = core.book(
        "refund_failure", refund.amount_minor, refund.currency, source_id=refund.id,
        charge_id=charge.id, method_kind=refund.method_kind,
        description=f"REFUND FAILURE ({refund.id})",
    )  # fmt: skip
    refund.failure_line_id = line.id
    charge.refunded_minor -= refund.amount_minor
    core.store.save(charge)
    core.store.save(refund)
    core.move(
        "refund_returned", refund.amount_minor, refund.currency, refund.intent_id, refund.id
    )  # fmt: skip


def _described(charge: Charge) -> str:
    return (
        f"REFUND FOR CHARGE ({charge.description})" if charge.description else "REFUND FOR CHARGE"
    )


def _wrong_state(refund: Refund) -> Refusal:
    return Refusal(
        "refund_wrong_state", f"A refund that is {refund.status} allows no such step.", field=""
    )

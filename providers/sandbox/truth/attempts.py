"""One attempt to take money: the bank's answer, the authorisation, the capture, the release.

Whatever the bank answers is a recorded fact; only here do charges change and capture money.
"""

from providers.sandbox.truth import disputes
from providers.sandbox.truth.core import DAY, Core, midnight
from providers.sandbox.truth.fees import payment_fee
from providers.sandbox.truth.methods import snapshot
from providers.sandbox.truth.records import Charge, Intent, IntentStatus, Method
from providers.sandbox.truth.templates import DECLINES

AUTHORIZATION_DAYS = 7
DEBIT_DAYS = {"us_bank_account": 3, "sepa_debit": 5}
"""How long a bank takes to pay, or to refuse."""
AVAILABLE_DAYS = 2
DISPUTE_DELAY_SECONDS = 60


def attempt(core: Core, intent: Intent, method: Method, *, authenticated: bool = False) -> None:
    """Charge the method and write the answer into the intent."""
    behaviour = method.behaviour
    if method.kind in DEBIT_DAYS:
        _debit(core, intent, method)
    elif behaviour == "authenticate" and not authenticated:
        intent.status = IntentStatus.NEEDS_ACTION
        core.store.save(intent)
        core.tell("payment.action_required", intent)
    elif behaviour in DECLINES:
        charge = _new_charge(core, intent, method, "failed")
        decline(core, intent, charge, behaviour)
    else:
        _authorize(core, intent, _new_charge(core, intent, method, "succeeded"))


def decline(core: Core, intent: Intent, charge: Charge | None, behaviour: str) -> None:
    """Write a refusal into the charge, if any, and send the intent back for another method."""
    refused = DECLINES[behaviour]
    failure = {
        "code": refused.code,
        "decline_code": refused.decline_code,
        "message": refused.message,
    }
    if charge is not None:
        charge.status, charge.failure = "failed", failure
        core.store.save(charge)
        core.tell("charge.failed", charge)
    method = charge.method if charge else None
    intent.failure = {**failure, "charge_id": charge.id if charge else None, "method": method}
    intent.status, intent.method_id = IntentStatus.NEEDS_METHOD, None
    core.store.save(intent)
    core.tell("payment.failed", intent)


def capture(core: Core, intent: Intent, charge: Charge, amount_minor: int) -> None:
    """Take `amount_minor` of an authorised charge and let go of the rest."""
    rest = charge.amount_minor - amount_minor
    charge.captured, charge.captured_minor, charge.released_minor = True, amount_minor, rest
    kind = str(charge.method["kind"])
    available_at = midnight(core.now(), AVAILABLE_DAYS)
    line = core.book(
        "charge", charge.amount_minor, charge.currency, source_id=charge.id, charge_id=charge.id,
        fee_minor=payment_fee(amount_minor, charge.currency, kind), method_kind=kind,
        description=charge.description or "", available_at=available_at,
    )  # fmt: skip
    if rest:
        core.book(
            "partial_capture_reversal", -rest, charge.currency, source_id=charge.id,
            charge_id=charge.id, method_kind=kind, available_at=available_at,
            description=_described("REFUND FOR CHARGE", charge.description),
        )  # fmt: skip
    charge.line_id = line.id
    core.move("capture", amount_minor, charge.currency, intent.id, charge.id)
    core.store.save(charge)
    intent.status, intent.received_minor = IntentStatus.SUCCEEDED, amount_minor
    intent.capturable_minor, intent.failure = 0, None
    core.store.save(intent)
    core.tell("payment.succeeded", intent)
    if charge.method["behaviour"] == "dispute":
        core.schedule("dispute", charge.id, core.now() + DISPUTE_DELAY_SECONDS)


def release(core: Core, intent: Intent, reason: str | None) -> None:
    """Give up an intent, and the authorisation it may hold."""
    if intent.status == IntentStatus.AUTHORIZED and intent.charge_id:
        charge = core.store.get(Charge, intent.charge_id)
        charge.released_minor = charge.amount_minor
        core.store.save(charge)
        core.tell("charge.expired" if reason == "expired" else "charge.released", charge)
    intent.status, intent.cancelled_at, intent.cancel_reason = (
        IntentStatus.CANCELLED, core.now(), reason,
    )  # fmt: skip
    intent.capturable_minor = 0
    core.store.save(intent)
    core.tell("payment.cancelled", intent)


def settle_debit(core: Core, charge_id: str) -> None:
    """The bank answers a debit: the money is there, or it never will be."""
    charge = core.store.get(Charge, charge_id)
    intent = core.store.get(Intent, charge.intent_id)
    if charge.status != "pending" or intent.status != IntentStatus.PROCESSING:
        return
    if charge.method["behaviour"] in DECLINES:
        decline(core, intent, charge, str(charge.method["behaviour"]))
        return
    charge.status = "succeeded"
    capture(core, intent, charge, charge.amount_minor)
    core.tell("charge.succeeded", charge)


def expire_authorization(core: Core, intent_id: str) -> None:
    """The time to capture is over."""
    intent = core.store.get(Intent, intent_id)
    if intent.status == IntentStatus.AUTHORIZED:
        release(core, intent, "expired")


def open_dispute(core: Core, charge_id: str) -> None:
    """The payer's bank disputes a charge, unless it is beyond dispute by now."""
    charge = core.store.get(Charge, charge_id)
    if not charge.disputed and charge.captured_minor > charge.refunded_minor:
        disputes.open_dispute(core, charge_id, "fraudulent", None)


def _new_charge(core: Core, intent: Intent, method: Method, status: str) -> Charge:
    charge = Charge(
        core.new_id("ch" if method.kind == "card" else "py"), core.now(), intent.id,
        intent.amount_minor, intent.currency, status, snapshot(method),
        customer_id=intent.customer_id, description=intent.description,
        metadata=dict(intent.metadata), echo=dict(intent.echo),
    )  # fmt: skip
    core.store.add(charge, parent=intent.id)
    intent.charge_id = charge.id
    return charge


def _authorize(core: Core, intent: Intent, charge: Charge) -> None:
    intent.failure = None
    if not intent.manual_capture:
        capture(core, intent, charge, charge.amount_minor)
        core.tell("charge.succeeded", charge)
        return
    intent.status, intent.capturable_minor = IntentStatus.AUTHORIZED, charge.amount_minor
    core.store.save(intent)
    core.tell("charge.succeeded", charge)
    core.tell("payment.authorized", intent)
    core.schedule("expire_authorization", intent.id, core.now() + AUTHORIZATION_DAYS * DAY)


def _debit(core: Core, intent: Intent, method: Method) -> None:
    charge = _new_charge(core, intent, method, "pending")
    intent.status, intent.failure = IntentStatus.PROCESSING, None
    core.store.save(intent)
    core.tell("charge.pending", charge)
    core.tell("payment.processing", intent)
    core.schedule("settle_debit", charge.id, core.now() + DEBIT_DAYS[method.kind] * DAY)


def _described(prefix: str, description: str | None) -> str:
    return f"{prefix} ({description})" if description else prefix

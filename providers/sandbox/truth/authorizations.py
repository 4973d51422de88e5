"""Money held: captured in one or several parts, renewed once, given up, out of time.

The sum of captures never exceeds what is held; every capture is a `Charge` of its own.
"""

from providers.sandbox.truth.core import DAY, Core
from providers.sandbox.truth.fees import payment_fee
from providers.sandbox.truth.methods import snapshot
from providers.sandbox.truth.records import Authorization, Charge, Intent, IntentStatus, Method
from providers.sandbox.truth.refusals import Refusal

HONOUR_DAYS, VALID_DAYS = 3, 29
REVIEW_DAYS = 1
"""How long a payment under review is held back."""
MAX_CAPTURES = 10
OPEN = ("created", "partially_captured")


def create(core: Core, order: Intent, method: Method) -> Authorization:
    """Hold the whole amount of an order."""
    held = Authorization(
        core.new_id("auth"), core.now(), order.id, order.amount_minor, order.currency,
        snapshot(method), core.now() + HONOUR_DAYS * DAY, core.now() + VALID_DAYS * DAY,
    )  # fmt: skip
    core.store.add(held, parent=order.id)
    core.tell("authorization.created", held)
    core.schedule("lapse_authorization", held.id, held.expires_at)
    return held


def capture(
    core: Core, authorization_id: str, amount_minor: int | None, *, final: bool
) -> tuple[Intent, Charge]:
    """Take part of what is held, all that is left by default; `final` lets go of the rest.

    The charge is not booked yet: `book_capture` does that once its words are in it.

    Raises:
        Missing: no such authorization.
        Refusal: `already_captured`, `authorization_voided`, `authorization_expired`,
            `too_many_captures` or `too_much_captured`.
    """
    held = _usable(core, authorization_id)
    order = core.store.get(Intent, held.intent_id)
    left = held.amount_minor - held.captured_minor
    amount = left if amount_minor is None else amount_minor
    if amount > left:
        raise Refusal("too_much_captured", f"Only {left} minor units are left to capture.")
    if len(captures(core, held.id)) >= MAX_CAPTURES:
        raise Refusal("too_many_captures", f"At most {MAX_CAPTURES} captures are possible.")
    held.captured_minor += amount
    done = final or held.captured_minor == held.amount_minor
    held.status = "captured" if done else "partially_captured"
    core.store.save(held)
    order.capturable_minor = 0 if done else held.amount_minor - held.captured_minor
    order.status = IntentStatus.SUCCEEDED if done else order.status
    core.store.save(order)
    taken = Charge(
        core.new_id("ch"), core.now(), order.id, amount, order.currency, "succeeded", held.method,
        metadata=dict(order.metadata), echo={"authorization_id": held.id, "final": done},
    )  # fmt: skip
    return order, taken


def capture_of(core: Core, order: Intent, method: Method) -> Charge:
    """The charge of an order whose money is taken at once; see `book_capture`."""
    return Charge(
        core.new_id("ch"), core.now(), order.id, order.amount_minor, order.currency, "succeeded",
        snapshot(method), metadata=dict(order.metadata),
        echo={"final": True, "invoice_id": order.echo.get("invoice_id")},
    )  # fmt: skip


def book_capture(core: Core, order: Intent, taken: Charge) -> Charge:
    """Store a capture and move its money, unless a review holds it back for a day."""
    core.store.add(taken, parent=order.id)
    order.charge_id = taken.id
    core.store.save(order)
    if taken.method["behaviour"] in ("review", "review_denied"):
        taken.status = "pending"
        core.store.save(taken)
        core.tell("capture.pending", taken)
        core.schedule("settle_capture", taken.id, core.now() + REVIEW_DAYS * DAY)
        return taken
    return _move(core, order, taken)


def settle_capture(core: Core, charge_id: str) -> None:
    """A review ends: the money comes, or it never will."""
    taken = core.store.get(Charge, charge_id)
    if taken.method["behaviour"] == "review_denied":
        taken.status = "failed"
        core.store.save(taken)
        core.tell("capture.denied", taken)
        return
    taken.status = "succeeded"
    _move(core, core.store.get(Intent, taken.intent_id), taken)


def captures(core: Core, authorization_id: str) -> list[Charge]:
    """The captures of an authorization, oldest first."""
    held = core.store.get(Authorization, authorization_id)
    charges = [c for _, c in core.store.newest(Charge, parent=held.intent_id)][::-1]
    return [c for c in charges if c.echo.get("authorization_id") == authorization_id]


def void(core: Core, authorization_id: str) -> Authorization:
    """Let go of what is held.

    Raises:
        Missing: no such authorization.
        Refusal: `already_captured`, `authorization_voided` or `authorization_expired`.
    """
    held = _usable(core, authorization_id)
    if held.captured_minor:
        raise Refusal("already_captured", "Part of this authorization was captured.")
    return _release(core, held, "voided")


def renew(core: Core, authorization_id: str, amount_minor: int | None) -> Authorization:
    """Hold the money again after the honour period, once: a new authorization.

    Raises:
        Missing: no such authorization.
        Refusal: `cannot_renew`, or as `void`.
    """
    held = _usable(core, authorization_id)
    amount = held.amount_minor if amount_minor is None else amount_minor
    if held.captured_minor or held.renewed or core.now() < held.honoured_until:
        raise Refusal("cannot_renew", "It was renewed or captured, or is honoured still.")
    if amount * 100 > held.amount_minor * 115:
        raise Refusal("cannot_renew", "At most 115 % can be authorised again.")
    held.renewed, held.status = True, "voided"
    core.store.save(held)
    order = core.store.get(Intent, held.intent_id)
    again = Authorization(
        core.new_id("auth"), core.now(), held.intent_id, amount, held.currency, held.method,
        core.now() + HONOUR_DAYS * DAY, held.expires_at, renewed=True,
    )  # fmt: skip
    core.store.add(again, parent=order.id)
    core.tell("authorization.created", again)
    core.schedule("lapse_authorization", again.id, again.expires_at)
    return again


def lapse(core: Core, authorization_id: str) -> None:
    """The time to capture is over."""
    held = core.store.get(Authorization, authorization_id)
    if held.status in OPEN:
        _release(core, held, "expired")


def _release(core: Core, held: Authorization, status: str) -> Authorization:
    held.status = status
    core.store.save(held)
    order = core.store.get(Intent, held.intent_id)
    if not held.captured_minor:
        order.status, order.cancelled_at = IntentStatus.CANCELLED, core.now()
    order.capturable_minor = 0
    core.store.save(order)
    core.tell("authorization.voided", held)
    return held


def _usable(core: Core, authorization_id: str) -> Authorization:
    held = core.store.get(Authorization, authorization_id)
    reasons = {
        "captured": "already_captured",
        "voided": "authorization_voided",
        "expired": "authorization_expired",
    }
    if held.status in reasons:
        raise Refusal(reasons[held.status], f"This authorization is {held.status}.")
    return held


def _move(core: Core, order: Intent, taken: Charge) -> Charge:
    kind = str(taken.method["kind"])
    line = core.book(
        "charge", taken.amount_minor, taken.currency, source_id=taken.id, charge_id=taken.id,
        fee_minor=payment_fee(taken.amount_minor, taken.currency, kind), method_kind=kind,
        description=order.description or "",
    )  # fmt: skip
    taken.captured, taken.captured_minor, taken.line_id = True, taken.amount_minor, line.id
    core.store.save(taken)
    core.move("capture", taken.amount_minor, taken.currency, order.id, taken.id)
    order.received_minor += taken.amount_minor
    core.store.save(order)
    core.tell("capture.completed", taken)
    return taken

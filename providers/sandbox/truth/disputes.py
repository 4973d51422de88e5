"""A payer's bank takes money back: opened, won, lost.

The dispute fee is taken when the dispute opens and kept whatever its end.
"""

from providers.sandbox.truth.core import Core
from providers.sandbox.truth.fees import dispute_fee
from providers.sandbox.truth.records import Charge, Dispute
from providers.sandbox.truth.refusals import Refusal


def open_dispute(core: Core, charge_id: str, reason: str, amount_minor: int | None) -> Dispute:
    """Withdraw a captured charge's money (what was not refunded, by default) and the fee.

    Raises:
        Missing: no such charge.
        Refusal: `cannot_dispute`, there is nothing to take back or it is taken already.
    """
    charge = core.store.get(Charge, charge_id)
    left = charge.captured_minor - charge.refunded_minor
    amount = left if amount_minor is None else amount_minor
    if charge.disputed or not 0 < amount <= left:
        raise Refusal("cannot_dispute", f"Charge {charge_id} cannot be disputed for {amount}.")
    dispute = Dispute(
        core.new_id("dp"), core.now(), charge.id, charge.intent_id, amount, charge.currency,
        reason, str(charge.method["details"].get("brand", "")),
    )  # fmt: skip
    line = core.book(
        "dispute", -amount, charge.currency, fee_minor=dispute_fee(charge.currency),
        source_id=dispute.id, charge_id=charge.id, method_kind=str(charge.method["kind"]),
        description=f"Chargeback withdrawal for {charge.id}",
    )  # fmt: skip
    dispute.line_ids.append(line.id)
    charge.disputed = True
    core.store.save(charge)
    core.store.add(dispute, parent=charge.id)
    core.move("dispute_withdrawn", -amount, charge.currency, charge.intent_id, dispute.id)
    core.tell("dispute.opened", dispute)
    core.tell("dispute.funds_withdrawn", dispute)
    return dispute


def win(core: Core, dispute_id: str) -> Dispute:
    """The bank gives the money back, not the fee.

    Raises:
        Missing: no such dispute.
        Refusal: `dispute_closed`.
    """
    dispute = _open(core, dispute_id)
    dispute.status = "won"
    charge = core.store.get(Charge, dispute.charge_id)
    line = core.book(
        "dispute_reversal", dispute.amount_minor, dispute.currency, source_id=dispute.id,
        charge_id=dispute.charge_id, method_kind=str(charge.method["kind"]),
        description=f"Chargeback reversal for {dispute.charge_id}",
    )  # fmt: skip
    dispute.line_ids.append(line.id)
    core.store.save(dispute)
    core.move(
        "dispute_returned", dispute.amount_minor, dispute.currency, dispute.intent_id, dispute.id
    )
    core.tell("dispute.funds_reinstated", dispute)
    core.tell("dispute.closed", dispute)
    return dispute


def lose(core: Core, dispute_id: str) -> Dispute:
    """The money is gone for good: the bank decided so, or the company accepted it.

    Raises:
        Missing: no such dispute.
        Refusal: `dispute_closed`.
    """
    dispute = _open(core, dispute_id)
    dispute.status = "lost"
    core.store.save(dispute)
    core.tell("dispute.closed", dispute)
    return dispute


def _open(core: Core, dispute_id: str) -> Dispute:
    dispute = core.store.get(Dispute, dispute_id)
    if dispute.status != "open":
        raise Refusal("dispute_closed", f"Dispute {dispute_id} was {dispute.status} before.")
    return dispute

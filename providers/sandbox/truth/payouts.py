"""Money on its way to the company's bank: swept, sent by hand, arrived, called off, returned.

An automatic payout is exactly the sum of its member lines; a line belongs to one payout at most.
"""

from providers.sandbox.truth.core import Core, midnight
from providers.sandbox.truth.records import Json, Payout
from providers.sandbox.truth.refusals import Refusal

ARRIVAL_DAYS = 2
SUBMIT_SECONDS = 3600
"""How long a payout made by hand can be called off."""
WHOLE_UNITS = {"HUF", "TWD"}
"""Currencies whose payouts must be multiples of 100 minor units; an uneven sum waits."""


def balances(core: Core) -> dict[str, tuple[int, int]]:
    """Currency -> (available, pending), both net minor units, of every currency ever booked."""
    now = core.now()
    rows = core.store.all(
        "SELECT currency,"
        " sum(CASE WHEN available_at <= ? THEN amount_minor - fee_minor ELSE 0 END),"
        " sum(CASE WHEN available_at > ? THEN amount_minor - fee_minor ELSE 0 END)"
        " FROM lines GROUP BY currency ORDER BY currency", now, now,
    )  # fmt: skip
    return {row[0]: (row[1], row[2]) for row in rows}


def sweep(core: Core) -> list[Payout]:
    """One automatic payout per currency with a positive sum of available, unswept lines."""
    made = []
    ready = core.lines("payout_id IS NULL AND available_at <= ?", core.now())
    for currency in sorted({line.currency for line in ready}):
        members = [line for line in ready if line.currency == currency]
        total = sum(line.net_minor for line in members)
        if total <= 0 or (currency in WHOLE_UNITS and total % 100):
            continue
        payout = _send(core, total, currency, automatic=True, status="in_transit")
        for line in members:
            core.store.run("UPDATE lines SET payout_id = ? WHERE id = ?", payout.id, line.id)
        core.tell("payout.reconciliation_completed", payout)
        made.append(payout)
    return made


def create(core: Core, amount_minor: int, currency: str, words: Json) -> Payout:
    """Send part of the available balance by hand; `words` are description, descriptor, metadata.

    Raises:
        Refusal: `balance_insufficient` or `not_whole`.
    """
    if amount_minor > balances(core).get(currency, (0, 0))[0]:
        raise Refusal(
            "balance_insufficient", "You have insufficient funds for this payout.", field="amount"
        )
    if currency in WHOLE_UNITS and amount_minor % 100:
        raise Refusal("not_whole", f"{currency} is paid out in whole units only.", field="amount")
    payout = _send(core, amount_minor, currency, automatic=False, status="pending", **words)
    core.schedule("submit_payout", payout.id, core.now() + SUBMIT_SECONDS)
    return payout


def submit(core: Core, payout_id: str) -> None:
    """The bank takes a payout made by hand."""
    payout = core.store.get(Payout, payout_id)
    if payout.status == "pending":
        payout.status = "in_transit"
        core.store.save(payout)
        core.tell("payout.updated", payout)


def arrive(core: Core, payout_id: str) -> None:
    """A payout is expected to have arrived."""
    payout = core.store.get(Payout, payout_id)
    if payout.status in ("pending", "in_transit"):
        payout.status = "paid"
        core.store.save(payout)
        core.tell("payout.paid", payout)


def cancel(core: Core, payout_id: str) -> Payout:
    """Call off a payout the bank has not taken yet.

    Raises:
        Missing: no such payout.
        Refusal: `payout_wrong_state`.
    """
    payout = core.store.get(Payout, payout_id)
    if payout.status != "pending":
        raise Refusal("payout_wrong_state", "Payouts can only be cancelled while they are pending.")
    return _return(core, payout, "cancelled", "payout.cancelled")


def fail(core: Core, payout_id: str, code: str) -> Payout:
    """The bank sends a payout back, even one that seemed paid.

    Raises:
        Missing: no such payout.
        Refusal: `payout_wrong_state`.
    """
    payout = core.store.get(Payout, payout_id)
    if payout.status in ("failed", "cancelled"):
        raise Refusal("payout_wrong_state", f"Payout {payout_id} is {payout.status}.")
    payout.failure_code = code
    return _return(core, payout, "failed", "payout.failed")


def _send(
    core: Core, amount_minor: int, currency: str, *, automatic: bool, status: str,
    description: str | None = None, statement_descriptor: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Payout:  # fmt: skip
    payout = Payout(
        core.new_id("po"), core.now(), amount_minor, currency, automatic,
        midnight(core.now(), ARRIVAL_DAYS), status, description,
        statement_descriptor, metadata or {},
    )  # fmt: skip
    line = core.book(
        "payout", -amount_minor, currency, source_id=payout.id, description=description or "PAYOUT",
        payout_id=payout.id if automatic else None,
    )  # fmt: skip
    payout.line_id = line.id
    core.store.add(payout)
    core.move("paid_out", -amount_minor, currency, None, payout.id)
    core.tell("payout.created", payout)
    core.schedule("arrive_payout", payout.id, payout.arrival_at)
    return payout


def _return(core: Core, payout: Payout, status: str, fact: str) -> Payout:
    line = core.book(
        "payout_reversal", payout.amount_minor, payout.currency, source_id=payout.id,
        description=f"{payout.description or 'PAYOUT'} {status}".upper(),
    )  # fmt: skip
    payout.status, payout.failure_line_id, payout.reversed_at = status, line.id, core.now()
    core.store.save(payout)
    core.move("payout_returned", payout.amount_minor, payout.currency, None, payout.id)
    core.tell(fact, payout)
    return payout

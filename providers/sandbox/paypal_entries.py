"""The world's balance lines in PayPal's terms: one entry per line of its books, and their codes.

Search and settlement files show the same entries. A dispute's fee is an entry of its own, as PayPal
books it; everything else is one entry per line.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Authorization, Charge, Intent, Line, Payout, Refund

SALE, REFUND, REVERSAL = "T0006", "T1107", "T1100"
CHARGEBACK, CHARGEBACK_FEE, CHARGEBACK_REVERSAL = "T1201", "T0106", "T1202"
GENERAL_FEE, SWEEP, WITHDRAWAL, WITHDRAWAL_REVERSAL = "T0100", "T0401", "T0403", "T1101"
AUTHORIZATION = "T1300"


@dataclass(frozen=True)
class Entry:
    """One entry; amounts in minor units, the fee positive when it is a cost."""

    transaction_id: str
    code: str
    at: int
    gross_minor: int
    fee_minor: int
    currency: str
    reference_id: str = ""
    reference_type: str = ""
    invoice_id: str = ""
    custom: str = ""
    bank_reference: str = ""

    @property
    def net_minor(self) -> int:
        """What the balance gains."""
        return self.gross_minor - self.fee_minor


def entries(core: Core, lines: Iterable[Line]) -> list[Entry]:
    """The entries of balance lines, in their order."""
    return [entry for line in lines for entry in _of(core, line)]


def authorizations(core: Core, first: int, last: int) -> list[Entry]:
    """Entries that move no money, of holds made from `first` to before `last`."""
    found = []
    for _, held in core.store.newest(Authorization):
        if first <= held.created_at < last:
            order = core.store.get(Intent, held.intent_id)
            found.append(
                Entry(
                    held.id, AUTHORIZATION, held.created_at, held.amount_minor, 0, held.currency,
                    reference_id=order.id, reference_type="ODR", **_words(order),
                )
            )  # fmt: skip
    return found[::-1]


def _of(core: Core, line: Line) -> list[Entry]:
    source = line.source_id or line.id
    entry = Entry(
        source, GENERAL_FEE, line.created_at, line.amount_minor, line.fee_minor, line.currency
    )
    match line.category:
        case "charge":
            return [_sale(core, entry)]
        case "refund" | "refund_failure":
            return [_refund(core, line, entry)]
        case "dispute" | "dispute_reversal":
            return _dispute(core, line, entry)
        case "payout" | "payout_reversal":
            return [_payout(core, line, entry)]
        case _:
            return [replace(entry, transaction_id=line.id)]


def _sale(core: Core, entry: Entry) -> Entry:
    charge = core.store.get(Charge, entry.transaction_id)
    held = str(charge.echo.get("authorization_id") or "")
    words = _words(core.store.get(Intent, charge.intent_id))
    if charge.echo.get("invoice_id"):
        words["invoice_id"] = str(charge.echo["invoice_id"])
    return replace(
        entry, code=SALE, reference_id=held, reference_type="TXN" if held else "", **words
    )


def _refund(core: Core, line: Line, entry: Entry) -> Entry:
    refund = core.store.get(Refund, entry.transaction_id)
    words: dict[str, Any] = {
        "invoice_id": refund.metadata.get("invoice_id", ""),
        "custom": refund.metadata.get("custom_id", ""),
    }
    if line.category == "refund":
        return replace(
            entry, code=REFUND, reference_id=refund.charge_id, reference_type="TXN", **words
        )
    return replace(
        entry, transaction_id=line.id, code=REVERSAL, reference_id=refund.id,
        reference_type="TXN", **words,
    )  # fmt: skip


def _dispute(core: Core, line: Line, entry: Entry) -> list[Entry]:
    charge = core.store.get(Charge, line.charge_id or "")
    words = _words(core.store.get(Intent, charge.intent_id))
    back = replace(
        entry, transaction_id=line.id, code=CHARGEBACK_REVERSAL, reference_id=charge.id,
        reference_type="TXN", **words,
    )  # fmt: skip
    if line.category == "dispute_reversal":
        return [back]
    fee = replace(
        back, transaction_id=f"{line.id[:-1]}F", code=CHARGEBACK_FEE, gross_minor=-line.fee_minor,
        fee_minor=0, reference_id=line.id,
    )  # fmt: skip
    return [replace(back, code=CHARGEBACK, fee_minor=0), fee]


def _payout(core: Core, line: Line, entry: Entry) -> Entry:
    payout = core.store.get(Payout, entry.transaction_id)
    if line.category == "payout_reversal":
        return replace(
            entry, transaction_id=line.id, code=WITHDRAWAL_REVERSAL, reference_id=payout.id,
            reference_type="TXN",
        )  # fmt: skip
    return replace(
        entry, code=SWEEP if payout.automatic else WITHDRAWAL, bank_reference=bank_reference(payout)
    )


def bank_reference(payout: Payout) -> str:
    """The reference under which the bank books a withdrawal."""
    return str(int.from_bytes(payout.id.encode()) % 10**13).rjust(13, "0")


def _words(order: Intent) -> dict[str, Any]:
    return {
        "invoice_id": str(order.echo.get("invoice_id") or ""),
        "custom": order.metadata.get("payment_id", ""),
    }

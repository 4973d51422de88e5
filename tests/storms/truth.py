"""What really happened at the provider, gathered from the world's own records and movements."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from providers.sandbox.truth.records import IntentStatus, Refund
from tests.storms.ground import Ground

NEVER = frozenset({IntentStatus.CANCELLED})
"""Statuses in which an intent can never take money any more."""

UNTOUCHED = frozenset({IntentStatus.NEEDS_METHOD, IntentStatus.NEEDS_CONFIRMATION})
"""Statuses in which an intent takes no money unless we confirm it."""


@dataclass
class Paid:
    """One payment object of the provider; amounts in minor units."""

    intent_id: str
    payment_id: str
    order: str
    status: str
    amount: int
    currency: str
    captured: int = 0
    refunded: int = 0
    refunds: list[Refund] = field(default_factory=list)


@dataclass
class Truth:
    """All of them, and the account's balance per currency."""

    paid: list[Paid]
    net: dict[str, int]

    def of_payment(self, payment_id: str) -> list[Paid]:
        """The objects that carry our payment id."""
        return [p for p in self.paid if p.payment_id == payment_id]

    def of_order(self, order: str) -> list[Paid]:
        """The objects that carry our order reference."""
        return [p for p in self.paid if p.order == order]

    def object(self, intent_id: str) -> Paid | None:
        """The object of that id."""
        return next((p for p in self.paid if p.intent_id == intent_id), None)


def read_truth(ground: Ground) -> Truth:
    """Ask the world itself, not its face."""
    world = ground.world
    moved: dict[str, Counter[str]] = defaultdict(Counter)
    for movement in world.movements():
        moved[movement.intent_id or ""][movement.kind] += movement.amount_minor
    refunds: dict[str, list[Refund]] = defaultdict(list)
    for refund in world.refunds():
        refunds[refund.intent_id].append(refund)
    net: Counter[str] = Counter()
    for line in world.balance_lines():
        net[line.currency] += line.net_minor
    paid = [
        Paid(
            i.id, i.metadata.get("payment_id", ""), i.metadata.get("order_reference", ""),
            i.status, i.amount_minor, i.currency, moved[i.id]["capture"],
            -moved[i.id]["refund"] - moved[i.id]["refund_returned"], refunds[i.id],
        )
        for i in world.intents()
    ]  # fmt: skip
    return Truth(paid, {c: n for c, n in net.items() if n})

"""What really happened at the provider, gathered from the world's own records and movements."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from providers.sandbox.truth.orders import UNPAID
from providers.sandbox.truth.records import Intent, IntentStatus, Refund
from tests.storms.ground import Ground

NEVER = frozenset({IntentStatus.CANCELLED})
"""Statuses in which an intent can never take money any more."""

UNTOUCHED = frozenset(
    {
        IntentStatus.NEEDS_METHOD,
        IntentStatus.NEEDS_CONFIRMATION,
        IntentStatus.NEEDS_ACTION,
        IntentStatus.APPROVED,
    }
)
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
            intent_id=i.id,
            payment_id=i.metadata.get("payment_id", ""),
            order=i.metadata.get("order_reference") or str(i.echo.get("invoice_id") or ""),
            status=_status(i),
            amount=i.amount_minor,
            currency=i.currency,
            captured=moved[i.id]["capture"],
            refunded=-moved[i.id]["refund"] - moved[i.id]["refund_returned"],
            refunds=refunds[i.id],
        )
        for i in world.intents()
    ]
    return Truth(paid, {c: n for c, n in net.items() if n})


def _status(intent: Intent) -> str:
    """Its status; an unpaid order that no call of ours fits any more is as good as cancelled."""
    verb, made_for = intent.echo.get("verb"), intent.echo.get("reference_id")
    fenced = verb is not None and verb != made_for and intent.status in UNPAID
    return IntentStatus.CANCELLED if fenced else intent.status

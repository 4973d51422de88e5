"""The bridge: our ledger's balance, plus and minus named open items, is the provider's balance.

Per currency, to the cent. What is left over after all items is the tie-out, and it has to be zero:
another figure is money nobody can name.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BridgeItem:
    """One thing that our ledger and the provider see differently."""

    break_id: str
    kind: str
    reference: str
    amount_minor: int
    """What has to be added to our balance to reach the provider's."""
    occurred_at: str
    """ISO 8601 UTC, empty when unknown."""
    age_days: int
    age: str
    """Ageing class."""
    state: str
    """`open`, or how a person closed it without moving the difference."""
    assignee: str = ""


@dataclass(frozen=True, slots=True)
class AtTheBank:
    """A provider's payouts in one currency up to an instant, and what the bank shows of them."""

    paid_minor: int
    """All payouts that did not come back."""
    in_transit_minor: int
    """Not there yet, and not late."""
    late_minor: int
    """Not there, and late, or nobody can say which line they are."""
    off_minor: int
    """What arrived above or below what was paid, together."""
    arrived_minor: int
    """By the bank's own lines."""

    @property
    def tie_out_minor(self) -> int:
        """What nobody can name: the bank's lines less everything that leads to them."""
        led = self.paid_minor - self.in_transit_minor - self.late_minor + self.off_minor
        return self.arrived_minor - led


@dataclass(frozen=True, slots=True)
class Bridge:
    """One provider account in one currency at an instant; minor units."""

    provider: str
    account: str
    mode: str
    currency: str
    at: datetime
    ledger_minor: int
    """The provider's balance in our books, from the postings."""
    opening_minor: int
    """What the provider held before our books begin, as it states it; 0 where it states nothing."""
    items: tuple[BridgeItem, ...]
    """Oldest first."""
    tolerated_minor: int
    """Differences that a rule allows, together."""
    provider_minor: int
    """The provider's balance from its own lines."""
    stated_minor: int | None
    """The same as the provider states it, where it does for this instant."""
    bank: "AtTheBank | None" = None
    """The payouts on their way from the provider's balance to the bank, where its statements were
    taken in."""

    @property
    def open_minor(self) -> int:
        """All items together."""
        return sum(item.amount_minor for item in self.items)

    @property
    def tie_out_minor(self) -> int:
        """What nobody can name: the provider's balance less everything that leads to it."""
        led = self.ledger_minor + self.opening_minor + self.open_minor + self.tolerated_minor
        return self.provider_minor - led

    @property
    def bank_tie_out_minor(self) -> int:
        """What nobody can name of the payouts at the bank; 0 without statements."""
        return self.bank.tie_out_minor if self.bank else 0

    @property
    def gap_minor(self) -> int | None:
        """The provider's stated balance less that from its lines; None where it states none."""
        return None if self.stated_minor is None else self.stated_minor - self.provider_minor

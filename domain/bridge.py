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
    in_transit_minor: int = 0
    """Payouts that left the provider and have not reached the bank."""
    bank_minor: int | None = None
    """What reached the bank, where statements were taken in."""

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
    def gap_minor(self) -> int | None:
        """The provider's stated balance less that from its lines; None where it states none."""
        return None if self.stated_minor is None else self.stated_minor - self.provider_minor

"""Transactions: single movements of money, as the provider shows them and as our ledger keeps them.

A movement is named by (kind, provider reference) within one provider account; the same movement
seen again is the same movement, whatever brought the news.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.settlement import LineKind, LineStatus

_RANK = {
    LineStatus.PENDING: 0,
    LineStatus.PROCESSING: 1,
    LineStatus.SUCCEEDED: 2,
    LineStatus.CANCELLED: 3,
    LineStatus.FAILED: 4,
}
"""A refund that succeeded can still fail days later, never the other way round."""


@dataclass(frozen=True, slots=True)
class Movement:
    """The provider's view of one movement of a payment."""

    kind: LineKind
    reference: str
    """The provider's id of what moved: charge, refund or dispute."""
    amount_minor: int
    """Signed effect on our balance at the provider, before fees."""
    fee_minor: int | None
    """Positive is a cost; None while the provider has not stated it."""
    status: LineStatus
    occurred_at: datetime
    operation_id: str | None = None
    """Our operation that caused it, when the provider's metadata carries it."""

    @property
    def name(self) -> tuple[LineKind, str]:
        """What makes it this movement and no other."""
        return self.kind, self.reference

    def join(self, newer: "Movement") -> "Movement":
        """Both observations of one movement in one: the further status, the first stated fee.

        Commutative and idempotent in all that decides money, so that order and repetition of
        observations do not matter; amounts of equal movements are equal (`observe` checks it).
        """
        first, last = sorted((self, newer), key=lambda m: (_RANK[m.status], m.occurred_at))
        fees = [m.fee_minor for m in (self, newer) if m.fee_minor is not None]
        return replace(
            last,
            fee_minor=max(fees) if fees else None,
            operation_id=self.operation_id or newer.operation_id,
            occurred_at=min(first.occurred_at, last.occurred_at),
        )


@dataclass(frozen=True, slots=True)
class Transaction:
    """One line of our ledger that we expect to find at the provider."""

    transaction_id: str
    payment_id: str | None
    provider: str
    account: str
    mode: str
    kind: LineKind
    provider_reference: str
    amount_minor: int
    """Signed effect on our balance at the provider, before fees."""
    currency: str
    fee_minor: int | None
    """Positive is a cost; None while unknown, which counts as nothing."""
    status: LineStatus
    occurred_at: datetime
    origin: str = "payment"
    """`payment` for our own operations, `import` for lines of a ledger file."""
    operation_id: str | None = None

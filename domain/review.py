"""Reviews: what no machine may decide, kept until a person has looked at it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.provider import ProviderAccount


class ReviewKind(StrEnum):
    """Why a person is needed."""

    CONTRADICTED = "contradicted"
    """The provider shows something that cannot be true of this payment."""
    TOO_OLD = "too_old"
    """Sent, never seen, and its key is too old to be sent again."""
    UNSETTLED = "unsettled"
    """The outcome has been unknown for longer than it should be."""
    REFUSED = "refused"
    """Refused for a reason that says nothing about the request: a bug or a wrong setting."""
    ORPHAN = "orphan"
    """Money at the provider that none of our payments knows of."""


class Resolution(StrEnum):
    """What a person has found out about what a review is about."""

    DONE = "done"
    """It happened at the provider, under a reference that is named."""
    NOT_DONE = "not_done"
    """It did not happen and never will."""
    DISMISSED = "dismissed"
    """Nothing is to be booked: it is explained, or somebody else's."""


@dataclass(frozen=True, slots=True)
class Review:
    """One thing to look at; the amount is in minor units of its currency."""

    review_id: str
    owner: ProviderAccount
    kind: ReviewKind
    subject: str
    """What it is about: an operation, a payment, or the provider's id of an orphan."""
    payment_id: str
    """Our payment, empty for an orphan."""
    operation_id: str
    amount_minor: int | None
    currency: str
    reason: str
    """One sentence for the one who looks."""
    evidence: str
    """Canonical JSON of what was seen."""
    opened_at: datetime
    seen_at: datetime
    """Last time it was found to be still so."""
    closed_at: datetime | None = None
    closed_by: str = ""
    resolution: str = ""
    ticket: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look."""
        return self.closed_at is None

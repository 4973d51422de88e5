"""What recovery tells: payments of a sweep, the evidence behind a payment, orphans of a window."""

from dataclasses import dataclass
from enum import StrEnum

from domain.audit import AuditRecord
from domain.operation import Operation
from domain.payment import Payment
from domain.review import Review


class SweptAs(StrEnum):
    """What became of one payment in a sweep."""

    SETTLED = "settled"
    """Nothing about it is open any more."""
    MOVED = "moved"
    """Something new was learnt, and more is to come."""
    WAITING = "waiting"
    """Asked; the customer or their bank has to act first."""
    UNKNOWN = "unknown"
    """Asked; the outcome is still not known."""
    REVIEW = "review"
    """Only a person can go on."""
    NOT_ASKED = "not_asked"
    """Its provider could not be asked, or somebody else is at it."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One payment of a sweep."""

    payment_id: str
    provider: str
    outcome: SweptAs
    before: str
    """Its state before, as an operator sees it."""
    after: str
    changes: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a payment, in the order in which it became known."""

    payment: Payment
    operations: list[Operation]
    reviews: list[Review]
    history: list[AuditRecord]
    settles: dict[str, str]
    """What would settle each open operation, by its id, in a sentence."""


@dataclass(frozen=True, slots=True)
class Orphans:
    """What a window showed."""

    listed: int
    """Objects of the provider in the window."""
    adopted: tuple[str, ...]
    """Our payments whose lost object was found."""
    reviews: tuple[Review, ...]
    """Money that is nobody's, new to the queue or in it already."""

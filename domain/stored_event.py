"""A stored webhook event: what it is, why it is believed, what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.provider import ProviderAccount
from domain.webhook import EventState, Proof, Topic


class Source(StrEnum):
    """How an event came to us."""

    DELIVERY = "delivery"
    FILE = "file"
    LISTING = "listing"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event of one account, stored once however often it was delivered."""

    event_id: str
    owner: ProviderAccount
    provider_event_id: str
    type: str
    topic: Topic
    object_id: str
    provider_payment_id: str
    payment_id: str
    """Our payment, once it is known."""
    occurred_at: datetime
    received_at: datetime
    source: Source
    proof: Proof
    body_digest: str
    """SHA-256 of the bytes, checked whenever they are read again."""
    state: EventState = EventState.RECEIVED
    attempts: int = 0
    deliveries: int = 1
    next_attempt_at: datetime | None = None
    last_error: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to apply an event."""

    number: int
    at: datetime
    outcome: EventState
    error: str
    operator: str


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which stored events are meant; None leaves a word out."""

    provider: str | None = None
    type: str | None = None
    state: EventState | None = None
    payment_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None

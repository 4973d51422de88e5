"""Webhooks: what a provider tells us happened, a hint about one of our payments or its account.

"Seen" and "done" are two facts: an event is stored once, by (provider, account, mode, event id),
and applied through `observe` as often as anybody likes, with one result.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.payment import Snapshot


class Topic(StrEnum):
    """What an event is about; decides its handler."""

    PAYMENT = "payment"
    """A payment or anything that moves its money: charge, capture, authorization, order."""
    REFUND = "refund"
    DISPUTE = "dispute"
    PAYOUT = "payout"
    METHOD = "method"
    """A payment method was attached, changed or removed."""
    ACCOUNT = "account"
    """The account itself: balance, reports, capabilities."""
    OTHER = "other"
    """No handler: kept by name, and ignored."""


class EventState(StrEnum):
    """What became of a stored event."""

    RECEIVED = "received"
    """Durably stored, not yet applied."""
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    """Applied; it taught nothing new."""
    PARKED = "parked"
    """About a payment that is not ours, or not yet; asked for again later."""
    IGNORED = "ignored"
    """A type without a handler."""
    FAILED = "failed"
    """The last attempt failed; tried again."""
    DEAD = "dead"
    """Failed too often; waits for a person."""
    DISCARDED = "discarded"
    """A person decided that it is not to be applied."""


class Proof(StrEnum):
    """Why a stored event is believed to come from the provider."""

    SIGNATURE = "signature"
    """The bytes carry the provider's signature."""
    CERTIFICATE = "certificate"
    """Signed by the provider's certificate; binds a checksum only, so the event is a hint."""
    POSTBACK = "postback"
    """The provider confirmed it when asked."""
    LISTING = "listing"
    """We fetched it from the provider ourselves."""


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event, read from its raw bytes by the adapter of its provider."""

    provider_event_id: str
    type: str
    """The provider's word, such as `payment_intent.succeeded`."""
    topic: Topic
    occurred_at: datetime
    object_id: str
    """The provider's id of what it is about: intent, order, refund, dispute, payout, method."""
    provider_payment_id: str = ""
    """The provider's payment to be asked for; empty when the event does not say."""
    payment_id: str = ""
    """Our id, when the object's metadata carries it."""
    references: tuple[str, ...] = ()
    """Ids of movements our books may know the payment by, such as the capture that was refunded."""
    snapshot: Snapshot | None = None
    """The provider's view as the event shows it: only of whole objects whose every byte is signed.
    Without one the payment is asked for."""


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event as the provider's own list shows it, with the bytes to be kept."""

    event: ProviderEvent
    body: bytes

"""Webhook events as plain data for every format."""

from typing import Any

from domain.clock import iso
from domain.stored_event import Attempt, StoredEvent
from domain.webhook import ListedEvent
from tscli.render.view import Column

EVENT_COLUMNS = (
    Column("id", "event", stack=True),
    Column("type", "type", stack=True),
    Column("state", "state"),
    Column("attempts", "tries", number=True),
    Column("payment_id", "payment", stack=True),
    Column("received_at", "received", stack=True),
)
APPLIED_COLUMNS = (
    Column("id", "event", stack=True),
    Column("type", "type", stack=True),
    Column("outcome", "outcome"),
    Column("changed", "what changed", stack=True),
    Column("why", "why", stack=True),
)
MISSING_COLUMNS = (
    Column("provider_event_id", "event", stack=True),
    Column("type", "type"),
    Column("finding", "finding"),
    Column("occurred_at", "occurred", stack=True),
)
STATUS_COLUMNS = (
    Column("provider", "provider"),
    Column("what", "what"),
    Column("count", "count", number=True),
)


def event_data(event: StoredEvent) -> dict[str, Any]:
    """One stored event."""
    following, done = event.next_attempt_at, event.done_at
    return {
        "id": event.event_id,
        "provider": event.owner.provider,
        "account": event.owner.account,
        "mode": event.owner.mode,
        "provider_event_id": event.provider_event_id,
        "type": event.type,
        "topic": event.topic.value,
        "state": event.state.value,
        "object_id": event.object_id,
        "payment_id": event.payment_id,
        "occurred_at": iso(event.occurred_at),
        "received_at": iso(event.received_at),
        "source": event.source.value,
        "proof": event.proof.value,
        "deliveries": event.deliveries,
        "attempts": event.attempts,
        "next_attempt_at": iso(following) if following else None,
        "last_error": event.last_error,
        "done_at": iso(done) if done else None,
    }


def attempt_data(attempt: Attempt) -> dict[str, Any]:
    """One try."""
    return {
        "number": attempt.number,
        "at": iso(attempt.at),
        "outcome": attempt.outcome.value,
        "error": attempt.error,
        "operator": attempt.operator,
    }


def applied_data(applied: Any) -> dict[str, Any]:
    """What came of one event."""
    event: StoredEvent = applied.event
    return {
        "id": event.event_id,
        "provider_event_id": event.provider_event_id,
        "type": event.type,
        "outcome": applied.outcome.value,
        "state": event.state.value,
        "payment_id": event.payment_id,
        "changes": list(applied.changes),
        "changed": ", ".join(applied.changes),
        "why": applied.why,
    }


def listed_data(item: ListedEvent) -> dict[str, Any]:
    """An event the provider has and we have not."""
    return {
        "provider_event_id": item.event.provider_event_id,
        "type": item.event.type,
        "finding": "missing",
        "occurred_at": iso(item.event.occurred_at),
    }


def undone_data(event: StoredEvent) -> dict[str, Any]:
    """An event we have and did not apply."""
    return {
        "provider_event_id": event.provider_event_id,
        "type": event.type,
        "finding": event.state.value,
        "occurred_at": iso(event.occurred_at),
    }

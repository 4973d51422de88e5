"""Inbox rules: which attempt at a stored event leads to which state, and when it is tried again.

An attempt that fails or finds no payment is no evidence about money; it only moves the event's
own state. After `ATTEMPTS_LIMIT` attempts a failing event is dead and waits for a person, and one
about nobody's payment is ignored: money that is nobody's is found by listing, not by events.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.webhook import EventState

ATTEMPTS_LIMIT = 10
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=6)

WAITING = frozenset({EventState.RECEIVED, EventState.PARKED, EventState.FAILED})
"""States from which an event is tried by itself."""
DONE = frozenset({EventState.APPLIED, EventState.UNCHANGED, EventState.IGNORED})
"""States in which the event has had its effect, or can have none."""


@dataclass(frozen=True, slots=True)
class AfterAttempt:
    """The event's state after an attempt, its count of attempts and the next one's instant."""

    state: EventState
    attempts: int
    next_attempt_at: datetime | None


def after_attempt(
    outcome: EventState, attempts_before: int, now: datetime, limit: int = ATTEMPTS_LIMIT
) -> AfterAttempt:
    """What an attempt that ended as `outcome` makes of its event.

    Raises:
        ValueError: an attempt cannot end as `outcome`.
    """
    attempts = attempts_before + 1
    if outcome in DONE:
        return AfterAttempt(outcome, attempts, None)
    if outcome not in (EventState.PARKED, EventState.FAILED):
        raise ValueError(f"no attempt ends as {outcome}")
    if attempts >= limit and outcome is EventState.PARKED:
        return AfterAttempt(EventState.IGNORED, attempts, None)
    if attempts >= limit:
        return AfterAttempt(EventState.DEAD, attempts, None)
    return AfterAttempt(outcome, attempts, now + wait_after(attempts))


def wait_after(attempts: int) -> timedelta:
    """How long an event waits after its n-th attempt: doubling, up to `LONGEST_WAIT`."""
    doublings = min(max(attempts - 1, 0), 16)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)

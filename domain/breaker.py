"""The circuit breaker as a value: closed, open, half open; pure transitions, no clock, no storage.

Its state is shared by all processes through whoever stores it, by compare-and-set on `version`.
Only signs that a provider is down count: declines, refusals and rate limits never do.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class BreakerState(StrEnum):
    """Whether calls pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """One probe is under way; it decides."""


FAILURES_MAX = 5
"""Failures in a row that open the circuit."""

OPEN_FOR = timedelta(seconds=60)
"""How long it stays open at first; doubled after each failed probe."""

OPEN_FOR_MAX = timedelta(minutes=15)

PROBE_FOR = timedelta(seconds=90)
"""How long a probe may be silent before another process may try."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker of one provider account."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    """Failures in a row."""
    trips: int = 0
    """Openings in a row without a success in between."""
    since: datetime | None = None
    """When it opened, or when the probe started."""
    version: int = 0

    def open_until(self) -> datetime | None:
        """Until when calls are refused; None when it is not open."""
        if self.state is not BreakerState.OPEN or self.since is None:
            return None
        wait: timedelta = OPEN_FOR * 2 ** min(max(self.trips - 1, 0), 10)
        return self.since + min(wait, OPEN_FOR_MAX)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a call may be made, and the breaker to be stored first."""

    admitted: bool
    after: Breaker
    retry_at: datetime | None = None
    """When a refused call may be tried again."""


def admit(breaker: Breaker, now: datetime) -> Admission:
    """Ask for a call; a changed breaker in the answer must be stored before the call is made."""
    if breaker.state is BreakerState.CLOSED:
        return Admission(True, breaker)
    if breaker.state is BreakerState.OPEN:
        until = breaker.open_until()
        if until is not None and now < until:
            return Admission(False, breaker, until)
        return Admission(True, _next(breaker, state=BreakerState.HALF_OPEN, since=now))
    silent_until = (breaker.since or now) + PROBE_FOR
    if now < silent_until:
        return Admission(False, breaker, silent_until)
    return Admission(True, _next(breaker, since=now))


def succeeded(breaker: Breaker) -> Breaker:
    """After a call that proves the provider is up, whatever it said."""
    if breaker.state is BreakerState.CLOSED and not breaker.failures:
        return breaker
    return _next(breaker, state=BreakerState.CLOSED, failures=0, trips=0, since=None)


def failed(breaker: Breaker, now: datetime) -> Breaker:
    """After a call that says the provider is down."""
    if breaker.state is BreakerState.HALF_OPEN:
        return _opened(breaker, now)
    if breaker.state is BreakerState.OPEN:
        return breaker
    counted = _next(breaker, failures=breaker.failures + 1)
    return _opened(counted, now) if counted.failures >= FAILURES_MAX else counted


def _opened(breaker: Breaker, now: datetime) -> Breaker:
    return _next(breaker, state=BreakerState.OPEN, trips=breaker.trips + 1, since=now)


def _next(breaker: Breaker, **changes: Any) -> Breaker:
    return replace(breaker, version=breaker.version + 1, **changes)

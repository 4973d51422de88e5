"""The one clock: instants are UTC and come from here, nowhere else."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Something that knows the present instant."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)


@dataclass
class SetClock:
    """A clock that stands still until it is moved: for the sandbox world, demos and tests."""

    at: datetime

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self.at

    def advance(self, step: timedelta) -> None:
        """Move forward by `step`."""
        self.at += step


def utc(instant: datetime) -> datetime:
    """The same instant in UTC.

    Raises:
        ValueError: the instant has no zone, so it names no moment.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone")
    return instant.astimezone(UTC)


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01 UTC: how instants are stored and compared, exactly."""
    return (utc(instant) - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The inverse of `to_micros`."""
    return _EPOCH + timedelta(microseconds=micros)


def iso(instant: datetime) -> str:
    """ISO 8601 in UTC with a Z, whole seconds when there is no fraction."""
    return utc(instant).isoformat().replace("+00:00", "Z")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

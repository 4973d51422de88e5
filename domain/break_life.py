"""The life of a break over many runs: opened, carried forward, closed by evidence or by a person.

A break that is found again is the same break. One that nobody found any more although its rows were
looked at is cleared, and the evidence is kept. One that a person closed stays closed as long as it
says the same; it opens again when it says something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from domain.breaks import Break
from domain.buckets import Bucket
from domain.settlement import LineStatus


class BreakState(StrEnum):
    """Whether a break still needs somebody."""

    OPEN = "open"
    RESOLVED = "resolved"


class Closing(StrEnum):
    """How a break was closed."""

    NONE = ""
    CLEARED = "cleared"
    """By later evidence: the rows agree now."""
    BOOKED = "booked"
    """Our ledger has booked what the provider reported."""
    WRITTEN_OFF = "written_off"
    """The difference was posted to suspense."""
    ACCEPTED = "accepted"
    """A person said why it may stand; nothing was posted."""
    MATCHED = "matched"
    """A person said that two breaks are each other's missing side."""


STANDING = frozenset({Closing.WRITTEN_OFF, Closing.ACCEPTED, Closing.MATCHED})
"""Closings under which a break is found again by every run that looks, and stays closed."""

Effect = Mapping[str, int]
"""Currency -> minor units by which the provider's balance is above ours because of a break."""

AGES = ((1, "0-1"), (3, "2-3"), (7, "4-7"), (30, "8-30"), (90, "31-90"))
OLDEST = "over 90"


def age_class(days: int) -> str:
    """The ageing class of a number of days: 0-1, 2-3, 4-7, 8-30, 31-90, over 90."""
    return next((name for most, name in AGES if days <= most), OLDEST)


@dataclass(frozen=True, slots=True)
class BreakRecord:
    """One break as it stands now."""

    break_id: str
    provider: str
    account: str
    mode: str
    kind: Bucket
    provider_reference: str
    currency: str
    transaction_id: str
    payment_id: str
    state: BreakState
    closing: Closing
    effect: Effect
    occurred_at: datetime
    """When the money moved as far as known, else the end of the first run's period."""
    first_run_id: str
    last_run_id: str
    first_seen_at: datetime
    """End of the period of the first run that saw it."""
    last_seen_at: datetime
    assignee: str = ""
    snoozed_until: datetime | None = None
    version: int = 1

    def age_days(self, on: date) -> int:
        """Whole days from the break's own date to `on`."""
        return max(0, (on - self.occurred_at.astimezone(UTC).date()).days)

    def asleep(self, now: datetime) -> bool:
        """Whether somebody put it off until later."""
        return self.snoozed_until is not None and now < self.snoozed_until


@dataclass(frozen=True, slots=True)
class BreakEvent:
    """One thing that happened to a break."""

    at: datetime
    operator: str
    action: str
    """opened, changed, cleared, reopened, assigned, commented, snoozed, resolved."""
    note: str
    run_id: str = ""
    transaction_id: str = ""


@dataclass(frozen=True, slots=True)
class BreakFilter:
    """Which breaks are meant; None or empty means any."""

    kind: str | None = None
    state: str | None = None
    provider: str | None = None
    currency: str | None = None
    assignee: str | None = None
    run_id: str | None = None
    break_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A break as it stands and as it was last found."""

    record: BreakRecord
    item: Break
    run_id: str


def effect_of(item: Break) -> dict[str, int]:
    """By how much the provider's balance is above ours because of a break, net of fees.

    A line of ours counts once it has succeeded: before that it is not in our balance.
    """
    found: dict[str, int] = {}
    if item.reported is not None:
        side = item.reported
        found[side.currency] = side.amount_minor - side.fee_minor
    if item.expected is not None and item.expected.status == LineStatus.SUCCEEDED:
        side = item.expected
        found[side.currency] = found.get(side.currency, 0) - side.amount_minor + side.fee_minor
    return {currency: minor for currency, minor in sorted(found.items()) if minor}


def stays_closed(record: BreakRecord, item: Break) -> bool:
    """Whether a closed break that was found again says what it said when a person closed it."""
    same = record.kind is item.kind and dict(record.effect) == effect_of(item)
    return record.closing in STANDING and same

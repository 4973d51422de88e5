"""Figures of a period: what moved, how payments went, what failed, how long it took.

Counted in the database and told in reports. Whole numbers only: money in minor units, durations in
milliseconds, shares as two counts.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, TypeVar

from domain.run import Period, Run

Row = TypeVar("Row", "Moved", "PaymentCount", "Failures", "KeyUse", "EventCount", "Refused")


@dataclass(frozen=True, slots=True)
class Moved:
    """Succeeded transactions of one kind and currency of a provider account."""

    provider: str
    account: str
    kind: str
    currency: str
    count: int
    amount_minor: int
    """Signed as in the provider's balance: refunds and payouts are negative."""
    fee_minor: int

    @property
    def net_minor(self) -> int:
        """What the provider's balance gained."""
        return self.amount_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class PaymentCount:
    """Payments created in the period, in one state and currency."""

    provider: str
    account: str
    state: str
    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Failures:
    """Refused or failed operations of one kind with one reason."""

    provider: str
    kind: str
    """create, capture, cancel or refund."""
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took: (milliseconds, how often), ascending."""

    provider: str
    what: str
    counted: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """How many were measured."""
        return sum(times for _, times in self.counted)

    def percentile(self, percent: int) -> int | None:
        """The duration that `percent` of all do not exceed (nearest rank); None of nothing."""
        rank = -(-self.count * percent // 100)
        for milliseconds, times in self.counted:
            rank -= times
            if rank <= 0:
                return milliseconds
        return None


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Idempotency keys recorded in the period, by what they were for."""

    kind: str
    keys: int
    resent: int
    """Operations of theirs whose provider keys were renewed: another attempt."""


@dataclass(frozen=True, slots=True)
class EventCount:
    """Webhook events received in the period, of one type, source and state."""

    provider: str
    type: str
    source: str
    state: str
    count: int
    deliveries: int
    """How often they came: more than `count` is repetition."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Deliveries that were not believed, for one reason."""

    provider: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Acts:
    """Audit records of one action by one operator."""

    action: str
    operator: str
    count: int


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day, or one longer period told as a whole."""

    on: date
    """Its first day in the zone of the period."""
    period: Period
    moved: tuple[Moved, ...]
    payments: tuple[PaymentCount, ...]
    failures: tuple[Failures, ...]
    durations: tuple[Durations, ...]
    keys: tuple[KeyUse, ...]
    events: tuple[EventCount, ...]
    delays: tuple[Durations, ...]
    """Of webhook events, from happening to being received."""
    refused: tuple[Refused, ...]
    runs: tuple[Run, ...]
    """The newest run of every provider account and period that touches this one, by account."""

    @property
    def accounts(self) -> set[tuple[str, str]]:
        """(provider, account) that anything happened at or that were compared."""
        found = {(moved.provider, moved.account) for moved in self.moved}
        found |= {(counted.provider, counted.account) for counted in self.payments}
        return found | {(run.provider, run.account) for run in self.runs}


def merged(days: Sequence[DayFigures], period: Period) -> DayFigures:
    """Days as one: every figure is the sum of its days.

    Raises:
        ValueError: there are no days.
    """
    if not days:
        raise ValueError("nothing to merge")
    return DayFigures(
        on=days[0].on,
        period=period,
        moved=tuple(_summed([m for d in days for m in d.moved], 4)),
        payments=tuple(_summed([p for d in days for p in d.payments], 4)),
        failures=tuple(_summed([f for d in days for f in d.failures], 3)),
        durations=_joined([x for d in days for x in d.durations]),
        keys=tuple(_summed([k for d in days for k in d.keys], 1)),
        events=tuple(_summed([e for d in days for e in d.events], 4)),
        delays=_joined([x for d in days for x in d.delays]),
        refused=tuple(_summed([r for d in days for r in d.refused], 2)),
        runs=tuple({run.run_id: run for d in days for run in d.runs}.values()),
    )


def _summed(rows: Sequence[Row], keys: int) -> list[Row]:
    """Rows of one class added up by their first `keys` fields, sorted by these."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        values = tuple(getattr(row, field.name) for field in fields(row))
        held = sums.setdefault(values[:keys], [0] * (len(values) - keys))
        for place, number in enumerate(values[keys:]):
            held[place] += number
    return [type(rows[0])(*key, *sums[key]) for key in sorted(sums)]


def _joined(rows: Sequence[Durations]) -> tuple[Durations, ...]:
    counted: dict[tuple[str, str], Counter[int]] = {}
    for row in rows:
        counted.setdefault((row.provider, row.what), Counter()).update(dict(row.counted))
    return tuple(Durations(*key, tuple(sorted(counted[key].items()))) for key in sorted(counted))

"""Which breaks were open at an instant: today's open ones, and what happened since, undone.

An instant here is business time: a break that a run found counts from when its money moved, what a
run saw agree from the end of the period it compared, what a person did from when they did it. So
yesterday's report says tomorrow what it says today.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class OpenBreak:
    """What a summary needs of a break."""

    break_id: str
    provider: str
    account: str
    kind: str
    reference: str
    currency: str
    effect: tuple[tuple[str, int], ...]
    """(currency, minor units by which the provider's balance is above ours)."""
    occurred_at: datetime
    assignee: str

    def age_days(self, at: datetime) -> int:
        """Whole days from its own date to an instant's."""
        return max(0, (at.astimezone(UTC).date() - self.occurred_at.astimezone(UTC).date()).days)


@dataclass(frozen=True, slots=True)
class BreakChange:
    """A break that opened or closed."""

    at: datetime
    about: OpenBreak
    opened: bool


@dataclass(frozen=True, slots=True)
class BreakHistory:
    """The breaks that are open now, and every change since an instant, oldest first."""

    open_now: tuple[OpenBreak, ...]
    changes: tuple[BreakChange, ...]

    def open_at(self, at: datetime) -> tuple[OpenBreak, ...]:
        """The breaks that were open when everything up to `at` had happened, by id."""
        found = {item.break_id: item for item in self.open_now}
        for change in reversed(self.changes):
            if change.at <= at:
                break
            if change.opened:
                found.pop(change.about.break_id, None)
            else:
                found[change.about.break_id] = change.about
        return tuple(found[name] for name in sorted(found))


def open_value(breaks: Iterable[OpenBreak]) -> Mapping[str, int]:
    """What breaks come to by currency, regardless of their signs: money somebody has to explain."""
    sums: dict[str, int] = {}
    for item in breaks:
        for currency, minor in item.effect:
            sums[currency] = sums.get(currency, 0) + abs(minor)
    return dict(sorted(sums.items()))

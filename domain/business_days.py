"""Business dates: the days a company closes its books for, and the calendar days each one covers.

A date that is no business date is covered by the next one: with weekends off, Monday's run covers
Saturday and Sunday as well, so that no day is ever left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from domain.errors import InvalidRequest

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Their words, Monday first."""

_DAY = timedelta(days=1)
_SEARCHED_DAYS = 366
"""A calendar without a business date in so many days is none."""


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """Which dates are business dates."""

    weekdays: frozenset[int] = frozenset(range(7))
    """0 is Monday."""
    holidays: frozenset[date] = frozenset()

    def holds(self, on: date) -> bool:
        """Whether a date is a business date."""
        return on.weekday() in self.weekdays and on not in self.holidays

    def at_or_before(self, on: date) -> date:
        """The date itself, or the last business date before it.

        Raises:
            InvalidRequest: there is none for a year.
        """
        return self._search(on, -_DAY)

    def at_or_after(self, on: date) -> date:
        """The date itself, or the first business date after it.

        Raises:
            InvalidRequest: there is none for a year.
        """
        return self._search(on, _DAY)

    def covered(self, on: date) -> list[date]:
        """The calendar days that a business date's run covers, itself the last."""
        first = self.at_or_before(on - _DAY) + _DAY
        return [first + timedelta(days=n) for n in range((on - first).days + 1)]

    def between(self, first: date, last: date) -> Iterator[date]:
        """The business dates of [first, last] in order."""
        for n in range((last - first).days + 1):
            if self.holds(first + timedelta(days=n)):
                yield first + timedelta(days=n)

    def _search(self, on: date, step: timedelta) -> date:
        for _ in range(_SEARCHED_DAYS):
            if self.holds(on):
                return on
            on += step
        raise InvalidRequest("The calendar has no business date for a whole year.")

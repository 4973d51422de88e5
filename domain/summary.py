"""A summary of days: their figures, the breaks that were open, and how both came about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.figures import DayFigures, merged
from domain.open_breaks import OpenBreak
from domain.run import Period, Run


@dataclass(frozen=True, slots=True)
class OpenOn:
    """The breaks that were open at the end of a day."""

    on: date
    breaks: int
    value: Mapping[str, int]
    """Currency -> minor units, regardless of signs."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A day, a month or any other span of whole days of one mode."""

    name: str
    """`daily` or `monthly`."""
    mode: str
    days: tuple[DayFigures, ...]
    """In order, without gaps."""
    open_breaks: tuple[OpenBreak, ...]
    """At `as_of`."""
    as_of: datetime
    """The end of the last day, or now while it has not ended."""
    trend: tuple[OpenOn, ...]
    """The days of the summary that have begun, and some before a single one, in order."""
    trend_runs: tuple[Run, ...]
    """The runs of the days of the trend."""
    reviews: Mapping[str, int]
    """What waited for a person at the end of the last day: kind -> how many."""
    whole: DayFigures = field(init=False)
    """All days as one."""

    def __post_init__(self) -> None:
        first, last = self.days[0].period, self.days[-1].period
        period = Period(first.start_at, last.end_at, first.timezone)
        object.__setattr__(self, "whole", merged(self.days, period))

    @property
    def unreconciled(self) -> list[tuple[date, str, str]]:
        """Days on which money moved at an account that no run compared: (day, provider,
        account)."""
        found = []
        for day in self.days:
            moved = {(m.provider, m.account) for m in day.moved}
            compared = {
                (run.provider, run.account)
                for run in day.runs
                if run.period.start_at <= day.period.start_at
                and run.period.end_at >= day.period.end_at
            }
            found += [(day.on, *account) for account in sorted(moved - compared)]
        return found

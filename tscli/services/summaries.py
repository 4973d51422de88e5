"""Summaries of days and months: figures counted by the database, put together once."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from db.database import Books
from domain.figures import DayFigures
from domain.open_breaks import open_value
from domain.run import Period
from domain.summary import OpenOn, Summary
from tscli.services.periods import check_zone, period_of

if TYPE_CHECKING:
    from tscli.services.context import Context

_TREND_DAYS = 14
"""So many days, the last included, a picture shows that belongs to a single day."""


def daily(context: "Context", on: date, mode: str, timezone: str) -> Summary:
    """One day in a zone.

    Raises:
        InvalidRequest: an unknown zone.
    """
    trend = [on - timedelta(days=back) for back in reversed(range(_TREND_DAYS))]
    return _summary(context, "daily", [on], trend, mode, timezone)


def monthly(context: "Context", first: date, mode: str, timezone: str) -> Summary:
    """The calendar month of a day in a zone.

    Raises:
        InvalidRequest: an unknown zone.
    """
    days = [first.replace(day=n + 1) for n in range(monthrange(first.year, first.month)[1])]
    return _summary(context, "monthly", days, days, mode, timezone)


def _summary(
    context: "Context",
    name: str,
    days: Sequence[date],
    trend: Sequence[date],
    mode: str,
    timezone: str,
) -> Summary:
    periods = {on: period_of(on, on + timedelta(days=1), timezone) for on in {*days, *trend}}
    last, now = periods[days[-1]], context.clock.now()
    begin, as_of = periods[min(periods)].start_at, min(last.end_at, now)
    with context.database.read() as books:
        history = books.figures.break_history(mode, begin)
        begun = [on for on in trend if periods[on].start_at <= now]
        opened = [(on, history.open_at(periods[on].end_at)) for on in begun]
        return Summary(
            name=name,
            mode=mode,
            days=tuple(figures_of(books, periods[on], mode) for on in days),
            open_breaks=history.open_at(as_of),
            as_of=as_of,
            trend=tuple(OpenOn(on, len(held), open_value(held)) for on, held in opened),
            trend_runs=books.figures.runs(mode, Period(begin, last.end_at, timezone)),
            reviews=books.figures.open_reviews(mode, as_of),
        )


def figures_of(books: Books, period: Period, mode: str) -> DayFigures:
    """The figures of one period."""
    figures = books.figures
    return DayFigures(
        on=period.start_at.astimezone(check_zone(period.timezone)).date(),
        period=period,
        moved=figures.moved(mode, period),
        payments=figures.payments(mode, period),
        failures=figures.failures(mode, period),
        durations=figures.durations(mode, period),
        keys=figures.keys(mode, period),
        events=figures.events(mode, period),
        delays=figures.delays(mode, period),
        refused=figures.refused(period),
        runs=figures.runs(mode, period),
    )

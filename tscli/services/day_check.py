"""Whether the morning ran: one sentence for a monitor that asks."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from domain.business_days import BusinessDays
from domain.day import DayRecord, DayState, StepRecord, StepState, outcome_word
from tscli.day_settings import DaySection
from tscli.services.periods import check_zone

if TYPE_CHECKING:
    from tscli.services.context import Context

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of the date that was asked about."""

    on: date
    mode: str
    ok: bool
    outcome: str
    """A word of `domain.day.OUTCOMES`, or `missing`."""
    sentence: str


def due_date(section: DaySection, now: datetime) -> date:
    """The newest business date whose run should be done by now.

    Raises:
        InvalidRequest: an unknown zone.
    """
    zone, calendar = check_zone(section.timezone), section.calendar
    on = calendar.at_or_before(now.astimezone(zone).date() - _DAY)
    due = datetime.combine(on + _DAY, section.due_by, zone)
    return on if due <= now else calendar.at_or_before(on - _DAY)


def check_day(context: "Context", section: DaySection, mode: str, on: date | None) -> Checked:
    """Look at a date's run, or at the one that should be done by now."""
    wanted = on or due_date(section, context.clock.now())
    covered = _covering(section.calendar, wanted)
    with context.database.read() as books:
        day = books.days.find(covered, mode)
        steps = books.days.steps(covered, mode) if day else []
        first = books.days.first(mode)
    if day is None and on is None and first is not None and covered < first:
        said = f"{covered}: nothing was due yet, the first run was of {first}."
        return Checked(covered, mode, ok=True, outcome="done", sentence=said)
    if day is None:
        said = f"{covered}: its run is missing; `tscli day run --catch-up` makes up for it."
        return Checked(covered, mode, ok=False, outcome="missing", sentence=said)
    return _judged(day, steps)


def _covering(calendar: BusinessDays, on: date) -> date:
    """The business date whose run covers a date."""
    return calendar.at_or_after(on)


def _judged(day: DayRecord, steps: list[StepRecord]) -> Checked:
    outcome = outcome_word(day.state, day.exit_code)
    ok = day.state is DayState.DONE
    undone = [one for one in steps if one.state is not StepState.DONE and one.step != "notify"]
    if ok:
        breaks = sum(int(one.facts.get("breaks", 0)) for one in steps)
        said = f"{day.on}: done{f', {breaks} breaks' if breaks else ''}."
    elif day.state is DayState.RUNNING:
        said = f"{day.on}: unfinished since {day.started_at:%Y-%m-%d %H:%M} UTC, attempt"
        said += f" {day.attempts}; `tscli day run --date {day.on}` goes on."
    else:
        first = undone[0] if undone else None
        why = f"{' '.join(filter(None, first.name))}: {first.note}" if first else "see its steps"
        more = f" and {len(undone) - 1} more" if len(undone) > 1 else ""
        said = f"{day.on}: {day.state}, {why}{more}."
    return Checked(day.on, day.mode, ok, outcome, said)


def list_days(
    context: "Context", mode: str | None, limit: int
) -> list[tuple[DayRecord, list[StepRecord]]]:
    """Days with their steps, the latest first."""
    with context.database.read() as books:
        return [(one, books.days.steps(one.on, one.mode)) for one in books.days.newest(mode, limit)]


def get_day(context: "Context", on: date, mode: str) -> tuple[DayRecord, list[StepRecord]]:
    """One day with its steps.

    Raises:
        NotFound: it was never begun.
    """
    with context.database.read() as books:
        return books.days.get(on, mode), books.days.steps(on, mode)

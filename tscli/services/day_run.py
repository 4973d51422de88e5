"""A day's run: its steps in order, each kept as it ends, so that whatever dies goes on from there.

A step that is done is not done again; one that was under way when its process died is. Every step
is an existing service that may be run twice, so both ways lead to the same books.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from domain.day import (
    PARTIAL,
    DayRecord,
    DayState,
    Reason,
    StepRecord,
    StepState,
    outcome_word,
    verdict,
)
from domain.errors import (
    Busy,
    InvalidRequest,
    OutcomeUnknown,
    PaymentsError,
    Unavailable,
    UnreadableExport,
)
from domain.operator import Permission
from tscli.services.day_plan import Found, Morning, Name, after, plan
from tscli.services.day_reports import write_reports
from tscli.services.day_steps import WORK
from tscli.services.periods import check_zone
from tscli.services.permission import require

if TYPE_CHECKING:
    from db.exclusive import Held
    from tscli.services.context import Context

_LATER = (Unavailable, OutcomeUnknown, Busy)
"""Errors that a later attempt may not meet."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayDone:
    """What became of one business date."""

    on: date
    state: DayState
    exit_code: int
    steps: tuple[StepRecord, ...]
    """Those of the plan, in its order."""
    already_done: bool = False
    """Nothing was left to do."""

    @property
    def outcome(self) -> str:
        """In one word."""
        return outcome_word(self.state, self.exit_code)


@dataclass(frozen=True, slots=True)
class Due:
    """Which business dates are to be run."""

    dates: tuple[date, ...]
    left: tuple[date, ...] = ()
    """Earlier ones that are not done and stay so."""


def last_business_date(context: "Context", morning: Morning, *, asked: bool = False) -> date:
    """The newest business date that is over, and unless it is asked for, whose morning has begun.

    Raises:
        InvalidRequest: an unknown zone.
    """
    section, zone = morning.section, check_zone(morning.section.timezone)
    now = context.clock.now()
    on = section.calendar.at_or_before(now.astimezone(zone).date() - _DAY)
    begins_at = datetime.combine(on + _DAY, section.begins_at, zone)
    return on if asked or begins_at <= now else section.calendar.at_or_before(on - _DAY)


def due_dates(context: "Context", morning: Morning, on: date | None, *, catch_up: bool) -> Due:
    """The dates of a command: the named one, or the last one, with what was missed before it.

    Raises:
        InvalidRequest: the named date is not over, or no business date.
    """
    asked = on is not None
    last = last_business_date(context, morning, asked=asked)
    calendar = morning.section.calendar
    if on is not None:
        if on > last:
            raise InvalidRequest(
                f"{on} is not over, or no business date yet.", hint=f"The last one is {last}."
            )
        if not calendar.holds(on):
            raise InvalidRequest(
                f"{on} is no business date.",
                hint=f"It is covered by `tscli day run --date {calendar.at_or_after(on)}`.",
            )
        return Due((on,))
    since = last - timedelta(days=morning.section.catch_up_days)
    with context.database.read() as books:
        known = books.days.newest(morning.mode, morning.section.catch_up_days + 1, since)
    if not known:
        return Due((last,))
    done = {one.on for one in known if one.state is DayState.DONE}
    first = min(one.on for one in known)
    missed = [day for day in calendar.between(first, last - _DAY) if day not in done]
    return Due((*missed, last)) if catch_up else Due((last,), tuple(missed))


async def run_days(
    context: "Context",
    morning: Morning,
    dates: Sequence[date],
    *,
    redo: str = "",
    dry_run: bool = False,
    held: "Held" = lambda: None,
) -> list[DayDone]:
    """Run business dates in their order; one that stays open does not keep the others.

    `redo` names a step that is done again, with what follows from it, although it is done. `held`
    looks whether nobody else can be at work, before every step and before whatever is kept of it.

    Raises:
        NotPermitted: the operator may not.
        AlreadyRunning: `held` says so.
    """
    for permission in (Permission.WEBHOOKS, Permission.RECOVER, Permission.RECONCILE):
        require(context, permission)
    done = []
    for on in sorted(set(dates)):
        run = _Run(context, morning, on, held, redo=redo, dry_run=dry_run)
        done.append(await run.through())
    return done


class _Run:
    """One business date under way."""

    def __init__(
        self,
        context: "Context",
        morning: Morning,
        on: date,
        held: "Held",
        *,
        redo: str,
        dry_run: bool,
    ) -> None:
        self._context, self._morning, self._on = context, morning, on
        self._held, self._dry_run = held, dry_run
        self._names = plan(morning)
        with context.database.read() as books:
            self._day = books.days.find(on, morning.mode)
            kept = {one.name: one for one in books.days.steps(on, morning.mode)}
        self._before = (self._day.state, self._day.exit_code) if self._day else None
        self._steps: dict[Name, StepRecord] = {
            name: kept.get(name) or StepRecord(on, morning.mode, *name, StepState.PENDING)
            for name in self._names
        }
        for name in (one for one in self._names if one[0] == redo):
            self._steps[name] = replace(self._steps[name], state=StepState.PENDING)

    async def through(self) -> DayDone:
        """Do what is left to do."""
        ended = self._day is not None and self._day.state is DayState.DONE
        if ended and all(one.state is StepState.DONE for one in self._steps.values()):
            return self._told(already_done=True)
        self._save_day(DayState.RUNNING, 0, begins=True)
        for name in self._names:
            if self._steps[name].state is not StepState.DONE:
                await self._do(name)
                await asyncio.sleep(0)  # where Ctrl-C is heard when nothing else was waited for
        state, exit_code = verdict(self._steps.values())
        self._save_day(state, exit_code)
        return self._told()

    def _told(self, *, already_done: bool = False) -> DayDone:
        steps = tuple(self._steps[name] for name in self._names)
        return DayDone(self._on, *verdict(steps), steps, already_done)

    async def _do(self, name: Name) -> None:
        """One step, from the row that says it runs to the row that says what came of it."""
        before = self._steps[name]
        running = replace(
            before,
            state=StepState.RUNNING,
            attempts=before.attempts + 1,
            started_at=self._context.clock.now(),
            ended_at=None,
        )
        self._keep([running])
        found = await self._found(name)
        ended = replace(
            running,
            state=found.state,
            ended_at=self._context.clock.now(),
            exit_code=found.exit_code,
            reason=found.reason,
            note=found.note[:500],
            facts=dict(found.facts),
        )
        brought = found.state is StepState.DONE or ended.facts != before.facts
        again = after(self._morning, name, self._names) if brought else []
        self._keep(
            [
                ended,
                *(
                    replace(self._steps[other], state=StepState.PENDING)
                    for other in again
                    if self._steps[other].state is not StepState.PENDING
                ),
            ]
        )
        word = found.reason or found.state.value
        self._morning.tell(f"{self._on} {' '.join(filter(None, name))}: {word}, {ended.note}")

    async def _found(self, name: Name) -> Found:
        """What a step finds; an error it ends with as a value."""
        step, subject = name
        waits = self._waits_for(name)
        if waits:
            return Found(StepState.OPEN, f"waits for {waits}", {}, PARTIAL, Reason.WAITS.value)
        try:
            if step == "reports":
                steps = list(self._steps.values())
                return write_reports(
                    self._context, self._morning, self._on, steps, dry_run=self._dry_run
                )
            return await WORK[step](
                self._context, self._morning, self._on, subject, dry_run=self._dry_run
            )
        except _LATER as error:
            return Found(StepState.OPEN, error.message, {}, PARTIAL, Reason.OUTAGE.value)
        except UnreadableExport as error:
            return Found(StepState.OPEN, error.message, {}, PARTIAL, Reason.UNREADABLE.value)
        except PaymentsError as error:
            code = self._morning.exit_of(error)
            return Found(StepState.FAILED, error.message, {}, code, error.code)
        except OSError as error:
            said = f"this machine would not do it: {error.strerror or type(error).__name__}"
            return Found(StepState.FAILED, said, {}, PARTIAL, "machine")

    def _waits_for(self, name: Name) -> str:
        """The files without which an account cannot be compared, in words."""
        step, subject = name
        if step != "reconcile":
            return ""
        feeds = self._morning.feeds(self._morning.owner(subject))
        waits = [f for f in feeds if self._steps["fetch", f].state is not StepState.DONE]
        return f"the files of {' and '.join(waits)}" if waits else ""

    def _keep(self, steps: Sequence[StepRecord]) -> None:
        self._held()
        self._steps |= {one.name: one for one in steps}
        with self._context.database.transaction(dry_run=self._dry_run) as books:
            if not self._dry_run:
                books.days.save_steps(steps)

    def _save_day(self, state: DayState, exit_code: int, *, begins: bool = False) -> None:
        """Keep where the day stands; what it came to is a fact of the audit trail."""
        self._held()
        context, now, known = self._context, self._context.clock.now(), self._day
        attempts = (known.attempts if known else 0) + begins
        day = DayRecord(
            self._on, self._morning.mode, self._morning.environment,
            self._morning.section.timezone, state, attempts, known.started_at if known else now,
            None if begins else now, context.actor.operator, context.actor.host, exit_code,
        )  # fmt: skip
        self._day = day
        with context.database.transaction(dry_run=self._dry_run) as books:
            books.days.save(day)
            if begins:
                books.days.save_steps(list(self._steps.values()))
            elif (state, exit_code) != self._before:
                after_it = {"state": state.value, "exit_code": exit_code}
                books.record(
                    context.actor, "day.completed", f"{self._on} {day.mode}", after=after_it
                )

"""A day's run: the steps of a morning, where each stands, and what all of them come to.

A step is `done`, or `open` (something has to arrive or answer first), or `failed` (somebody has to
change something). What was `running` when its process died is done again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    """To be done, or to be done again because a step before it has brought something new."""
    RUNNING = "running"
    DONE = "done"
    OPEN = "open"
    FAILED = "failed"


class DayState(StrEnum):
    """Where a day stands."""

    RUNNING = "running"
    DONE = "done"
    OPEN = "open"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a step is open."""

    AWAITED = "awaited"
    """A file that is not due yet."""
    LATE = "late"
    """A file that should be there by now."""
    MISSING = "missing"
    """A file that has been late for a whole day."""
    PARTIAL = "partial"
    """A file that is there and not whole: too small, cut off, or against its own figures."""
    UNREADABLE = "unreadable"
    OUTAGE = "outage"
    """A provider that cannot be asked."""
    WAITS = "waits"
    """It needs another step that is open."""


STEPS = ("webhooks", "recover", "fetch", "reconcile", "reports", "notify")
"""The steps in their order."""

SILENT = frozenset({"notify"})
"""Steps that never decide about a day: a messenger who fails has not made the message untrue."""

FOUND_NOTHING, FINDINGS, PARTIAL, UNKNOWN = 0, 1, 3, 6
_WORST_FIRST = (PARTIAL, UNKNOWN, FINDINGS)


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a day, for one account or source where `subject` names it."""

    on: date
    mode: str
    step: str
    subject: str
    state: StepState
    attempts: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int = 0
    reason: str = ""
    """Why it is open: a `Reason`; or the code of the error it failed with."""
    note: str = ""
    """One sentence for people."""
    facts: Mapping[str, int | str] = field(default_factory=dict)
    """What it did, in counts and names."""

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from the other steps of its day."""
        return self.step, self.subject


@dataclass(frozen=True, slots=True)
class DayRecord:
    """The run of one business date in one mode."""

    on: date
    mode: str
    environment: str
    timezone: str
    state: DayState
    attempts: int
    started_at: datetime
    """When it was first begun."""
    ended_at: datetime | None
    """When its last attempt ended, None while one is under way or was killed."""
    operator: str
    host: str
    exit_code: int = 0


def verdict(steps: Iterable[StepRecord]) -> tuple[DayState, int]:
    """What the steps of a day come to: its state, and the exit code that tells of it."""
    counted = [one for one in steps if one.step not in SILENT]
    failed = [one.exit_code for one in counted if one.state is StepState.FAILED]
    if failed:
        return DayState.FAILED, max(failed)
    codes = {one.exit_code for one in counted}
    if any(one.state is not StepState.DONE for one in counted):
        return DayState.OPEN, PARTIAL
    return DayState.DONE, next((code for code in _WORST_FIRST if code in codes), FOUND_NOTHING)


def outcome_word(state: DayState, exit_code: int) -> str:
    """A day in one word: done, findings, unknown, open, failed or running.

    >>> outcome_word(DayState.DONE, 1), outcome_word(DayState.OPEN, 3)
    ('findings', 'open')
    """
    if state is not DayState.DONE or not exit_code:
        return state.value
    return {FINDINGS: "findings", UNKNOWN: "unknown"}.get(exit_code, "findings")


OUTCOMES = ("done", "findings", "unknown", "open", "failed", "running")
"""Every word of `outcome_word`."""


def worst(codes: Iterable[int]) -> int:
    """The exit code that tells of several days: a failure first, then what is open."""
    found = set(codes)
    failed = found - {FOUND_NOTHING, *_WORST_FIRST}
    if failed:
        return max(failed)
    return next((code for code in _WORST_FIRST if code in found), FOUND_NOTHING)

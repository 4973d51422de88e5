"""Days and their steps as plain values and columns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.clock import iso
from domain.day import DayRecord, StepRecord, StepState, outcome_word
from domain.run import Run
from tscli.render.view import Column

STEP_COLUMNS = (
    Column("date", "date"),
    Column("step", "step"),
    Column("subject", "about"),
    Column("state", "state"),
    Column("reason", "reason"),
    Column("note", "what came of it"),
)
RUN_COLUMNS = (
    Column("name", "run"),
    Column("kind", "kind"),
    Column("subject", "about"),
    Column("outcome", "outcome"),
    Column("breaks", "breaks", number=True),
    Column("seconds", "seconds", number=True),
    Column("started_at", "started"),
)


def step_data(step: StepRecord) -> dict[str, Any]:
    """One step of a day."""
    return {
        "date": step.on.isoformat(),
        "step": step.step,
        "subject": step.subject,
        "state": step.state.value,
        "reason": step.reason,
        "exit_code": step.exit_code,
        "attempts": step.attempts,
        "started_at": iso(step.started_at) if step.started_at else None,
        "ended_at": iso(step.ended_at) if step.ended_at else None,
        "note": step.note,
        "facts": dict(step.facts),
    }


def done_data(done: Any) -> dict[str, Any]:
    """What a command made of one business date."""
    return {
        "date": done.on.isoformat(),
        "outcome": done.outcome,
        "state": done.state.value,
        "exit_code": done.exit_code,
        "already_done": done.already_done,
        "steps": [step_data(step) for step in done.steps],
    }


def done_lines(days: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence for each date."""
    return [
        f"{one['date']}: {'already ' if one['already_done'] else ''}{one['outcome']}."
        for one in days
    ]


def day_data(day: DayRecord, steps: Sequence[StepRecord]) -> dict[str, Any]:
    """One day as it stands."""
    counted = [s for s in steps if s.step == "reconcile"]
    return {
        "name": day.on.isoformat(),
        "kind": "day",
        "subject": f"{day.environment} ({day.mode})" if day.environment != day.mode else day.mode,
        "outcome": outcome_word(day.state, day.exit_code),
        "state": day.state.value,
        "exit_code": day.exit_code,
        "breaks": sum(int(s.facts.get("breaks", 0)) for s in counted),
        "attempts": day.attempts,
        "timezone": day.timezone,
        "operator": day.operator,
        "host": day.host,
        "started_at": iso(day.started_at),
        "ended_at": iso(day.ended_at) if day.ended_at else None,
        "seconds": sum(_seconds(s.started_at, s.ended_at) for s in steps),
        "undone": [" ".join(filter(None, s.name)) for s in steps if s.state is not StepState.DONE],
    }


def run_row(run: Run) -> dict[str, Any]:
    """One reconciliation run beside the days."""
    return {
        "name": run.run_id,
        "kind": "reconciliation",
        "subject": f"{run.provider}/{run.account}/{run.mode} from {run.period.start_at:%Y-%m-%d}",
        "outcome": "findings" if run.break_count else "done",
        "breaks": run.break_count,
        "started_at": iso(run.started_at),
        "seconds": None,
    }


def _seconds(start: datetime | None, end: datetime | None) -> int:
    """Whole seconds that the last attempt at a step took."""
    return int((end - start).total_seconds()) if start and end else 0

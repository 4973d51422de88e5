"""Days and their steps: where every morning's run stands, so that a killed one goes on from there.

The rows say what was done, they are no proof of it: every step may be done twice.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from db.schema import day_steps, days
from domain.audit import canonical
from domain.clock import from_micros, to_micros
from domain.day import STEPS, DayRecord, DayState, StepRecord, StepState
from domain.errors import NotFound


class Days:
    """The days and day_steps tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, on: date, mode: str) -> DayRecord | None:
        """One day, None when it was never begun."""
        query = select(days).where(days.c.day_on == on.isoformat(), days.c.mode == mode)
        row = self._connection.execute(query).first()
        return None if row is None else _day(row)

    def get(self, on: date, mode: str) -> DayRecord:
        """One day.

        Raises:
            NotFound: it was never begun.
        """
        found = self.find(on, mode)
        if found is None:
            raise NotFound(
                f"There is no run of the {mode} day {on}.", hint=f"`tscli day run --date {on}`."
            )
        return found

    def newest(self, mode: str | None, limit: int, since: date | None = None) -> list[DayRecord]:
        """Days, the latest first."""
        query = select(days).order_by(days.c.day_on.desc(), days.c.mode).limit(limit)
        if mode is not None:
            query = query.where(days.c.mode == mode)
        if since is not None:
            query = query.where(days.c.day_on >= since.isoformat())
        return [_day(row) for row in self._connection.execute(query)]

    def first(self, mode: str) -> date | None:
        """The oldest day that was ever begun."""
        query = select(days.c.day_on).where(days.c.mode == mode).order_by(days.c.day_on).limit(1)
        found = self._connection.execute(query).scalar()
        return None if found is None else date.fromisoformat(found)

    def steps(self, on: date, mode: str) -> list[StepRecord]:
        """The steps of a day in their order."""
        query = select(day_steps).where(
            day_steps.c.day_on == on.isoformat(), day_steps.c.mode == mode
        )
        found = [_step(row) for row in self._connection.execute(query)]
        return sorted(found, key=lambda one: (STEPS.index(one.step), one.subject))

    def save(self, day: DayRecord) -> None:
        """Keep a day as it stands."""
        self._upsert(days, [_day_row(day)], ("day_on", "mode"))

    def save_steps(self, steps: Sequence[StepRecord]) -> None:
        """Keep steps as they stand."""
        if steps:
            rows = [_step_row(step) for step in steps]
            self._upsert(day_steps, rows, ("day_on", "mode", "step", "subject"))

    def _upsert(self, table: Any, rows: list[dict[str, object]], keys: tuple[str, ...]) -> None:
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(table)
        changed = {n: statement.excluded[n] for n in rows[0] if n not in keys}
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=list(keys), set_=changed), rows
        )


def _day_row(day: DayRecord) -> dict[str, object]:
    return {
        "day_on": day.on.isoformat(),
        "mode": day.mode,
        "environment": day.environment,
        "timezone": day.timezone,
        "state": day.state.value,
        "attempts": day.attempts,
        "started_at": to_micros(day.started_at),
        "ended_at": to_micros(day.ended_at) if day.ended_at else None,
        "operator": day.operator,
        "host": day.host,
        "exit_code": day.exit_code,
    }


def _day(row: Row[Any]) -> DayRecord:
    return DayRecord(
        date.fromisoformat(row.day_on), row.mode, row.environment, row.timezone,
        DayState(row.state), row.attempts, from_micros(row.started_at),
        None if row.ended_at is None else from_micros(row.ended_at), row.operator, row.host,
        row.exit_code,
    )  # fmt: skip


def _step_row(step: StepRecord) -> dict[str, object]:
    return {
        "day_on": step.on.isoformat(),
        "mode": step.mode,
        "step": step.step,
        "subject": step.subject,
        "state": step.state.value,
        "attempts": step.attempts,
        "started_at": to_micros(step.started_at) if step.started_at else None,
        "ended_at": to_micros(step.ended_at) if step.ended_at else None,
        "exit_code": step.exit_code,
        "reason": step.reason,
        "note": step.note,
        "facts": canonical(dict(step.facts)).decode(),
    }


def _step(row: Row[Any]) -> StepRecord:
    return StepRecord(
        date.fromisoformat(row.day_on), row.mode, row.step, row.subject, StepState(row.state),
        row.attempts,
        None if row.started_at is None else from_micros(row.started_at),
        None if row.ended_at is None else from_micros(row.ended_at),
        row.exit_code, row.reason, row.note, json.loads(row.facts),
    )  # fmt: skip

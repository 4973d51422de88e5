"""Figures of a period, counted by the database: aggregates only, never a row of a payment."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from db.audit import audit_record
from db.runs import Runs
from db.schema import (
    audit,
    break_events,
    breaks,
    idempotency,
    operations,
    payments,
    reviews,
    runs,
    transactions,
    webhook_events,
    webhook_refusals,
)
from domain.audit import AuditRecord
from domain.clock import from_micros, to_micros
from domain.figures import (
    Acts,
    Durations,
    EventCount,
    Failures,
    KeyUse,
    Moved,
    PaymentCount,
    Refused,
)
from domain.open_breaks import BreakChange, BreakHistory, OpenBreak
from domain.run import Period, Run

_MILLISECOND = 1_000
"""Microseconds in one."""
_OPENS = frozenset({"opened", "reopened"})
_CLOSES = frozenset({"cleared", "resolved"})


class Figures:
    """Sums and counts of one mode (live or test) over a period."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def moved(self, mode: str, period: Period) -> tuple[Moved, ...]:
        """Succeeded transactions by provider account, kind and currency."""
        t = transactions.c
        keys = (t.provider, t.account, t.kind, t.currency)
        query = (
            select(
                *keys,
                func.count(),
                func.sum(t.amount_minor),
                func.coalesce(func.sum(t.fee_minor), 0),
            )
            .where(t.mode == mode, t.status == "succeeded", *_within(t.occurred_at, period))
            .group_by(*keys)
            .order_by(*keys)
        )
        return tuple(Moved(*row[:4], *map(int, row[4:])) for row in self._rows(query))

    def payments(self, mode: str, period: Period) -> tuple[PaymentCount, ...]:
        """Payments created in the period by provider account, state and currency."""
        p = payments.c
        keys = (p.provider, p.account, p.state, p.currency)
        query = (
            select(*keys, func.count(), func.sum(p.amount_minor))
            .where(p.mode == mode, *_within(p.created_at, period))
            .group_by(*keys)
            .order_by(*keys)
        )
        return tuple(PaymentCount(*row[:4], *map(int, row[4:])) for row in self._rows(query))

    def failures(self, mode: str, period: Period) -> tuple[Failures, ...]:
        """Refused operations begun in the period by provider, kind and reason."""
        o = operations.c
        told = func.coalesce(func.nullif(payments.c.failure_code, ""), o.error_code)
        keys = (payments.c.provider, o.kind, case((o.kind == "create", told), else_=o.error_code))
        query = (
            select(*keys, func.count())
            .select_from(operations.join(payments, o.payment_id == payments.c.payment_id))
            .where(
                payments.c.mode == mode, o.state == "refused", *_within(o.created_at, period)
            )
            .group_by(*keys)
            .order_by(*keys)
        )  # fmt: skip
        return tuple(Failures(row[0], row[1], row[2], int(row[3])) for row in self._rows(query))

    def durations(self, mode: str, period: Period) -> tuple[Durations, ...]:
        """From the first byte sent to a certain outcome, by provider and kind of operation."""
        o = operations.c
        took = (o.updated_at - o.sent_at) / _MILLISECOND
        query = (
            select(payments.c.provider, o.kind, _whole(took), func.count())
            .select_from(operations.join(payments, o.payment_id == payments.c.payment_id))
            .where(
                payments.c.mode == mode,
                o.state.in_(("done", "refused")),
                o.sent_at.is_not(None),
                *_within(o.created_at, period),
            )
            .group_by(payments.c.provider, o.kind, _whole(took))
        )
        return _durations(self._rows(query))

    def keys(self, mode: str, period: Period) -> tuple[KeyUse, ...]:
        """Idempotency keys recorded in the period by what they were for."""
        i, o = idempotency.c, operations.c
        again = func.sum(func.coalesce(o.attempt, 1) - 1)
        query = (
            select(o.kind, func.count(), again)
            .select_from(
                idempotency.join(operations, i.operation_id == o.operation_id).join(
                    payments, i.payment_id == payments.c.payment_id
                )
            )
            .where(payments.c.mode == mode, *_within(i.created_at, period))
            .group_by(o.kind)
            .order_by(o.kind)
        )
        return tuple(KeyUse(row[0], int(row[1]), int(row[2])) for row in self._rows(query))

    def events(self, mode: str, period: Period) -> tuple[EventCount, ...]:
        """Webhook events received in the period by provider, type, source and state."""
        e = webhook_events.c
        keys = (e.provider, e.type, e.source, e.state)
        query = (
            select(*keys, func.count(), func.sum(e.deliveries))
            .where(e.mode == mode, *_within(e.received_at, period))
            .group_by(*keys)
            .order_by(*keys)
        )
        return tuple(EventCount(*row[:4], *map(int, row[4:])) for row in self._rows(query))

    def delays(self, mode: str, period: Period) -> tuple[Durations, ...]:
        """From an event's happening to its being received, by provider and source."""
        e = webhook_events.c
        took = (e.received_at - e.occurred_at) / _MILLISECOND
        query = (
            select(e.provider, e.source, _whole(took), func.count())
            .where(e.mode == mode, *_within(e.received_at, period))
            .group_by(e.provider, e.source, _whole(took))
        )
        return _durations(self._rows(query))

    def refused(self, period: Period) -> tuple[Refused, ...]:
        """Deliveries that were not believed by provider and reason."""
        r = webhook_refusals.c
        query = (
            select(r.provider, r.reason, func.count())
            .where(*_within(r.at, period))
            .group_by(r.provider, r.reason)
            .order_by(r.provider, r.reason)
        )
        return tuple(Refused(row[0], row[1], int(row[2])) for row in self._rows(query))

    def acts(self, period: Period) -> tuple[Acts, ...]:
        """Audit records of the period by action and operator."""
        a = audit.c
        query = (
            select(a.action, a.operator, func.count())
            .where(*_within(a.recorded_at, period))
            .group_by(a.action, a.operator)
            .order_by(a.action, a.operator)
        )
        return tuple(Acts(row[0], row[1], int(row[2])) for row in self._rows(query))

    def records(
        self, period: Period, actions: Sequence[str], limit: int
    ) -> tuple[AuditRecord, ...]:
        """Audit records of some actions in a period, oldest first."""
        a = audit.c
        query = (
            select(audit)
            .where(a.action.in_(actions), *_within(a.recorded_at, period))
            .order_by(a.recorded_at, a.audit_id)
            .limit(limit)
        )
        return tuple(map(audit_record, self._rows(query)))

    def runs(self, mode: str, period: Period) -> tuple[Run, ...]:
        """The newest run of each provider account and compared period that touches this one."""
        r = runs.c
        query = (
            select(r.run_id)
            .where(
                r.mode == mode,
                r.start_at < to_micros(period.end_at),
                r.end_at > to_micros(period.start_at),
            )
            .order_by(r.started_at.desc(), r.run_id.desc())
        )
        stored = Runs(self._connection)
        newest: dict[tuple[object, ...], Run] = {}
        for row in self._rows(query):
            run = stored.get(row.run_id)
            newest.setdefault((run.provider, run.account, run.period), run)
        return tuple(
            sorted(newest.values(), key=lambda n: (n.provider, n.account, n.period.start_at))
        )

    def open_reviews(self, mode: str, at: datetime) -> dict[str, int]:
        """What waited for a person at an instant: kind -> how many."""
        r, instant = reviews.c, to_micros(at)
        query = (
            select(r.kind, func.count())
            .where(
                r.mode == mode,
                r.opened_at < instant,
                r.closed_at.is_(None) | (r.closed_at >= instant),
            )
            .group_by(r.kind)
            .order_by(r.kind)
        )
        return {row[0]: int(row[1]) for row in self._rows(query)}

    def break_history(self, mode: str, since: datetime) -> BreakHistory:
        """Open breaks, and every opening and closing after an instant of business time."""
        b, e = breaks.c, break_events.c
        now = select(breaks).where(b.mode == mode, b.state == "open").order_by(b.break_id)
        at = func.coalesce(runs.c.end_at, e.at)
        query = (
            select(breaks, e.action, e.number, at.label("until"), runs.c.start_at)
            .select_from(
                break_events.join(breaks, e.break_id == b.break_id).outerjoin(
                    runs, e.run_id == runs.c.run_id
                )
            )
            .where(b.mode == mode, e.action.in_(_OPENS | _CLOSES), at > to_micros(since))
        )
        changes = [
            (_business_time(row), row.number, BreakChange(
                from_micros(_business_time(row)), _open_break(row), row.action in _OPENS
            ))
            for row in self._rows(query)
        ]  # fmt: skip
        changes.sort(key=lambda change: (change[0], change[2].about.break_id, change[1]))
        return BreakHistory(tuple(map(_open_break, self._rows(now))), tuple(c for *_, c in changes))

    def _rows(self, query: Select[Any]) -> Sequence[Any]:
        return self._connection.execute(query).all()


def _within(column: ColumnElement[Any], period: Period) -> tuple[ColumnElement[bool], ...]:
    return column >= to_micros(period.start_at), column < to_micros(period.end_at)


def _whole(number: ColumnElement[Any]) -> ColumnElement[Any]:
    """Rounded down to a whole number, the same on both databases."""
    return func.floor(number)


def _durations(rows: Sequence[Any]) -> tuple[Durations, ...]:
    counted: dict[tuple[str, str], Counter[int]] = {}
    for provider, what, milliseconds, times in rows:
        held = counted.setdefault((provider, what), Counter())
        held[max(0, int(milliseconds))] += int(times)
    return tuple(Durations(*key, tuple(sorted(counted[key].items()))) for key in sorted(counted))


def _business_time(row: Any) -> int:
    """When a change counts: a break that a run opened from its own instant on, within the period
    that the run compared; everything else from the end of the period, or from the act itself."""
    if row.action in _OPENS and row.start_at is not None:
        return max(int(row.start_at), min(int(row.occurred_at), int(row.until)))
    return int(row.until)


def _open_break(row: Any) -> OpenBreak:
    return OpenBreak(
        break_id=row.break_id,
        provider=row.provider,
        account=row.account,
        kind=row.kind,
        reference=row.provider_reference or row.transaction_id,
        currency=row.currency,
        effect=tuple(sorted(json.loads(row.effect).items())),
        occurred_at=from_micros(row.occurred_at),
        assignee=row.assignee,
    )

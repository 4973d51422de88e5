"""Breaks and their life as plain data for every format."""

from datetime import datetime
from typing import Any

from domain.break_life import BreakEvent, BreakState, Listed, age_class
from domain.breaks import Break, Side
from domain.buckets import KINDS
from domain.clock import iso
from tscli.render.payments import money
from tscli.render.view import Column

BREAK_COLUMNS = (
    Column("kind", "kind", stack=True),
    Column("line_kind", "line"),
    Column("provider_reference", "reference", stack=True),
    Column("expected.value", "expected", number=True),
    Column("reported.value", "reported", number=True),
    Column("difference.value", "difference", number=True),
    Column("currency", "cur"),
    Column("break_id", "break", stack=True),
)
EXPORT_COLUMNS = tuple(
    Column(key, title)
    for key, title in (
        ("break_id", "break_id"), ("kind", "kind"), ("state", "state"), ("closing", "closing"),
        ("provider", "provider"), ("line_kind", "line_kind"),
        ("provider_reference", "provider_reference"), ("currency", "currency"),
        ("expected.value", "expected"), ("reported.value", "reported"),
        ("difference.value", "difference"), ("age_days", "age_days"), ("age", "age"),
        ("assignee", "assignee"), ("snoozed_until", "snoozed_until"),
        ("first_seen_at", "first_seen_at"), ("last_seen_at", "last_seen_at"),
        ("transaction_id", "transaction_id"), ("payment_id", "payment_id"), ("file", "file"),
        ("line", "line"), ("detail", "detail"), ("remedy", "remedy"),
    )
)  # fmt: skip
CHANGED_COLUMNS = (
    Column("break_id", "break"),
    Column("outcome", "outcome"),
    Column("note", "note"),
)


def listed_data(listed: Listed, now: datetime) -> dict[str, Any]:
    """A break as it stands and as it was last found, with its age."""
    record = listed.record
    days = record.age_days(now.date())
    asleep = record.asleep(now)
    return break_data(listed.item, record.state, listed.run_id) | {
        "closing": record.closing.value,
        "provider": record.provider,
        "account": record.account,
        "age_days": days,
        "age": age_class(days),
        "assignee": record.assignee,
        "snoozed_until": iso(record.snoozed_until) if record.snoozed_until and asleep else None,
        "first_seen_at": iso(record.first_seen_at),
        "last_seen_at": iso(record.last_seen_at),
        "effect": [money(minor, code) for code, minor in record.effect.items()],
    }


def event_data(event: BreakEvent) -> dict[str, Any]:
    """One thing that happened to a break."""
    return {
        "at": iso(event.at),
        "action": event.action,
        "operator": event.operator,
        "note": event.note,
        "run_id": event.run_id,
        "transaction_id": event.transaction_id,
    }


def break_data(item: Break, state: str = BreakState.OPEN, run_id: str = "") -> dict[str, Any]:
    """One break with both sides, its meaning and what helps."""
    text = KINDS[item.kind]
    difference = item.difference_minor
    return {
        "break_id": item.break_id,
        "kind": item.kind.value,
        "state": state,
        "line_kind": item.line_kind,
        "provider_reference": item.provider_reference,
        "currency": item.currency,
        "expected": _side(item.expected),
        "reported": _side(item.reported),
        "difference": None
        if difference is None
        else money(difference, item.currency)
        if item.currency
        else None,
        "fields": list(item.fields),
        "transaction_id": item.transaction_id,
        "payment_id": item.payment_id,
        "file": item.file,
        "line": item.line,
        "detail": item.detail,
        "meaning": text.meaning,
        "remedy": text.remedy,
        "run_id": run_id,
    }


def _side(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return money(side.amount_minor, side.currency) | {
        "fee": money(side.fee_minor, side.currency),
        "status": side.status,
        "occurred_at": side.occurred_at,
    }

"""What the demo tells: the planted faults beside the breaks that were found for them."""

from typing import Any

from tscli.render.payments import money
from tscli.render.reconciliation import run_data
from tscli.render.view import Column

FAULT_COLUMNS = (
    Column("planted", "planted", stack=True),
    Column("reference", "reference", stack=True),
    Column("note", "what was done", stack=True),
    Column("verdict", "verdict"),
    Column("expected.value", "expected", number=True),
    Column("reported.value", "reported", number=True),
    Column("currency", "cur"),
)


def demo_data(result: Any) -> dict[str, Any]:
    """The demo's result for machines."""
    return {
        "perfect": result.perfect,
        "payments": len(result.week.payments),
        "declined": result.week.declined,
        "planted": len(result.found),
        "found": sum(f.item is not None for f in result.found),
        "surplus": len(result.surplus),
        "faults": [_fault(f) for f in result.found],
        "files": {name: str(path) for name, path in result.files.items()},
        "run": run_data(result.run),
    }


def _fault(found: Any) -> dict[str, Any]:
    answer, item = found.answer, found.item
    return {
        "planted": answer.bucket,
        "found": item.kind.value if item else "NOT FOUND",
        "verdict": "found" if item else "NOT FOUND",
        "break_id": item.break_id if item else "",
        "reference": answer.provider_reference,
        "expected": _amount(answer.expected_minor, answer.currency),
        "reported": _amount(answer.reported_minor, answer.currency),
        "currency": answer.currency,
        "note": answer.note,
    }


def _amount(minor: int | None, currency: str) -> dict[str, Any] | None:
    return None if minor is None or not currency else money(minor, currency)


def story(result: Any) -> tuple[str, ...]:
    """The demo's result in sentences."""
    week, run = result.week, result.run
    rows = sum(t.rows for t in run.totals if t.side == "reported")
    found = sum(f.item is not None for f in result.found)
    return (
        f"{len(week.payments) + week.declined} payments in a week, {week.declined} declined,"
        f" one disputed; {rows} lines reported by the provider.",
        f"{found} of {len(result.found)} planted faults found in their class,"
        f" {len(result.surplus)} breaks that nobody planted.",
        *(f"{name:>8}: {path}" for name, path in result.files.items()),
    )

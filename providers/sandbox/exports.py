"""Stripe's own CSV layouts, written from the ground truth: same world, same bytes.

Amounts are major units with the currency's own digits; periods are half-open; nothing is rounded.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.clock import to_micros
from domain.errors import InvalidRequest
from providers.sandbox.export_columns import HISTORY, ITEMIZED, PAYOUTS, Column, Row
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Charge, Customer, Dispute, Line, Payout, Refund
from providers.sandbox.truth.refusals import Refusal

if TYPE_CHECKING:
    from providers.sandbox.world import World

_METADATA = re.compile(r"(payment|refund|transfer)_metadata\[(.{1,40})\]")
_PAYOUT_LINES = ("payout", "payout_reversal")


@dataclass(frozen=True)
class Layout:
    """One kind of export file, and which of its columns mean what."""

    columns: Mapping[str, Column]
    default: tuple[str, ...]
    reference: str
    source: str
    gross: str
    fee: str
    net: str
    currency: str
    category: str
    metadata: bool = False
    """Whether `payment_metadata[key]` and its kind may be asked for."""


_NAMES = ("gross", "fee", "net", "currency", "reporting_category")
_BASIC = (
    "balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net",
    "reporting_category", "description",
)  # fmt: skip
_PAYOUT_DEFAULT = (
    "payout_id", "effective_at_utc", "currency", "gross", "fee", "net", "reporting_category",
    "balance_transaction_id", "description", "payout_expected_arrival_date", "payout_status",
    "payout_type",
)  # fmt: skip
_RECONCILED = ("order_id", "destination_payment_id", "trace_id", "trace_id_status")

FORMATS: dict[str, Layout] = {
    "balance_change_from_activity.itemized": Layout(
        {name: column for name, column in ITEMIZED.items() if name not in _RECONCILED},
        _BASIC, "balance_transaction_id", "source_id", *_NAMES, metadata=True,
    ),
    "payout_reconciliation.itemized": Layout(
        ITEMIZED, ("automatic_payout_id", "automatic_payout_effective_at_utc", *_BASIC),
        "balance_transaction_id", "source_id", *_NAMES, metadata=True,
    ),
    "payouts.itemized": Layout(
        PAYOUTS, _PAYOUT_DEFAULT, "balance_transaction_id", "payout_id", *_NAMES
    ),
    "balance_history": Layout(
        HISTORY, tuple(HISTORY), "id", "Source", "Amount", "Fee", "Net", "Currency", "Type"
    ),
}  # fmt: skip
"""Name of the export -> its layout."""


def export(
    world: "World", format_name: str, start: datetime, end: datetime,
    columns: Sequence[str] | None = None, timezone: str = "UTC",
) -> str:  # fmt: skip
    """The file as text (LF line ends, header first); `timezone` is for columns not ending in utc.

    Raises:
        InvalidRequest: unknown format, column or time zone.
    """
    return export_lines(world.core, format_name, start, end, columns=columns, timezone=timezone)


def export_lines(
    core: Core, format_name: str, start: datetime, end: datetime, *,
    columns: Sequence[str] | None = None, timezone: str = "UTC", currency: str | None = None,
    category: str | None = None,
) -> str:  # fmt: skip
    """`export` from inside a transaction, of one currency and category only if named.

    Raises:
        InvalidRequest: unknown format, column or time zone.
    """
    rows = export_rows(
        core, format_name, start, end, columns=columns, timezone=timezone, currency=currency,
        category=category,
    )  # fmt: skip
    return write_rows(tuple(columns or _layout(format_name).default), rows)


def export_rows(
    core: Core, format_name: str, start: datetime, end: datetime, *,
    columns: Sequence[str] | None = None, timezone: str = "UTC", currency: str | None = None,
    category: str | None = None,
) -> list[dict[str, str]]:  # fmt: skip
    """The rows of an export before writing, in the file's order; each maps column to text.

    Raises:
        InvalidRequest: unknown format, column or time zone.
    """
    check_columns(format_name, columns)
    layout, zone = _layout(format_name), _zone(timezone)
    first, last = to_micros(start) // 1_000_000, to_micros(end) // 1_000_000
    getters = [(name, _getter(layout, name)) for name in columns or layout.default]
    rows = []
    for line, payout in _select(core, format_name, first, last):
        wanted = currency is None or line.currency == currency.upper()
        if wanted and category in (None, line.category):
            row = _row(core, line, payout, zone)
            rows.append({name: get(row) for name, get in getters})
    return rows


def write_rows(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """CSV text of rows in the order given."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[name] for name in columns] for row in rows)
    return out.getvalue()


def check_columns(format_name: str, columns: Sequence[str] | None) -> None:
    """Accept columns the layout has.

    Raises:
        InvalidRequest: unknown format.
        Refusal: `unknown_column`, or one named twice.
    """
    layout = _layout(format_name)
    for name in columns or ():
        if name not in layout.columns and not (layout.metadata and _METADATA.fullmatch(name)):
            raise Refusal("unknown_column", f"Unknown column: {name}.", field="columns")
    if columns is not None and len(set(columns)) != len(columns):
        raise Refusal("unknown_column", "A column is named twice.", field="columns")


def _layout(format_name: str) -> Layout:
    if format_name not in FORMATS:
        raise InvalidRequest(
            f"{format_name!r} is no export format.", hint=f"Choose one of {', '.join(FORMATS)}."
        )
    return FORMATS[format_name]


def _zone(name: str) -> tzinfo:
    if name in ("UTC", "Etc/UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidRequest(f"{name!r} is no time zone we know.") from None


Pair = tuple[Line, Payout | None]


def _select(core: Core, name: str, first: int, last: int) -> list[Pair]:
    payouts = {payout.id: payout for _, payout in core.store.newest(Payout)}
    if name == "payouts.itemized":
        moved = [line for line in core.lines() if line.category in _PAYOUT_LINES]
        pairs = [(line, payouts.get(line.source_id or "")) for line in moved]
        return sorted((p for p in pairs if first <= _effective(p) < last), key=_effective)
    if name == "payout_reconciliation.itemized":
        carried = core.lines("payout_id IS NOT NULL AND source_id IS NOT payout_id")
        pairs = [(line, payouts.get(line.payout_id or "")) for line in carried]
        inside = [p for p in pairs if p[1] and first <= p[1].arrival_at < last]
        return sorted(inside, key=lambda p: (_arrival(p), p[0].payout_id or ""))
    lines = core.lines("created_at >= ? AND created_at < ?", first, last)
    if name != "balance_history":
        lines = [line for line in lines if line.category not in _PAYOUT_LINES]
    lines.sort(key=lambda line: line.created_at)
    return [(line, payouts.get(line.payout_id or "")) for line in lines]


def _arrival(pair: Pair) -> int:
    return pair[1].arrival_at if pair[1] else 0


def _effective(pair: Pair) -> int:
    line, payout = pair
    if line.category == "payout_reversal" or payout is None:
        return line.created_at
    return payout.arrival_at


def _row(core: Core, line: Line, payout: Payout | None, zone: tzinfo) -> Row:
    charge = core.store.get(Charge, line.charge_id) if line.charge_id else None
    source = line.source_id or ""
    refund = core.store.get(Refund, source) if line.category.startswith("refund") else None
    dispute = core.store.get(Dispute, source) if line.category.startswith("dispute") else None
    owner = charge.customer_id if charge else None
    customer = core.store.get(Customer, owner) if owner else None
    return Row(line, zone, charge, refund, dispute, customer, payout)


def _getter(layout: Layout, name: str) -> Column:
    match = _METADATA.fullmatch(name)
    if match is None:
        return layout.columns[name]
    of, key = match[1], match[2]
    if of == "payment":
        return lambda row: row.charge.metadata.get(key, "") if row.charge else ""
    if of == "refund":
        return lambda row: row.refund.metadata.get(key, "") if row.refund else ""
    return lambda row: ""

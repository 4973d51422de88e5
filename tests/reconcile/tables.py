"""Both sides of a comparison as small text tables, and input files from lines.

The first line of a table names its columns; `-` is an empty cell; columns left out
have plain values.
"""

from collections.abc import Sequence
from datetime import UTC, tzinfo
from pathlib import Path

from domain.money import parse_minor
from domain.settlement import LineKind
from providers.stripe.exports import CATEGORIES, FORMATS
from reconcile.compare import compare
from reconcile.comparison import Comparison
from reconcile.frames import Expected, Reported, expected_frame, reported_frame
from reconcile.intake.files import read_exports, read_ledger
from reconcile.rules import Rules

DAY = 86_400_000_000
"""Micros of a day; tables count `day` from 1970-01-01."""

EXPORT_HEADER = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,"
    "reporting_category,source_id,description"
)
EXPORT_ROW = "txn_1,2026-03-01 10:00:00,usd,100.00,3.20,96.80,charge,ch_1,Order 1"
LEDGER_HEADER = (
    "transaction_id,payment_id,kind,provider_reference,amount,currency,fee,status,occurred_at"
)
LEDGER_ROW = "tx1,pay_1,charge,txn_1,100.00,USD,3.20,succeeded,2026-03-01T10:00:00Z"


_WORDS = {**CATEGORIES, "conversion": LineKind.CONVERSION, "memo": LineKind.MEMO}


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a text table."""
    lines = [line.split() for line in text.strip().splitlines()]
    return [
        {k: "" if v == "-" else v for k, v in zip(lines[0], line, strict=True)}
        for line in lines[1:]
    ]


def expected(text: str) -> Expected:
    """Our side, from columns id, ref, pay, kind, amount, currency, fee, status, day."""
    table = rows(text)
    currency = [row.get("currency", "USD") for row in table]
    return Expected.of(
        expected_frame(
            {
                "transaction_id": [row.get("id", f"tx{n}") for n, row in enumerate(table)],
                "payment_id": [row.get("pay", "") for row in table],
                "kind": [row.get("kind", "charge") for row in table],
                "provider_reference": [row["ref"] for row in table],
                "amount_minor": minor(table, "amount", currency),
                "currency": currency,
                "fee_minor": minor(table, "fee", currency),
                "status": [row.get("status", "succeeded") for row in table],
                "occurred_at": [int(row.get("day", "1")) * DAY for row in table],
                "line": [n + 2 for n, _ in enumerate(table)],
            }
        )
    )


def reported(text: str) -> Reported:
    """Their side, from columns ref, source, parent, ours, category, amount, currency, fee, day."""
    table = rows(text)
    currency = [row.get("currency", "USD") for row in table]
    category = [row.get("category", "charge") for row in table]
    kinds = [_WORDS.get(word) for word in category]
    return Reported.of(
        reported_frame(
            {
                "reference": [row["ref"] for row in table],
                "source": [row.get("source", "") for row in table],
                "parent": [row.get("parent", "") for row in table],
                "ours": [row.get("ours", "") for row in table],
                "category": category,
                "kind": [kind.value if kind else None for kind in kinds],
                "amount_minor": minor(table, "amount", currency),
                "currency": currency,
                "fee_minor": minor(table, "fee", currency),
                "occurred_at": [int(row.get("day", "1")) * DAY for row in table],
                "line": [n + 2 for n, _ in enumerate(table)],
            }
        )
    )


def minor(table: list[dict[str, str]], name: str, currency: list[str]) -> list[int]:
    """A column of amounts in minor units."""
    return [parse_minor(row.get(name, "0"), c) for row, c in zip(table, currency, strict=True)]


def compared(ours: str, theirs: str, rules: Rules | None = None) -> Comparison:
    """The comparison of two text tables."""
    return compare(expected(ours), reported(theirs), rules or Rules())


def breaks(comparison: Comparison) -> list[tuple[str, str, str]]:
    """(kind, reference, differing fields) of every break, in order."""
    frame = comparison.breaks
    return list(zip(frame["kind"], frame["provider_reference"], frame["fields"], strict=True))


def buckets(comparison: Comparison, side: str) -> dict[str, int]:
    """Rows of one side by bucket."""
    found: dict[str, int] = {}
    for total in comparison.totals:
        if total.side == side:
            found[total.bucket.value] = found.get(total.bucket.value, 0) + total.rows
    return found


def export(
    folder: Path, *lines: str, header: str = EXPORT_HEADER, zone: tzinfo = UTC, name: str = "e.csv"
) -> Reported:
    """What is read from an export of these lines."""
    return read_export_bytes(folder, text(header, lines), zone, name)


def read_export_bytes(
    folder: Path, data: bytes, zone: tzinfo = UTC, name: str = "e.csv"
) -> Reported:
    """What is read from an export of these bytes."""
    path = folder / name
    path.write_bytes(data)
    return read_exports([path], FORMATS, zone)


def ledger(folder: Path, *lines: str, header: str = LEDGER_HEADER) -> Expected:
    """What is read from a ledger file of these lines."""
    path = folder / "ledger.csv"
    path.write_bytes(text(header, lines))
    return read_ledger(path)


def text(header: str, lines: Sequence[str]) -> bytes:
    """A file of a header and lines."""
    return "".join(f"{line}\n" for line in (header, *lines)).encode()

"""Breaks as CSV: one row per break, amounts in minor units, nothing a spreadsheet would execute.

Text that would be read as a formula gets a leading apostrophe; numbers are never touched.
"""

import csv
import io
from collections.abc import Iterable

from domain.breaks import Break
from domain.safe_text import inert_cell

COLUMNS = (
    "break_id", "kind", "line_kind", "provider_reference", "currency",
    "expected_minor", "reported_minor", "difference_minor",
    "expected_fee_minor", "reported_fee_minor",
    "fields", "transaction_id", "file", "line",
)  # fmt: skip
"""The header; other programs rely on the names and their order."""

Cell = str | int | None


def breaks_csv(breaks: Iterable[Break]) -> bytes:
    """The breaks in the order given, UTF-8, header first, lines ended by a line feed.

    An amount of a side that is missing is an empty cell; so is the difference of two currencies.
    `fields` holds the names of the fields that differ, with a bar between them.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for item in breaks:
        writer.writerow([inert_cell(cell) for cell in _row(item)])
    return text.getvalue().encode()


def _row(item: Break) -> tuple[Cell, ...]:
    expected, reported = item.expected, item.reported
    return (
        item.break_id,
        item.kind.value,
        item.line_kind,
        item.provider_reference,
        item.currency,
        expected.amount_minor if expected else None,
        reported.amount_minor if reported else None,
        item.difference_minor,
        expected.fee_minor if expected else None,
        reported.fee_minor if reported else None,
        "|".join(item.fields),
        item.transaction_id,
        item.file,
        item.line,
    )

"""Breaks as they leave the room: columns, order, both sides, and a CSV no spreadsheet executes."""

import csv
import io
from pathlib import Path

import pytest

from domain.buckets import Bucket
from providers.stripe.exports import FORMATS
from reconcile.breaks import BREAK_COLUMNS, Found, Members
from reconcile.breaks_csv import breaks_csv
from reconcile.compare import compare
from reconcile.intake.files import read_both
from reconcile.rules import Rules
from tests.reconcile.tables import (
    DAY,
    EXPORT_HEADER,
    EXPORT_ROW,
    LEDGER_HEADER,
    LEDGER_ROW,
    breaks,
    compared,
    text,
)


def cells(data: bytes) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_the_csv_has_both_sides_and_the_difference() -> None:
    """Reported minus expected; a missing side counts as nothing; currencies never mix."""
    found = compared(
        "id ref amount fee currency\n a txn_1 100.00 3 USD\n b txn_2 5.00 0 USD\n c txn_3 1 0 JPY",
        "ref amount fee currency\n txn_1 90.00 3.00 USD\n txn_3 1.00 0 USD\n txn_4 7.00 0.10 EUR",
    )
    rows = {row["provider_reference"]: row for row in cells(breaks_csv(found.breaks))}

    assert tuple(rows["txn_1"]) == BREAK_COLUMNS
    picked = ("expected_minor", "reported_minor", "difference_minor", "currency", "line")
    assert {ref: tuple(row[name] for name in picked) for ref, row in rows.items()} == {
        "txn_1": ("10000", "9000", "-1000", "USD", "2"),
        "txn_2": ("500", "", "-500", "USD", "3"),
        "txn_3": ("1", "100", "", "JPY", "3"),
        "txn_4": ("", "700", "700", "EUR", "4"),
    }
    assert rows["txn_1"]["transaction_id"] == "a"
    assert rows["txn_4"]["reported_fee_minor"] == "10"


def test_breaks_stand_by_kind_then_currency_then_reference() -> None:
    """The order is that in which the kinds are explained."""
    found = compared(
        "ref amount status\n z 1.00 failed\n b 1.00 succeeded\n a 1.00 succeeded",
        "ref amount currency\n z 1.00 USD\n b 2.00 USD\n a 2.00 USD\n c 1.00 EUR",
    )

    assert [kind for kind, _, _ in breaks(found)] == [
        "status_mismatch",
        "amount_mismatch",
        "amount_mismatch",
        "missing_in_ledger",
    ]
    assert [ref for _, ref, _ in breaks(found)] == ["z", "a", "b", "c"]


def test_no_breaks_is_a_header_alone() -> None:
    """An agreeing day leaves a file that says so."""
    found = compared("ref\n a", "ref\n a")

    assert breaks_csv(found.breaks).decode() == ",".join(BREAK_COLUMNS) + "\n"
    assert list(found.iter_breaks()) == []


def test_formulas_are_defused_and_numbers_stay_numbers() -> None:
    """A cell that begins like a formula gets an apostrophe; a negative amount does not."""
    found = compared("ref amount", "ref amount\n =1+1 -5.00\n @x 1.00\n +y 1.00\n -z 1.00")
    rows = cells(breaks_csv(found.breaks))

    assert sorted(row["provider_reference"] for row in rows) == ["'+y", "'-z", "'=1+1", "'@x"]
    assert [row["reported_minor"] for row in rows if "=" in row["provider_reference"]] == ["-500"]


def test_a_break_carries_both_sides_and_the_providers_text(tmp_path: Path) -> None:
    """Everything a person needs: statuses, instants, file and line, and what the provider wrote."""
    ledger, export = tmp_path / "ledger.csv", tmp_path / "stripe.csv"
    ledger.write_bytes(text(LEDGER_HEADER, [LEDGER_ROW, LEDGER_ROW.replace("100.00", "1e2")]))
    export.write_bytes(
        text(EXPORT_HEADER, [EXPORT_ROW.replace("3.20,96.80", "3.30,96.70"), "txn_2,x"])
    )
    found = compare(*read_both(ledger, [export], FORMATS), Rules(scope="acct"))
    fee, first, second = found.iter_breaks()

    assert (fee.kind, fee.fields, fee.detail) == (Bucket.FEE_MISMATCH, ("fee",), "Order 1")
    assert (fee.file, fee.line, fee.payment_id) == ("stripe.csv", 2, "pay_1")
    assert fee.expected is not None
    assert fee.reported is not None
    assert (fee.expected.status, fee.reported.status) == ("succeeded", "charge")
    assert fee.reported.occurred_at == "2026-03-01T10:00:00Z"
    assert fee.difference_minor == 0
    unreadable = {(entry.file, entry.line, entry.fields) for entry in (first, second)}
    assert unreadable == {("ledger.csv", 3, ("amount",)), ("stripe.csv", 3, ())}
    assert all(entry.kind is Bucket.UNREADABLE and entry.detail for entry in (first, second))
    assert first.difference_minor is None
    sides = {(t.side, t.rows) for t in found.totals if t.bucket is Bucket.UNREADABLE}
    assert sides == {("expected", 1), ("reported", 1)}


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    """Reading and comparing again changes nothing."""
    ledger, export = tmp_path / "ledger.csv", tmp_path / "stripe.csv"
    rows = [EXPORT_ROW.replace("txn_1", f"txn_{n}") for n in range(40)]
    ledger.write_bytes(text(LEDGER_HEADER, [LEDGER_ROW.replace("100.00", "99.00")]))
    export.write_bytes(text(EXPORT_HEADER, rows))
    once, twice = (
        breaks_csv(compare(*read_both(ledger, [export], FORMATS), Rules()).breaks) for _ in "12"
    )

    assert once == twice
    assert len(cells(once)) == 40


def test_breaks_beyond_the_period_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that a thousand lonely rows outside the period cost a thousand looks, not a million:
    the first run of a new account has all its context alone."""
    looks = 0
    rows_of = Found.members

    def members(found: Found) -> list[Members]:
        nonlocal looks
        looks += len(found.kinds)
        return rows_of(found)

    monkeypatch.setattr(Found, "members", members)
    theirs = "\n".join(["ref amount day", *(f"txn_{n} 1.00 {n % 20}" for n in range(1_000))])
    found = compared("ref amount day\n txn_x 1.00 3", theirs, Rules(period=(3 * DAY, 4 * DAY)))
    assert found.break_count == 51
    assert looks <= 2_000

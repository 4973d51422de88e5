"""Real Stripe files, where they lie beside the project: read whole, and their sums tie."""

from pathlib import Path

import pytest

from providers.stripe.exports import FORMATS
from reconcile.compare import compare
from reconcile.frames import EXPECTED_COLUMNS, Expected, expected_frame
from reconcile.intake.files import read_exports
from reconcile.rules import Rules
from tests.conftest import shared

FILES = {
    "smashpig_settlement_report.csv": (7, {"USD": (7, 5135, 95)}, -95),
    "smashpig_payments_activity.csv": (2, {"USD": (2, 0, 1620)}, 0),
    "anon_balance_history.csv": (4, {"USD": (4, -19408, 1857)}, 0),
}


def sample(name: str) -> Path:
    """One sample file."""
    return shared("samples", "stripe", name)


@pytest.mark.parametrize(("name", "facts"), FILES.items(), ids=FILES)
def test_no_row_of_a_real_file_is_unreadable(
    name: str, facts: tuple[int, dict[str, tuple[int, int, int]], int]
) -> None:
    """Every row is read; rows, gross, fees and what the file's own net column contradicts."""
    rows, control, residual = facts
    found = read_exports([sample(name)], FORMATS)

    assert found.rejects == ()
    assert len(found.frame) == rows
    assert found.control == control
    assert [total.net_residual_minor for total in found.files[0].totals] == [residual]
    assert found.frame["kind"].notna().all()


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_against_its_own_ledger_has_no_breaks(name: str) -> None:
    """A ledger made of the file's lines agrees with it; the buckets tie by `check_ties`."""
    reported = read_exports([sample(name)], FORMATS)
    lines = reported.frame
    mine = expected_frame(
        {
            "transaction_id": lines["reference"],
            "payment_id": lines["source"],
            "kind": lines["kind"],
            "provider_reference": lines["reference"],
            "amount_minor": lines["amount_minor"],
            "currency": lines["currency"],
            "fee_minor": lines["fee_minor"],
            "status": ["succeeded"] * len(lines),
            "occurred_at": lines["occurred_at"],
        }
    )
    found = compare(Expected.of(mine), reported, Rules())

    assert found.break_count == 0
    assert dict(found.matches) == {"line_reference": len(lines)}


def test_an_empty_ledger_makes_every_line_a_break() -> None:
    """Nothing of a real file is explained by an empty ledger."""
    reported = read_exports([sample("smashpig_settlement_report.csv")], FORMATS)
    empty = expected_frame({name: [] for name in EXPECTED_COLUMNS})
    found = compare(Expected.of(empty), reported, Rules())

    assert found.break_count == 7
    texts = {entry.detail for entry in found.iter_breaks()}
    assert "Radar (2026-03-25): Standard" in texts

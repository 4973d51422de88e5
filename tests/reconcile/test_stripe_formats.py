"""Stripe's formats as data: headers find their format, words mean what Stripe says they mean."""

import json

import pytest

from domain.settlement import LineKind
from providers.stripe.exports import CATEGORIES, FORMATS, TYPES
from reconcile.intake.header import find_format
from tests.conftest import shared

ITEMIZED = [
    "balance_transaction_id",
    "created_utc",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
]
HISTORY = ["id", "Type", "Source", "Amount", "Fee", "Net", "Currency"]


@pytest.mark.parametrize(
    ("header", "name", "instant"),
    [
        (ITEMIZED, "balance_change_from_activity.itemized", "created_utc"),
        ([*reversed(ITEMIZED), "created"], "balance_change_from_activity.itemized", "created_utc"),
        ([*ITEMIZED, "automatic_payout_id"], "payout_reconciliation.itemized", "created_utc"),
        ([*HISTORY, "Created (UTC)"], "balance_history", "Created (UTC)"),
        ([*HISTORY, "Created", "Created (UTC)"], "balance_history", "Created (UTC)"),
    ],
)
def test_a_header_finds_its_format(header: list[str], name: str, instant: str) -> None:
    """By its names, whatever their order, and the instant in UTC where there is one."""
    form, column = find_format(header, FORMATS, "e.csv")

    assert (form.name, column) == (f"stripe.{name}", instant)


def test_words_that_are_no_line_of_ours_stay_unknown() -> None:
    """A top-up, transfer or reserve is a break a person looks at, not an adjustment."""
    for word in ("topup", "transfer", "risk_reserved_funds", "advance", "issuing_transaction"):
        assert word not in CATEGORIES
    for word in ("topup", "reserve_transaction", "application_fee", "advance"):
        assert word not in TYPES


def test_every_named_word_is_one_stripe_uses() -> None:
    """The words are those of the published enumerations."""
    path = shared("reference", "data", "stripe_enums.json")
    enums = json.loads(path.read_text())["enums"]
    categories = enums["ReportRunCreateParamsParameters.reporting_category"]

    assert set(CATEGORIES) <= set(categories)
    assert set(TYPES) <= set(enums["balance_transaction.type"])


def test_the_two_vocabularies_agree() -> None:
    """The same line has the same kind in a report and in the balance history."""
    same = {
        "charge": "charge",
        "refund": "refund",
        "refund_failure": "refund_failure",
        "charge_failure": "payment_failure_refund",
        "fee": "stripe_fee",
        "tax": "tax_fee",
        "payout": "payout",
        "payout_reversal": "payout_failure",
        "other_adjustment": "adjustment",
    }
    for category, kind in same.items():
        assert CATEGORIES[category] is TYPES[kind], category
    assert TYPES["adjustment"] is LineKind.ADJUSTMENT

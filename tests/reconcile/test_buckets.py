"""Each bucket by its smallest example: both sides as tables, and the breaks they must give."""

import pytest

from domain.settlement import LineKind
from reconcile.rules import Rules
from tests.reconcile.tables import DAY, breaks, buckets, compared

CASES = {
    "agreement": (
        "ref amount fee\n txn_1 100.00 3.20",
        "ref amount fee\n txn_1 100.00 3.20",
        [],
    ),
    "amount": (
        "ref amount\n txn_1 100.00",
        "ref amount\n txn_1 90.00",
        [("amount_mismatch", "txn_1", "amount")],
    ),
    "fee": (
        "ref amount fee\n txn_1 100.00 3.20",
        "ref amount fee\n txn_1 100.00 3.30",
        [("fee_mismatch", "txn_1", "fee")],
    ),
    "currency": (
        "ref amount currency\n txn_1 100.00 USD",
        "ref amount currency\n txn_1 100.00 EUR",
        [("currency_mismatch", "txn_1", "currency")],
    ),
    "status": (
        "ref amount status\n txn_1 100.00 failed",
        "ref amount\n txn_1 100.00",
        [("status_mismatch", "txn_1", "status")],
    ),
    "everything differs, named by the first": (
        "ref amount fee currency status\n txn_1 100.00 1.00 USD pending",
        "ref amount fee currency\n txn_1 90.00 2.00 EUR",
        [("status_mismatch", "txn_1", "status|currency|amount|fee")],
    ),
    "amount and fee": (
        "ref amount fee\n txn_1 100.00 1.00",
        "ref amount fee\n txn_1 90.00 2.00",
        [("amount_mismatch", "txn_1", "amount|fee")],
    ),
    "only reported": (
        "ref amount\n txn_1 100.00",
        "ref amount\n txn_1 100.00\n txn_2 5.00",
        [("missing_in_ledger", "txn_2", "")],
    ),
    "only expected": (
        "ref amount\n txn_1 100.00\n txn_2 5.00",
        "ref amount\n txn_1 100.00",
        [("missing_at_provider", "txn_2", "")],
    ),
    "reported twice": (
        "ref amount\n txn_1 100.00",
        "ref amount\n txn_1 100.00\n txn_1 100.00",
        [("duplicate_at_provider", "txn_1", "")],
    ),
    "reported twice and not expected": (
        "ref amount\n txn_9 1.00",
        "ref amount\n txn_1 100.00\n txn_1 100.00\n txn_9 1.00",
        [("missing_in_ledger", "txn_1", ""), ("duplicate_at_provider", "txn_1", "")],
    ),
    "booked twice": (
        "ref amount\n txn_1 100.00\n txn_1 100.00",
        "ref amount\n txn_1 100.00",
        [("duplicate_in_ledger", "txn_1", "")],
    ),
    "unknown word without a partner": (
        "ref amount\n txn_1 100.00",
        "ref amount category\n txn_1 100.00 charge\n txn_2 5.00 moonbeam",
        [("unknown_kind", "txn_2", "")],
    ),
    "unknown word under our reference is one break": (
        "ref amount\n txn_1 100.00",
        "ref amount category\n txn_1 100.00 moonbeam",
        [("unknown_kind", "txn_1", "kind")],
    ),
    "kinds that contradict each other": (
        "ref amount kind\n txn_1 100.00 charge",
        "ref amount category\n txn_1 100.00 refund",
        [("kind_mismatch", "txn_1", "kind")],
    ),
    "kind and amount differ": (
        "ref amount kind\n txn_1 100.00 charge",
        "ref amount category\n txn_1 90.00 refund",
        [("amount_mismatch", "txn_1", "amount|kind")],
    ),
    "no rows at all": ("ref amount", "ref amount", []),
    "equal amount and day under other ids are no match": (
        "ref amount\n txn_1 50.00\n txn_2 50.00",
        "ref amount\n txn_3 50.00",
        [
            ("missing_in_ledger", "txn_3", ""),
            ("missing_at_provider", "txn_1", ""),
            ("missing_at_provider", "txn_2", ""),
        ],
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "found"), CASES.values(), ids=CASES)
def test_each_break_kind(ours: str, theirs: str, found: list[tuple[str, str, str]]) -> None:
    """A disagreement is one break of the right kind with the right fields."""
    assert breaks(compared(ours, theirs)) == found


@pytest.mark.parametrize("status", ["pending", "processing", "failed", "cancelled"])
def test_unsettled_rows_are_not_expected(status: str) -> None:
    """What never succeeded and was not reported is nobody's break."""
    found = compared(f"ref amount status\n txn_1 100.00 {status}\n - 5.00 {status}", "ref amount")

    assert breaks(found) == []
    assert buckets(found, "expected") == {"not_expected": 2}


def test_payouts_are_expected_only_where_files_have_any() -> None:
    """Activity reports leave payouts out; a file with one payout has them all."""
    ours = "ref kind amount\n txn_1 payout -90.00\n txn_2 charge 9.00"
    without = compared(ours, "ref category amount\n txn_2 charge 9.00")
    with_one = compared(ours, "ref category amount\n txn_2 charge 9.00\n txn_3 payout -1.00")

    assert buckets(without, "expected") == {"matched": 1, "not_expected": 1}
    assert ("missing_at_provider", "txn_1", "") in breaks(with_one)


def test_stated_coverage_wins_over_what_is_seen() -> None:
    """A run may say which kinds its files hold."""
    rules = Rules(covered=frozenset({LineKind.PAYOUT}))
    found = compared("ref kind amount\n a payout -90.00\n b fee -1.00", "ref amount", rules)

    assert breaks(found) == [("missing_at_provider", "a", "")]


def test_period_is_half_open_and_context_rows_still_pair() -> None:
    """Day 2 is in, day 3 is out; a partner may lie outside, a lonely row outside is no break."""
    rules = Rules(period=(2 * DAY, 3 * DAY))
    found = compared(
        "ref amount day\n a 1.00 2\n b 2.00 3\n c 3.00 1\n d 4.00 1\n e 5.00 1",
        "ref amount day\n a 1.00 3\n f 6.00 2\n g 7.00 3\n d 4.00 1\n e 5.50 1",
        rules,
    )

    assert breaks(found) == [("missing_in_ledger", "f", "")]
    assert buckets(found, "expected") == {"matched": 1, "outside_period": 4}
    assert buckets(found, "reported") == {"matched": 1, "missing_in_ledger": 1, "outside_period": 3}


def test_amounts_beyond_a_doubles_precision_stay_exact() -> None:
    """2**53 and 2**53 + 1 are one number in floating point, and two here."""
    ours = f"ref amount currency\n a {2**49} JPY"
    near = compared(ours, f"ref amount currency\n a {2**49 + 1} JPY")
    assert near.breaks["difference_minor"].tolist() == [1]

    from reconcile.compare import compare
    from tests.reconcile.tables import expected, reported

    mine, theirs = expected("ref amount\n a 0"), reported("ref amount\n a 0")
    mine.frame["amount_minor"], theirs.frame["amount_minor"] = 2**53, 2**53 + 1
    found = compare(type(mine).of(mine.frame), type(theirs).of(theirs.frame), Rules())

    assert found.breaks["expected_minor"].tolist() == [2**53]
    assert found.breaks["reported_minor"].tolist() == [2**53 + 1]
    assert found.breaks["difference_minor"].tolist() == [1]


def test_currencies_of_other_exponents() -> None:
    """JPY has no decimals and BHD three; their minor units are never mixed up."""
    found = compared(
        "ref amount currency\n a 1200 JPY\n b 1.005 BHD",
        "ref amount currency\n a 1200 JPY\n b 1.006 BHD",
    )

    assert breaks(found) == [("amount_mismatch", "b", "amount")]
    assert found.breaks["expected_minor"].tolist() == [1005]

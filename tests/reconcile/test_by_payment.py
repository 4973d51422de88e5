"""Rows whose ids do not meet: paired by the payment both belong to, summed, or left as doubt."""

import pytest

from domain.matching import Tolerance
from domain.settlement import LineKind
from reconcile.rules import Rules
from tests.reconcile.tables import DAY, breaks, buckets, compared

MATCHED = {
    "our reference in their metadata": (
        "ref pay amount\n - pay_1 5.00",
        "ref source ours amount\n txn_1 ch_1 pay_1 5.00",
        {"our_reference": 1},
    ),
    "our own object of another sort": (
        "ref pay amount\n pi_1 pay_1 5.00",
        "ref source ours amount\n txn_1 ch_1 pay_1 5.00",
        {"our_reference": 1},
    ),
    "a refund by the charge it belongs to": (
        "ref pay kind amount\n ch_1 pay_1 charge 9.00\n - pay_1 refund -4.00",
        "ref source parent category amount\n txn_1 ch_1 ch_1 charge 9.00\n"
        " txn_2 re_1 ch_1 refund -4.00",
        {"source": 1, "parent": 1},
    ),
    "a dispute by the charge it belongs to": (
        "ref pay kind amount\n ch_1 pay_1 charge 9.00\n - pay_1 dispute -9.00",
        "ref source parent category amount\n txn_1 ch_1 ch_1 charge 9.00\n"
        " txn_2 dp_1 ch_1 dispute -9.00",
        {"source": 1, "parent": 1},
    ),
    "one of ours, captured in two": (
        "ref pay amount fee\n pi_1 pay_1 10.00 0.60",
        "ref source ours amount fee\n txn_1 ch_1 pay_1 6.00 0.36\n txn_2 ch_2 pay_1 4.00 0.24",
        {"parts": 1},
    ),
    "two of ours, refunded at once": (
        "ref pay kind amount\n ch_1 pay_1 charge 9.00\n - pay_1 refund -4.00\n"
        " - pay_1 refund -2.00",
        "ref source parent category amount\n txn_1 ch_1 ch_1 charge 9.00\n"
        " txn_2 re_1 ch_1 refund -6.00",
        {"source": 1, "parts": 2},
    ),
    "two against two by their sum": (
        "ref pay amount\n pi_1 pay_1 7.00\n pi_1 pay_1 3.00",
        "ref source ours amount\n txn_1 ch_1 pay_1 6.00\n txn_2 ch_2 pay_1 4.00",
        {"parts": 2},
    ),
    "equal halves are interchangeable": (
        "ref pay amount\n - pay_1 5.00\n - pay_1 5.00",
        "ref source ours amount\n txn_1 ch_1 pay_1 5.00\n txn_2 ch_2 pay_1 5.00",
        {"our_reference": 2},
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "passes"), MATCHED.values(), ids=MATCHED)
def test_rows_of_one_payment_pair(ours: str, theirs: str, passes: dict[str, int]) -> None:
    """Every row is matched, by the pass that should have found it."""
    found = compared(ours, theirs)

    assert breaks(found) == []
    assert dict(found.matches) == passes


BROKEN = {
    "an id of the same sort contradicts": (
        "ref pay amount\n ch_1 pay_1 5.00",
        "ref source ours amount\n txn_2 ch_2 pay_1 5.00",
        [("missing_in_ledger", "txn_2", ""), ("missing_at_provider", "ch_1", "")],
    ),
    "other money under the same payment": (
        "ref pay amount\n - pay_1 5.00",
        "ref source ours amount\n txn_1 ch_1 pay_1 4.00",
        [("amount_mismatch", "txn_1", "amount")],
    ),
    "two captures that fall short": (
        "ref pay amount\n pi_1 pay_1 10.00",
        "ref source ours amount\n txn_1 ch_1 pay_1 6.00\n txn_2 ch_2 pay_1 3.00",
        [("sum_short", "pi_1", "amount")],
    ),
    "two refunds that go over": (
        "ref pay kind amount\n ch_1 pay_1 charge 9.00\n - pay_1 refund -4.00",
        "ref source parent category amount\n txn_1 ch_1 ch_1 charge 9.00\n"
        " txn_2 re_1 ch_1 refund -2.00\n txn_3 re_2 ch_1 refund -3.00",
        [("sum_over", "re_1", "amount")],
    ),
    "two against two without an answer": (
        "ref pay amount\n - pay_1 5.00\n - pay_1 4.00",
        "ref source ours amount\n txn_1 ch_1 pay_1 6.00\n txn_2 ch_2 pay_1 2.00",
        [("ambiguous", "txn_1", "amount")],
    ),
    "two equal payments of one day against one row": (
        "ref amount\n - 5.00\n - 5.00",
        "ref source amount\n txn_1 ch_1 5.00",
        [("ambiguous", "txn_1", "amount")],
    ),
    "one against one by amount and day is only proposed": (
        "ref amount\n - 5.00",
        "ref source amount\n txn_1 ch_1 5.00",
        [("missing_in_ledger", "txn_1", ""), ("missing_at_provider", "", "")],
    ),
    "equal amount and day, conflicting references": (
        "ref amount\n ch_1 5.00",
        "ref source amount\n txn_2 ch_2 5.00",
        [("missing_in_ledger", "txn_2", ""), ("missing_at_provider", "ch_1", "")],
    ),
    "a refund of a charge nobody knows": (
        "ref amount\n ch_1 5.00",
        "ref source parent category amount\n txn_1 ch_1 - charge 5.00\n"
        " txn_2 re_9 ch_9 refund -1.00",
        [("refund_without_charge", "re_9", "")],
    ),
    "a refund of a charge that only they have": (
        "ref amount\n ch_1 5.00",
        "ref source parent category amount\n txn_1 ch_1 - charge 5.00\n"
        " txn_2 ch_9 ch_9 charge 3.00\n txn_3 re_9 ch_9 refund -1.00",
        [("missing_in_ledger", "ch_9", ""), ("missing_in_ledger", "re_9", "")],
    ),
    "a dispute, its fee line and its reversal": (
        "ref pay amount\n ch_1 pay_1 5.00",
        "ref source parent category amount\n txn_1 ch_1 ch_1 charge 5.00\n"
        " txn_2 dp_1 ch_1 dispute -5.00\n txn_3 dp_1 ch_1 fee -15.00\n"
        " txn_4 dp_1 ch_1 dispute_reversal 5.00",
        [
            ("unknown_dispute", "dp_1", ""),
            ("unknown_dispute", "dp_1", ""),
            ("unexpected_fee", "dp_1", ""),
        ],
    ),
    "a monthly fee is not forced onto a payment": (
        "ref amount\n ch_1 2.00",
        "ref source category amount\n txn_1 ch_1 charge 2.00\n txn_2 - fee -2.00",
        [("period_fee", "txn_2", "")],
    ),
    "an exchange of currencies": (
        "ref amount currency\n ch_1 5.00 EUR",
        "ref source parent category amount currency\n txn_1 ch_1 - charge 5.00 EUR\n"
        " cv_1 - ch_1 conversion -5.00 EUR\n cv_2 - ch_1 conversion 5.40 USD",
        [("fx_difference", "cv_1", ""), ("fx_difference", "cv_2", "")],
    ),
    "the same money a month apart": (
        "ref amount day\n txn_1 5.00 1",
        "ref amount day\n txn_1 5.00 31",
        [("date_mismatch", "txn_1", "")],
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "found"), BROKEN.values(), ids=BROKEN)
def test_doubt_is_a_break(ours: str, theirs: str, found: list[tuple[str, str, str]]) -> None:
    """What ids and exact sums do not prove is named, and never matched."""
    assert sorted(breaks(compared(ours, theirs))) == sorted(found)


def test_a_group_is_one_break_with_both_sums() -> None:
    """Two captures of one payment that fall short: one break, its difference, its members."""
    found = compared(
        "id ref pay amount fee\n tx1 pi_1 pay_1 10.00 0.60",
        "ref source ours amount fee\n txn_1 ch_1 pay_1 6.00 0.36\n txn_2 ch_2 pay_1 3.00 0.20",
    )
    only = next(found.iter_breaks())

    assert only.difference_minor == -100
    assert only.reported is not None
    assert (only.reported.amount_minor, only.reported.fee_minor) == (900, 56)
    assert only.detail == "1 expected: tx1; 2 reported: txn_1, txn_2"
    assert buckets(found, "reported") == {"sum_short": 2}


def test_lines_that_only_show_money_take_no_part() -> None:
    """A failed attempt under our own reference is no disagreement about status."""
    found = compared(
        "ref amount status\n ch_1 5.00 failed\n ch_2 6.00 succeeded",
        "ref source category amount\n txn_1 ch_1 memo 5.00\n txn_2 ch_2 charge 6.00",
    )

    assert breaks(found) == []
    assert buckets(found, "reported") == {"not_money": 1, "matched": 1}


def test_a_stated_tolerance_is_a_status_of_its_own() -> None:
    """A cent is allowed on refunds in dollars, and nowhere else."""
    rules = Rules(tolerances=(Tolerance("USD", LineKind.REFUND, amount_minor=1),))
    ours = (
        "ref kind amount currency\n a refund -5.00 USD\n b charge 5.00 USD\n c refund -5.00 EUR\n"
        " d refund -5.00 USD"
    )
    theirs = (
        "ref category amount currency\n a refund -5.01 USD\n b charge 5.01 USD\n"
        " c refund -5.01 EUR\n d refund -5.02 USD"
    )
    found = compared(ours, theirs, rules)

    assert buckets(found, "expected") == {"within_tolerance": 1, "amount_mismatch": 3}
    assert [name for _, name, _ in breaks(found)] == ["c", "b", "d"]


def test_a_line_before_the_cut_off_is_late_and_later_missing() -> None:
    """One break with one id: timing while the next file may have it, missing once it does not."""
    ours = "id ref amount day\n tx1 ch_1 5.00 2"
    late = compared(ours, "ref", Rules(period=(2 * DAY, 3 * DAY), cut_off_micros=DAY))
    name = late.breaks["break_id"].tolist()
    gone = compared(ours, "ref", Rules(period=(3 * DAY, 4 * DAY), carried=frozenset(name)))
    forgotten = compared(ours, "ref", Rules(period=(3 * DAY, 4 * DAY)))

    assert [kind for kind, _, _ in breaks(late)] == ["timing"]
    assert [kind for kind, _, _ in breaks(gone)] == ["missing_at_provider"]
    assert gone.breaks["break_id"].tolist() == name
    assert breaks(forgotten) == []


def test_a_carried_break_is_gone_when_its_partner_comes() -> None:
    """Late evidence settles an earlier day's break, and the day's own totals do not count it."""
    ours = "id ref amount day\n tx1 ch_1 5.00 2\n tx2 ch_2 6.00 3"
    first = compared(ours, "ref source amount day", Rules(period=(2 * DAY, 3 * DAY)))
    name = frozenset(first.breaks["break_id"])
    theirs = "ref source amount day\n txn_1 ch_1 5.00 3\n txn_2 ch_2 6.00 3"
    later = compared(ours, theirs, Rules(period=(3 * DAY, 4 * DAY), carried=name))

    assert len(name) == 1
    assert breaks(later) == []


def test_a_line_repeated_on_another_day_finds_its_partner_taken() -> None:
    """Yesterday's line reported again today is a duplicate, no match with yesterday's row."""
    ours = "ref amount day\n txn_1 5.00 2"
    theirs = "ref amount day\n txn_1 5.00 2\n txn_1 5.00 3"
    found = compared(ours, theirs, Rules(period=(3 * DAY, 4 * DAY)))

    assert [kind for kind, _, _ in breaks(found)] == ["duplicate_at_provider"]

"""Movements that the provider booked and took back: they agree with a row of ours that ended
without success, and only where the lines come to nothing."""

import itertools

import pytest

from reconcile.certificate import certificates
from reconcile.rules import Rules
from tests.reconcile.tables import DAY, breaks, buckets, compared

AGREED = {
    "a refund that failed": (
        "ref kind amount status\n re_1 refund -5.00 failed",
        "ref source category amount\n txn_1 re_1 refund -5.00\n txn_2 re_1 refund_failure 5.00",
    ),
    "under the line's own id": (
        "ref kind amount status\n txn_1 refund -5.00 failed",
        "ref source category amount\n txn_1 re_1 refund -5.00\n txn_2 re_1 refund_failure 5.00",
    ),
    "a debit that bounced, with its fee": (
        "ref amount status\n py_1 5.00 failed",
        "ref source category amount fee\n txn_1 py_1 charge 5.00 0.40\n"
        " txn_2 py_1 charge_failure -5.00 -0.40",
    ),
    "back and forth several times": (
        "ref kind amount status\n re_1 refund -5.00 cancelled",
        "ref source category amount\n txn_1 re_1 refund -5.00\n txn_2 re_1 refund_failure 5.00\n"
        " txn_3 re_1 refund -5.00\n txn_4 re_1 refund_failure 5.00",
    ),
    "beside a row of ours that holds": (
        "ref kind amount status\n ch_1 charge 9.00 succeeded\n re_1 refund -5.00 failed",
        "ref source parent category amount\n txn_0 ch_1 ch_1 charge 9.00\n"
        " txn_1 re_1 ch_1 refund -5.00\n txn_2 re_1 ch_1 refund_failure 5.00",
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), AGREED.values(), ids=AGREED)
def test_what_comes_to_nothing_agrees(ours: str, theirs: str) -> None:
    """Their lines are matched, our row is not expected, whatever the order of the rows."""
    header, *lines = theirs.splitlines()
    wanted = compared(ours, theirs)
    for turned in itertools.permutations(lines):
        found = compared(ours, "\n".join((header, *turned)))
        assert breaks(found) == []
        assert found.totals == wanted.totals
    assert buckets(wanted, "reported") == {"matched": len(lines)}
    assert buckets(wanted, "expected")["not_expected"] == 1


BROKEN = {
    "not taken back yet": (
        "ref kind amount status\n re_1 refund -5.00 failed",
        "ref source category amount\n txn_1 re_1 refund -5.00",
        [("status_mismatch", "re_1", "status")],
    ),
    "taken back in part": (
        "ref kind amount status\n re_1 refund -5.00 failed",
        "ref source category amount\n txn_1 re_1 refund -5.00\n txn_2 re_1 refund_failure 4.00",
        [("missing_in_ledger", "re_1", ""), ("status_mismatch", "re_1", "status")],
    ),
    "the fee was kept": (
        "ref amount status\n py_1 5.00 failed",
        "ref source category amount fee\n txn_1 py_1 charge 5.00 0.40\n"
        " txn_2 py_1 charge_failure -5.00 0.00",
        [("missing_in_ledger", "py_1", ""), ("status_mismatch", "py_1", "status|fee")],
    ),
    "taken back in another currency": (
        "ref kind amount status\n re_1 refund -5.00 failed",
        "ref source category amount currency\n txn_1 re_1 refund -5.00 USD\n"
        " txn_2 re_1 refund_failure 5.00 EUR",
        [("missing_in_ledger", "re_1", ""), ("status_mismatch", "re_1", "status")],
    ),
    "a charge that was given back by a refund of its own": (
        "ref amount status\n ch_1 5.00 failed",
        "ref source parent category amount\n txn_1 ch_1 ch_1 charge 5.00\n"
        " txn_2 re_1 ch_1 refund -5.00",
        [("missing_in_ledger", "re_1", ""), ("status_mismatch", "ch_1", "status")],
    ),
    "ours has not heard of it": (
        "ref kind amount\n re_1 refund -5.00",
        "ref source category amount\n txn_1 re_1 refund -5.00\n txn_2 re_1 refund_failure 5.00",
        [("missing_in_ledger", "re_1", "")],
    ),
    "ours still waits": (
        "ref kind amount status\n re_1 refund -5.00 pending",
        "ref source category amount\n txn_1 re_1 refund -5.00\n txn_2 re_1 refund_failure 5.00",
        [("missing_in_ledger", "re_1", ""), ("status_mismatch", "re_1", "status")],
    ),
    "of another amount and currency": (
        "ref kind amount status\n re_1 refund -999.00 failed",
        "ref source category amount currency\n txn_1 re_1 refund -10.00 EUR\n"
        " txn_2 re_1 refund_failure 10.00 EUR",
        [
            ("missing_in_ledger", "re_1", ""),
            ("status_mismatch", "re_1", "status|currency|amount"),
        ],
    ),
    "a charge and a refund under one source": (
        "ref amount status\n ch_1 10.00 failed",
        "ref source category amount\n txn_1 ch_1 charge 10.00\n txn_2 ch_1 refund -10.00",
        [("missing_in_ledger", "ch_1", ""), ("status_mismatch", "ch_1", "status")],
    ),
    "a charge and a dispute under one source": (
        "ref amount status\n ch_1 10.00 failed",
        "ref source category amount\n txn_1 ch_1 charge 10.00\n txn_2 ch_1 dispute -10.00",
        [("status_mismatch", "ch_1", "status"), ("unknown_dispute", "ch_1", "")],
    ),
    "one failure, two of ours": (
        "ref kind amount status\n re_1 refund -5.00 failed\n re_1 refund -5.00 failed",
        "ref source category amount\n txn_1 re_1 refund -5.00\n txn_2 re_1 refund_failure 5.00",
        [("status_mismatch", "re_1", "status"), ("status_mismatch", "re_1", "status|amount")],
    ),
    "two that failed, lines that name neither": (
        "ref kind amount status\n re_1 refund -5.00 failed\n re_2 refund -5.00 failed",
        "ref source category amount\n txn_1 re_3 refund -5.00\n txn_2 re_3 refund_failure 5.00",
        [("missing_in_ledger", "txn_1", ""), ("missing_in_ledger", "txn_2", "")],
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "wanted"), BROKEN.values(), ids=BROKEN)
def test_anything_else_is_a_break(
    ours: str, theirs: str, wanted: list[tuple[str, str, str]]
) -> None:
    """Each line that is not explained stays visible."""
    assert sorted(breaks(compared(ours, theirs))) == sorted(wanted)


def test_one_day_of_it_is_enough() -> None:
    """The refund of an earlier day is a partner; a day with neither line has nothing to say."""
    ours = "ref kind amount status day\n re_1 refund -5.00 failed 1"
    theirs = (
        "ref source category amount day\n txn_1 re_1 refund -5.00 1\n"
        " txn_2 re_1 refund_failure 5.00 3"
    )
    third = compared(ours, theirs, Rules(period=(3 * DAY, 4 * DAY)))
    assert breaks(third) == []
    assert buckets(third, "reported") == {"matched": 2}
    assert buckets(third, "expected") == {"outside_period": 1}
    ninth = compared(ours, theirs, Rules(period=(9 * DAY, 10 * DAY)))
    assert breaks(ninth) == []
    assert buckets(ninth, "reported") == {"outside_period": 2}


def test_it_is_explained() -> None:
    """The certificate says what the lines come to."""
    found = compared(*AGREED["a refund that failed"])
    for one in certificates(found, "re_1"):
        assert one.decided_by == "it did not succeed, and the lines come to nothing"
        assert one.compared == ("sum: 0.00 expected, 0.00 reported, USD: agree",)
        assert {c.verdict for c in one.candidates} == {"counted together"}

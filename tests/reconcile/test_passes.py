"""How rows find their partners: by line, by source, in parts; each row once, nothing guessed."""

import pytest

from tests.reconcile.tables import breaks, buckets, compared

MATCHED = {
    "by the line's id": ("ref\n txn_1", "ref source\n txn_1 ch_1", {"line_reference": 1}),
    "by the source's id": ("ref\n ch_1", "ref source\n txn_1 ch_1", {"source": 1}),
    "two lines of one source told apart by kind": (
        "ref kind amount\n ch_1 charge 9.00\n ch_1 refund -9.00",
        "ref source category amount\n txn_1 ch_1 charge 9.00\n txn_2 ch_1 refund -9.00",
        {"source": 2},
    ),
    "equal refunds of one charge are interchangeable": (
        "ref kind amount\n ch_1 refund -5.00\n ch_1 refund -5.00",
        "ref source category amount\n txn_1 ch_1 refund -5.00\n txn_2 ch_1 refund -5.00",
        {"source": 2},
    ),
    "a partial capture by the source's id": (
        "ref amount\n ch_1 60.00",
        "ref source category amount\n"
        " txn_1 ch_1 charge 100.00\n txn_2 ch_1 partial_capture_reversal -40.00",
        {"parts": 1},
    ),
    "a partial capture by the line's id": (
        "ref amount fee\n txn_1 60.00 2.04",
        "ref source category amount fee\n"
        " txn_1 ch_1 charge 100.00 3.20\n txn_2 ch_1 partial_capture_reversal -40.00 -1.16",
        {"parts": 1},
    ),
    "several rows of ours are one of theirs": (
        "ref amount\n ch_1 100.00\n ch_1 -40.00",
        "ref source amount\n txn_1 ch_1 60.00",
        {"parts": 2},
    ),
    "several rows of ours under one line id": (
        "ref amount\n txn_1 100.00\n txn_1 -40.00",
        "ref source amount\n txn_1 ch_1 60.00",
        {"parts": 2},
    ),
    "an unspecific word under the same source and money": (
        "ref kind amount\n dp_1 dispute -30.00\n dp_1 dispute_reversal 30.00",
        "ref source category amount\n"
        " txn_1 dp_1 other_adjustment -30.00\n txn_2 dp_1 other_adjustment 30.00",
        {"source_adjustment": 2},
    ),
    "an unspecific word under the same line id": (
        "ref kind amount\n txn_1 dispute -30.00",
        "ref category amount\n txn_1 other_adjustment -30.00",
        {"line_reference": 1},
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "passes"), MATCHED.values(), ids=MATCHED)
def test_pairs_are_found(ours: str, theirs: str, passes: dict[str, int]) -> None:
    """Every row is matched, by the pass that should have found it."""
    found = compared(ours, theirs)

    assert breaks(found) == []
    assert dict(found.matches) == passes
    assert set(buckets(found, "expected")) == set(buckets(found, "reported")) == {"matched"}


NOT_MATCHED = {
    "another kind under the same source": (
        "ref kind amount\n ch_1 refund 5.00",
        "ref source category amount\n txn_1 ch_1 charge 5.00",
        [("missing_in_ledger", "txn_1", ""), ("missing_at_provider", "ch_1", "")],
    ),
    "the unspecific word with other money": (
        "ref kind amount\n dp_1 dispute -30.00",
        "ref source category amount\n txn_1 dp_1 other_adjustment -29.00",
        [("missing_in_ledger", "txn_1", ""), ("missing_at_provider", "dp_1", "")],
    ),
    "one unspecific row for two kinds of ours": (
        "ref kind amount\n dp_1 dispute -30.00\n dp_1 fee -30.00",
        "ref source category amount\n txn_1 dp_1 other_adjustment -30.00",
        [
            ("missing_in_ledger", "txn_1", ""),
            ("missing_at_provider", "dp_1", ""),
            ("missing_at_provider", "dp_1", ""),
        ],
    ),
    "empty ids never pair": (
        "ref amount\n - 5.00",
        "ref source amount\n txn_1 - 5.00",
        [("missing_in_ledger", "txn_1", ""), ("missing_at_provider", "", "")],
    ),
    "parts whose fees do not add up": (
        "ref amount fee\n ch_1 60.00 1.00",
        "ref source category amount fee\n"
        " txn_1 ch_1 charge 100.00 3.20\n txn_2 ch_1 partial_capture_reversal -40.00 0.00",
        [("missing_in_ledger", "ch_1", ""), ("amount_mismatch", "ch_1", "amount|fee")],
    ),
    "two ways to make up the sum": (
        "ref amount\n ch_1 60.00",
        "ref source amount\n txn_1 ch_1 50.00\n txn_2 ch_1 10.00\n txn_3 ch_1 40.00"
        "\n txn_4 ch_1 20.00",
        4,
    ),
    "two rows that want the same part": (
        "ref amount\n ch_1 60.00\n ch_1 20.00",
        "ref source amount\n txn_1 ch_1 100.00\n txn_2 ch_1 -40.00\n txn_3 ch_1 -80.00",
        3,
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "found"), NOT_MATCHED.values(), ids=NOT_MATCHED)
def test_doubtful_pairs_are_not_made(
    ours: str, theirs: str, found: list[tuple[str, str, str]] | int
) -> None:
    """Where ids or sums do not prove a pair, no row counts as matched."""
    comparison = compared(ours, theirs)

    assert comparison.matches == ()
    listed = sorted(breaks(comparison))
    assert len(listed) == found if isinstance(found, int) else listed == sorted(found)


REPEATED = {
    "same source, kind and money under another line id": (
        "ref amount\n txn_1 10.00",
        "ref source amount\n txn_1 ch_1 10.00\n txn_2 ch_1 10.00",
        [("duplicate_at_provider", "txn_2", "")],
    ),
    "another refund of the same charge is no repetition": (
        "ref kind amount\n ch_1 refund -10.00",
        "ref source category amount\n txn_1 ch_1 refund -10.00\n txn_2 ch_1 refund -25.00",
        [("missing_in_ledger", "ch_1", "")],
    ),
    "booked once by line and once by source": (
        "id ref amount\n a txn_1 10.00\n b ch_1 10.00",
        "ref source amount\n txn_1 ch_1 10.00",
        [("duplicate_in_ledger", "ch_1", "")],
    ),
    "the exact one of two is the partner": (
        "ref amount\n txn_1 10.00",
        "ref amount\n txn_1 11.00\n txn_1 10.00",
        [("line_changed", "txn_1", "")],
    ),
    "the settled one of two is the partner": (
        "ref amount status\n txn_1 10.00 pending\n txn_1 10.00 succeeded",
        "ref amount\n txn_1 10.00",
        [],
    ),
    "two and two that differ are two mismatches": (
        "ref amount\n txn_1 10.00\n txn_1 20.00",
        "ref amount\n txn_1 11.00\n txn_1 22.00",
        [("amount_mismatch", "txn_1", "amount")] * 2,
    ),
    "same reference with conflicting fields": (
        "ref amount fee\n txn_1 10.00 1.00\n txn_1 20.00 1.00",
        "ref amount fee\n txn_1 20.00 2.00\n txn_1 30.00 1.00",
        [("amount_mismatch", "txn_1", "amount"), ("fee_mismatch", "txn_1", "fee")],
    ),
    "a fee of ours under a charge's line id is not a repetition of the charge": (
        "ref kind amount\n txn_1 charge 10.00\n txn_1 fee -1.00",
        "ref amount\n txn_1 10.00",
        [("missing_at_provider", "txn_1", "")],
    ),
    "a part and a repetition": (
        "ref amount\n ch_1 60.00",
        "ref source amount\n txn_1 ch_1 100.00\n txn_2 ch_1 -40.00\n txn_3 ch_1 100.00",
        [("duplicate_at_provider", "txn_3", "")],
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "found"), REPEATED.values(), ids=REPEATED)
def test_several_rows_under_one_key(
    ours: str, theirs: str, found: list[tuple[str, str, str]]
) -> None:
    """Exact ones pair first, settled ones before others, and what is left over is named."""
    assert breaks(compared(ours, theirs)) == found

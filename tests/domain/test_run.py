"""Runs: every row of a side is in exactly one bucket, and the buckets sum to the input."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.buckets import Bucket
from domain.errors import IntegrityError
from domain.run import BucketTotal, Period, Run, check_ties
from domain.settlement import InputFile

MATCHED = BucketTotal(Bucket.MATCHED, "reported", "USD", 3, 12_000, 348)
MISSING = BucketTotal(Bucket.MISSING_IN_LEDGER, "reported", "USD", 1, -500, 0)
YEN = BucketTotal(Bucket.MATCHED, "reported", "JPY", 1, 1200, 44)
UNREADABLE = BucketTotal(Bucket.UNREADABLE, "reported", "", 2, 0, 0)
OTHER_SIDE = BucketTotal(Bucket.MATCHED, "expected", "USD", 9, 99, 9)

TOTALS = (MATCHED, MISSING, YEN, UNREADABLE, OTHER_SIDE)
CONTROL = {"USD": (4, 11_500, 348), "JPY": (1, 1200, 44), "": (2, 0, 0)}


def test_buckets_that_sum_to_the_input_tie() -> None:
    """Per currency, unreadable rows under no currency, the other side left alone."""
    check_ties("reported", TOTALS, CONTROL)
    check_ties("expected", TOTALS, {"USD": (9, 99, 9)})
    check_ties("reported", (), {})


@pytest.mark.parametrize("field", ["rows", "amount_minor", "fee_minor"])
@pytest.mark.parametrize("index", range(4))
def test_one_row_or_one_cent_off_does_not_tie(field: str, index: int) -> None:
    """Any single number of any bucket changed by one is found, and the side is named."""
    wrong = list(TOTALS)
    wrong[index] = replace(wrong[index], **{field: getattr(wrong[index], field) + 1})

    with pytest.raises(IntegrityError, match="The reported side does not tie"):
        check_ties("reported", wrong, CONTROL)


@pytest.mark.parametrize("index", range(4))
def test_a_lost_or_doubled_bucket_does_not_tie(index: int) -> None:
    """A bucket forgotten, counted twice or filed under another currency is found."""
    lost = TOTALS[:index] + TOTALS[index + 1 :]
    moved = (*lost, replace(TOTALS[index], currency="EUR"))

    for wrong in (lost, (*TOTALS, TOTALS[index]), moved):
        with pytest.raises(IntegrityError):
            check_ties("reported", wrong, CONTROL)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            BucketTotal, st.sampled_from(Bucket), st.just("expected"),
            st.sampled_from(["USD", "JPY", ""]), st.integers(0, 10**6),
            st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15),
        )
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_any_split_of_the_input_ties_in_any_order(
    totals: list[BucketTotal], random: object
) -> None:
    """Only the sums count: how many buckets there are, and in which order, does not."""
    control: dict[str, tuple[int, int, int]] = {}
    for t in totals:
        rows, amount, fee = control.get(t.currency, (0, 0, 0))
        control[t.currency] = (rows + t.rows, amount + t.amount_minor, fee + t.fee_minor)
    random.shuffle(totals)

    check_ties("expected", totals, control)


def test_a_run_counts_breaks_and_unreadable_rows() -> None:
    """Breaks are summed over kinds, unreadable rows by their bucket: two files may hold one."""
    file = InputFile("a.csv", "00" * 32, 10, "stripe.balance_history", 5, 2, ())
    day = datetime(2026, 3, 2, tzinfo=UTC)
    run = Run(
        run_id="run_1",
        provider="stripe",
        account="acct_1",
        mode="test",
        period=Period(day, day),
        started_at=day,
        inputs=(file, replace(file, name="b.csv", unreadable=1)),
        expected_digest="",
        totals=TOTALS,
        break_counts=((Bucket.AMOUNT_MISMATCH, 2), (Bucket.UNREADABLE, 3)),
    )

    assert (run.break_count, run.unreadable) == (5, 2)

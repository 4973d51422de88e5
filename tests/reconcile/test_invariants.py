"""What must hold for any two sides: one bucket per row, sums that tie, order means nothing."""

from collections import Counter
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.buckets import AGREED
from domain.errors import IntegrityError
from reconcile import pairing
from reconcile.breaks_csv import breaks_csv
from reconcile.compare import compare
from reconcile.comparison import Comparison
from reconcile.digest import digest_expected
from reconcile.frames import Expected, Reported, expected_frame, reported_frame
from reconcile.rules import Rules
from tests.reconcile.tables import compared, expected, reported

KINDS = ["charge", "refund", "dispute", "adjustment", "payout"]
# Few values of everything, so that ids, sources and money collide all the time.
ours = st.lists(
    st.tuples(
        st.sampled_from(["t1", "t2", "t3", "c1", "c2", ""]),
        st.sampled_from(KINDS),
        st.sampled_from([-40, 40, 60, 100]),
        st.sampled_from(["USD", "USD", "EUR"]),
        st.sampled_from([0, 0, 3]),
        st.sampled_from(["succeeded", "succeeded", "pending"]),
        st.integers(0, 3),
    ),
    max_size=9,
)
theirs = st.lists(
    st.tuples(
        st.sampled_from(["t1", "t2", "t3", "t4"]),
        st.sampled_from(["c1", "c2", ""]),
        st.sampled_from([*KINDS, None]),
        st.sampled_from([-40, 40, 60, 100]),
        st.sampled_from(["USD", "USD", "EUR"]),
        st.sampled_from([0, 0, 3]),
        st.integers(0, 3),
    ),
    max_size=9,
)
RULES = [Rules(), Rules(period=(1, 3), scope="acct_1")]
unhurried = settings(deadline=None, max_examples=40)


def our_frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """An expected frame; every row has an id and a line of its own."""
    names = ["provider_reference", "kind", "amount_minor", "currency", "fee_minor", "status"]
    columns: dict[str, list[object]] = {
        name: [row[at] for row in rows] for at, name in enumerate([*names, "occurred_at"])
    }
    columns["transaction_id"] = [f"tx{n}" for n in range(len(rows))]
    columns["payment_id"] = ["" for _ in rows]
    columns["line"] = [n + 2 for n in range(len(rows))]
    return expected_frame(columns)


def their_frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """A reported frame; every row has a line of its own."""
    names = ["reference", "source", "kind", "amount_minor", "currency", "fee_minor", "occurred_at"]
    columns: dict[str, list[object]] = {
        name: [row[at] for row in rows] for at, name in enumerate(names)
    }
    columns["category"] = [kind or "moonbeam" for kind in columns["kind"]]
    columns["line"] = [n + 2 for n in range(len(rows))]
    return reported_frame(columns)


def compare_frames(mine: pd.DataFrame, other: pd.DataFrame, rules: Rules) -> Comparison:
    """The comparison of two frames."""
    return compare(Expected.of(mine), Reported.of(other), rules)


@unhurried
@given(ours, theirs, st.sampled_from(RULES))
@example(
    [("t1", "charge", -40, "USD", 0, "succeeded", 0)]
    + [("", "charge", 40, "USD", 0, "succeeded", 0)] * 2,
    [("t2", "c1", "charge", 40, "USD", 0, 0)],
    Rules(),
)
def test_every_row_ends_in_exactly_one_bucket(
    mine: list[tuple[object, ...]], other: list[tuple[object, ...]], rules: Rules
) -> None:
    """Rows, amounts and fees by bucket sum to the input, and breaks account for the difference."""
    found = compare_frames(our_frame(mine), their_frame(other), rules)

    assert (found.verdict.e_bucket >= 0).all()
    assert (found.verdict.r_bucket >= 0).all()
    for side, rows in (("expected", mine), ("reported", other)):
        at = 2 if side == "expected" else 3
        totals = [total for total in found.totals if total.side == side]
        assert sum(total.rows for total in totals) == len(rows)
        assert sum(total.amount_minor for total in totals) == sum(row[at] for row in rows)
    broken = Counter(
        total.side
        for total in found.totals
        for _ in range(total.rows)
        if total.bucket not in AGREED
    )
    members = found.found.members()
    assert broken["expected"] == sum(len(mine) for mine, _ in members)
    assert broken["reported"] == sum(len(theirs) for _, theirs in members)
    assert sum(count for _, count in found.break_counts) == found.break_count


@unhurried
@given(ours, theirs, st.sampled_from(RULES), st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(
    mine: list[tuple[object, ...]],
    other: list[tuple[object, ...]],
    rules: Rules,
    random: Random,
) -> None:
    """Shuffled frames give the same totals, the same matches and the same bytes."""
    left, right = our_frame(mine), their_frame(other)
    straight = compare_frames(left, right, rules)
    order, other_order = list(range(len(left))), list(range(len(right)))
    random.shuffle(order)
    random.shuffle(other_order)
    shuffled_left = left.take(order).reset_index(drop=True)
    shuffled = compare_frames(shuffled_left, right.take(other_order).reset_index(drop=True), rules)

    assert shuffled.totals == straight.totals
    assert shuffled.matches == straight.matches
    assert breaks_csv(shuffled.breaks) == breaks_csv(straight.breaks)
    assert list(shuffled.iter_breaks()) == list(straight.iter_breaks())
    assert digest_expected([shuffled_left]) == digest_expected([left])


@unhurried
@given(ours, theirs)
def test_break_ids_are_unique_and_stable(
    mine: list[tuple[object, ...]], other: list[tuple[object, ...]]
) -> None:
    """No two breaks share an id, and another account's breaks have other ids."""
    left, right = our_frame(mine), their_frame(other)
    one = compare_frames(left, right, Rules(scope="acct_1")).breaks["break_id"].tolist()
    two = compare_frames(left, right, Rules(scope="acct_2")).breaks["break_id"].tolist()

    assert len(set(one)) == len(one)
    assert not set(one) & set(two)


@unhurried
@given(ours, theirs)
def test_searching_in_parts_finds_the_same(
    mine: list[tuple[object, ...]], other: list[tuple[object, ...]]
) -> None:
    """Many rows are searched in several threads; the outcome is that of one."""
    left, right = our_frame(mine), their_frame(other)
    whole = compare_frames(left, right, Rules())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "PARTS_FROM", 0)
        parted = compare_frames(left, right, Rules())

    assert breaks_csv(parted.breaks) == breaks_csv(whole.breaks)
    assert parted.totals == whole.totals


def test_control_totals_that_do_not_tie_stop_the_run() -> None:
    """A row lost between reading and comparing is our bug and never a result."""
    mine = expected("ref amount\n a 1.00\n b 2.00")
    lost = Expected(mine.frame.head(1), control=mine.control)

    with pytest.raises(IntegrityError):
        compare(lost, reported("ref amount\n a 1.00"), Rules())


def test_sums_larger_than_64_bits_tie() -> None:
    """Ten thousand amounts of 10**18 sum beyond any machine integer, and are exact."""
    count = 10_000
    mine = our_frame([("t1", "charge", 0, "USD", 0, "pending", 1)] * count)
    mine["amount_minor"] = np.full(count, 10**18, np.int64)
    found = compare_frames(mine, their_frame([]), Rules())

    assert [total.amount_minor for total in found.totals] == [10**22]


def test_a_long_key_is_compared_in_full() -> None:
    """Two ids that differ only far behind the bytes kept as words are two ids."""
    stem = "x" * 90
    found = compared(f"ref\n {stem}1\n {stem}3", f"ref\n {stem}2\n {stem}3")

    assert [total.rows for total in found.totals if total.bucket == "matched"] == [1, 1]
    assert found.break_count == 2


def test_the_digest_of_a_ledger_knows_every_cell() -> None:
    """Another amount, status or id is another digest; another line number is not."""
    base = "id ref amount status\n a txn_1 1.00 succeeded\n b txn_2 2.00 pending"
    frame = expected(base).frame
    digests = {
        digest_expected([expected(base.replace(*change)).frame])
        for change in (("1.00", "1.01"), ("pending", "failed"), ("txn_2", "txn_3"), (" b ", " c "))
    }

    assert len(digests) == 4
    assert digest_expected([frame]) not in digests
    assert digest_expected([frame.assign(line=0)]) == digest_expected([frame])


def test_rules_have_a_digest_of_all_choices() -> None:
    """Two runs with different choices can be told apart."""
    choices = [Rules(), Rules(period=(0, 1)), Rules(covered=frozenset()), Rules(scope="x")]

    assert len({rules.digest for rules in choices}) == 4

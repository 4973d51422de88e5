"""Movements: two observations of one movement join into one, in either order."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settlement import LineStatus
from domain.transaction import Movement
from tests.domain.samples import START, charge, refund

_observations = st.builds(
    lambda status, fee, minutes: refund(
        500, status=status, fee_minor=fee, occurred_at=START + timedelta(minutes=minutes)
    ),
    st.sampled_from(LineStatus),
    st.none() | st.integers(-50, 500),
    st.integers(0, 100),
)


@given(_observations, _observations)
def test_the_join_knows_no_order(one: Movement, other: Movement) -> None:
    """Proves that it does not matter which observation came first."""
    assert one.join(other) == other.join(one)


@given(_observations, _observations, _observations)
def test_the_join_knows_no_grouping(a: Movement, b: Movement, c: Movement) -> None:
    """Proves that news may be joined one by one or in bunches."""
    assert len({x.join(y).join(z) for x, y, z in permutations((a, b, c))}) == 1
    assert a.join(b).join(c) == a.join(b.join(c))


@given(_observations)
def test_the_join_with_itself_is_itself(one: Movement) -> None:
    """Proves that the same observation again changes nothing."""
    assert one.join(one) == one


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("pending", "succeeded", "succeeded"),
        ("succeeded", "failed", "failed"),
        ("pending", "failed", "failed"),
        ("pending", "cancelled", "cancelled"),
        ("processing", "succeeded", "succeeded"),
    ],
)
def test_the_further_status_wins(first: str, second: str, joined: str) -> None:
    """Proves which of two statuses is the later one in the life of a movement."""
    one, other = (refund(500, status=LineStatus(word)) for word in (first, second))
    assert one.join(other).status is LineStatus(joined)


def test_a_stated_fee_and_the_operation_are_kept() -> None:
    """Proves that later news without a fee or our operation's id loses neither."""
    full = charge(fee_minor=320, operation_id="op_1")
    bare = replace(full, fee_minor=None, operation_id=None)
    assert full.join(bare) == full
    assert bare.join(full) == full


def test_a_fee_of_nothing_is_a_stated_fee() -> None:
    """Proves that zero is not mistaken for unknown."""
    assert charge(fee_minor=0).join(charge()).fee_minor == 0


def test_a_movement_is_named_by_kind_and_reference() -> None:
    """Proves that amount, status and time do not make another movement of it."""
    assert charge(1).name == charge(2, status=LineStatus.FAILED).name
    assert charge(1).name != charge(1, reference="other").name

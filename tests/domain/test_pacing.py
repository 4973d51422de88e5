"""The token bucket: never faster than its rate over any time, never stuck, no fractions lost."""

from hypothesis import given
from hypothesis import strategies as st

from domain.pacing import full, take


@given(
    st.integers(1, 200),
    st.lists(st.integers(0, 2_000_000), min_size=2, max_size=80),
)
def test_no_second_holds_more_than_rate_and_burst(rate: int, gaps: list[int]) -> None:
    bucket, now, made = full(rate, rate, 0), 0, []
    for gap in gaps:
        now += gap
        bucket, wait = take(bucket, now)
        assert wait >= 0
        made.append(now + wait)
    for first in made:
        assert sum(first <= at < first + 1_000_000 for at in made) <= 2 * rate + 1


def test_a_full_bucket_lets_a_burst_through_and_then_paces() -> None:
    bucket = full(10, 10, 0)
    waits = []
    for _ in range(13):
        bucket, wait = take(bucket, 0)
        waits.append(wait)
    assert waits == [0] * 10 + [100_000, 200_000, 300_000]


def test_a_clock_that_jumps_back_gives_no_calls_away() -> None:
    bucket, _ = take(full(1, 1, 10_000_000), 10_000_000)
    back, wait = take(bucket, 0)
    assert wait == 1_000_000
    assert back.at_micros == 10_000_000

"""The circuit breaker: opens after failures in a row, lets one probe through, never sticks."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.breaker import (
    FAILURES_MAX,
    OPEN_FOR,
    OPEN_FOR_MAX,
    PROBE_FOR,
    Breaker,
    BreakerState,
    admit,
    failed,
    succeeded,
)
from tests.domain.samples import START

SECOND = timedelta(seconds=1)


def opened(trips: int = 1) -> Breaker:
    """A breaker that has just opened for the `trips`-th time in a row."""
    return Breaker(BreakerState.OPEN, FAILURES_MAX, trips, START, 9)


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_MAX - 1):
        breaker = failed(breaker, START)
    assert succeeded(breaker).failures == 0
    assert breaker.state is BreakerState.CLOSED
    assert failed(breaker, START).state is BreakerState.OPEN


def test_it_refuses_until_its_time_and_then_lets_one_probe_through() -> None:
    breaker = opened()
    refused = admit(breaker, START + OPEN_FOR - SECOND)
    assert not refused.admitted
    assert refused.retry_at == START + OPEN_FOR
    probe = admit(breaker, START + OPEN_FOR)
    assert probe.admitted
    assert probe.after.state is BreakerState.HALF_OPEN
    assert probe.after.version == breaker.version + 1
    assert not admit(probe.after, START + OPEN_FOR + SECOND).admitted


def test_a_probe_decides_and_a_silent_one_is_given_up() -> None:
    probing = admit(opened(), START + OPEN_FOR).after
    assert succeeded(probing) == Breaker(version=probing.version + 1)
    again = failed(probing, START + OPEN_FOR)
    assert (again.state, again.trips) == (BreakerState.OPEN, 2)
    assert admit(probing, START + OPEN_FOR + PROBE_FOR).admitted


def test_it_stays_open_longer_each_time_but_never_for_good() -> None:
    waits = [opened(trips).open_until() for trips in range(1, 40)]
    lengths = [until - START for until in waits if until]
    assert lengths == sorted(lengths)
    assert lengths[0] == OPEN_FOR
    assert lengths[-1] == OPEN_FOR_MAX


@given(st.lists(st.sampled_from(["fail", "succeed", "ask"]), max_size=60))
def test_every_history_leads_back_to_closed(history: list[str]) -> None:
    """Whatever happened, time and one success close the circuit; versions only rise."""
    breaker, now = Breaker(), START
    for step in history:
        now += timedelta(seconds=7)
        if step == "ask":
            after = admit(breaker, now).after
        else:
            after = failed(breaker, now) if step == "fail" else succeeded(breaker)
        assert after.version >= breaker.version
        assert (after.version > breaker.version) == (after != breaker)
        breaker = after
    asked = admit(breaker, now + OPEN_FOR_MAX + PROBE_FOR)
    assert asked.admitted
    assert succeeded(asked.after).state is BreakerState.CLOSED

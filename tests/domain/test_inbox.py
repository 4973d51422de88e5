"""The inbox rules: every outcome of an attempt, the growing wait, the dead letter."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.inbox import ATTEMPTS_LIMIT, DONE, FIRST_WAIT, LONGEST_WAIT, after_attempt, wait_after
from domain.webhook import EventState

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
RETRIED = [EventState.PARKED, EventState.FAILED]
IMPOSSIBLE = [s for s in EventState if s not in DONE and s not in RETRIED]


@pytest.mark.parametrize("outcome", sorted(DONE))
def test_a_finished_attempt_ends_the_event(outcome: EventState) -> None:
    """Proves that an event with its effect is never tried by itself again."""
    after = after_attempt(outcome, ATTEMPTS_LIMIT + 5, NOW)
    assert (after.state, after.next_attempt_at) == (outcome, None)


@pytest.mark.parametrize("outcome", RETRIED)
def test_an_event_is_retried_until_the_limit_and_then_dead(outcome: EventState) -> None:
    """Proves that every attempt before the last waits for another, and the last makes it dead."""
    for before in range(ATTEMPTS_LIMIT - 1):
        after = after_attempt(outcome, before, NOW)
        assert (after.state, after.attempts) == (outcome, before + 1)
        assert after.next_attempt_at == NOW + wait_after(before + 1)
    last = after_attempt(outcome, ATTEMPTS_LIMIT - 1, NOW)
    end = EventState.DEAD if outcome is EventState.FAILED else EventState.IGNORED
    assert (last.state, last.next_attempt_at) == (end, None)


@pytest.mark.parametrize("outcome", IMPOSSIBLE)
def test_no_attempt_ends_where_only_people_lead(outcome: EventState) -> None:
    """Proves that an attempt cannot itself leave an event received, dead or discarded."""
    with pytest.raises(ValueError, match="no attempt ends"):
        after_attempt(outcome, 0, NOW)


def test_the_wait_grows_and_is_bounded() -> None:
    """Proves that waits never shrink, start at the first and stop at the longest."""
    waits = [wait_after(n) for n in range(1, 100)]
    assert waits == sorted(waits)
    assert waits[0] == FIRST_WAIT
    assert waits[-1] == LONGEST_WAIT
    assert all(wait > timedelta(0) for wait in waits)

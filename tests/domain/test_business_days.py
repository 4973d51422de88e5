"""Business dates: no calendar day is left out, and none is covered twice."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.business_days import BusinessDays
from domain.errors import InvalidRequest

FIRST = date(2026, 1, 1)
DAYS = st.integers(0, 400).map(lambda n: FIRST + timedelta(days=n))


@given(st.frozensets(st.integers(0, 6), min_size=1), st.frozensets(DAYS, max_size=20), DAYS)
def test_every_day_is_covered_by_one_business_date(
    weekdays: frozenset[int], holidays: frozenset[date], on: date
) -> None:
    """Proves that a date's run is the only one that covers it, whatever the calendar."""
    calendar = BusinessDays(weekdays, holidays)
    covering = calendar.at_or_after(on)
    assert calendar.holds(covering)
    assert on in calendar.covered(covering)
    before = calendar.at_or_before(covering - timedelta(days=1))
    assert calendar.covered(before)[-1] + timedelta(days=1) == calendar.covered(covering)[0]
    assert list(calendar.between(before, covering)) == [before, covering]


def test_a_calendar_without_business_dates_is_none() -> None:
    """Proves that nobody looks for ever."""
    with pytest.raises(InvalidRequest):
        BusinessDays(frozenset()).at_or_before(FIRST)


def test_a_weekend_belongs_to_monday() -> None:
    calendar = BusinessDays(frozenset(range(5)))
    monday = date(2026, 3, 9)
    assert calendar.covered(monday) == [monday - timedelta(days=n) for n in (2, 1, 0)]
    assert calendar.covered(monday + timedelta(days=1)) == [monday + timedelta(days=1)]

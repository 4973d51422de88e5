"""The clock: instants are aware, UTC, exact to the microsecond, and written one way."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import SetClock, SystemClock, from_micros, iso, to_micros, utc

OLDEST, LATEST = datetime(1900, 1, 2), datetime(9999, 1, 1)  # noqa: DTZ001 (the zone is drawn too)
instants = st.datetimes(OLDEST, LATEST, timezones=st.timezones() | st.just(UTC))
unhurried = settings(deadline=None)


def test_the_system_clock_is_in_utc_and_goes_forward() -> None:
    """Two readings: aware, no offset, the second not before the first."""
    clock = SystemClock()
    first, second = clock.now(), clock.now()

    assert first.utcoffset() == timedelta(0)
    assert first <= second


def test_a_set_clock_moves_only_when_told() -> None:
    """What sample worlds rest on: the same instant until somebody advances it."""
    clock = SetClock(datetime(2026, 3, 2, tzinfo=UTC))
    assert clock.now() == clock.now()

    clock.advance(timedelta(days=1, microseconds=1))
    assert clock.now() == datetime(2026, 3, 3, 0, 0, 0, 1, tzinfo=UTC)


@unhurried
@given(instants)
def test_microseconds_hold_the_whole_instant(instant: datetime) -> None:
    """Stored and read again it is the same moment, before 1970 too; the zone becomes UTC."""
    back = from_micros(to_micros(instant))

    assert back == instant.astimezone(UTC)
    assert back.tzinfo is UTC


@unhurried
@given(instants, instants)
def test_microseconds_and_written_instants_sort_as_time_does(a: datetime, b: datetime) -> None:
    """Comparison happens in UTC: no zone and no clock change can turn two instants round."""
    assert (to_micros(a) < to_micros(b)) == (utc(a) < utc(b))


@unhurried
@given(instants)
def test_written_instants_read_back(instant: datetime) -> None:
    """ISO 8601 with a Z, and nothing lost."""
    written = iso(instant)

    assert written.endswith("Z")
    assert datetime.fromisoformat(written) == utc(instant)


@pytest.mark.parametrize(
    ("instant", "written"),
    [
        (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "2026-03-02T09:30:00Z"),
        (datetime(2026, 3, 2, 9, 30, 0, 5, tzinfo=UTC), "2026-03-02T09:30:00.000005Z"),
        (datetime(2026, 3, 2, 1, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T23:00:00Z"),
    ],
)
def test_instants_are_written_one_way(instant: datetime, written: str) -> None:
    """Whole seconds without a fraction, other offsets turned into UTC."""
    assert iso(instant) == written


def test_both_readings_of_a_repeated_hour_stay_apart() -> None:
    """In Berlin 02:30 comes twice on the last Sunday of October; the books tell them apart."""
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    first, second = utc(twice.replace(fold=0)), utc(twice.replace(fold=1))

    assert second - first == timedelta(hours=1)


@pytest.mark.parametrize("function", [utc, to_micros, iso])
def test_an_instant_without_zone_is_refused(function: object) -> None:
    """A naive time names no moment: it is never taken for UTC."""
    assert callable(function)
    with pytest.raises(ValueError, match="has no time zone"):
        function(datetime(2026, 3, 2))  # noqa: DTZ001

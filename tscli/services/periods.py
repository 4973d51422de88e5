"""Periods as people state them: calendar days in a zone."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from domain.errors import InvalidRequest
from domain.run import Period


def check_zone(timezone: str) -> ZoneInfo:
    """A time zone by its name.

    Raises:
        InvalidRequest: there is none.
    """
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise InvalidRequest(
            f"{timezone!r} is no time zone.", hint="Use a name such as UTC or Europe/Berlin."
        ) from None


def period_of(start_on: date, end_on: date, timezone: str) -> Period:
    """The instants of [start, end) of calendar days in a zone.

    Raises:
        InvalidRequest: an unknown zone, or an end that is not after the start.
    """
    zone = check_zone(timezone)
    if end_on <= start_on:
        raise InvalidRequest(
            f"The period ends on {end_on}, not after its start on {start_on}.",
            hint="--to is the first day that no longer belongs to the period.",
        )
    start, end = (datetime.combine(d, time(), zone).astimezone(UTC) for d in (start_on, end_on))
    return Period(start, end, timezone)

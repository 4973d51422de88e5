"""Periods in writing, for people: minutes in the run's own zone.

A zone this machine does not know is shown in UTC and named so; no instant is ever shifted silently.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from domain.run import Period

_MIDNIGHT = " 00:00"
_OPEN_BEFORE, _OPEN_FROM = 1971, 9999
"""Years outside which a bound means that the period has none on that side."""


@dataclass(frozen=True, slots=True)
class PeriodText:
    """A period as it is shown."""

    span: str
    """The whole days meant, or the two instants when they are not midnights in the zone."""
    cut_off: str
    """End, in the zone; what happens at it belongs to the next period."""
    zone: str
    cut_off_utc: str
    """Empty when there is no end, or when the zone is UTC anyway."""


def period_text(period: Period) -> PeriodText:
    """The two bounds of a half-open period, in the zone its dates were stated in."""
    zone, name = _zone(period.timezone)
    open_start, open_end = period.start_at.year < _OPEN_BEFORE, period.end_at.year >= _OPEN_FROM
    first = "the first row" if open_start else _minutes(period.start_at, zone)
    cut_off = "the last row" if open_end else _minutes(period.end_at, zone)
    span = f"{first} to {cut_off}"
    if (
        not open_start
        and not open_end
        and first.endswith(_MIDNIGHT)
        and cut_off.endswith(_MIDNIGHT)
    ):
        last = period.end_at.astimezone(zone).date() - timedelta(days=1)
        span = first.removesuffix(_MIDNIGHT)
        if span != last.isoformat():
            span += f" to {last.isoformat()}"
    return PeriodText(
        span=span,
        cut_off=cut_off,
        zone=name,
        cut_off_utc="" if open_end or zone is UTC else _minutes(period.end_at, UTC),
    )


def _minutes(instant: datetime, zone: tzinfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def _zone(name: str) -> tuple[tzinfo, str]:
    if name == "UTC":
        return UTC, name
    try:
        return ZoneInfo(name), name
    except (KeyError, ValueError, OSError):
        return UTC, f"UTC (stated in {name}, which is not known on this machine)"

"""Instants in writing, for people: minutes in the run's own zone, seconds in UTC.

A zone this machine does not know is shown in UTC and named so; no instant is ever shifted silently.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from domain.clock import utc
from domain.run import Period

_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(?:Z|\+00:00)")

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


def instant_text(instant: datetime) -> str:
    """Date and time in UTC to the second.

    >>> instant_text(datetime(2026, 3, 9, 6, 30, tzinfo=UTC))
    '2026-03-09 06:30:00'
    """
    return f"{utc(instant):%Y-%m-%d %H:%M:%S}"


def iso_text(text: str) -> str:
    """An ISO 8601 instant in UTC as `instant_text` writes it; any other text unchanged.

    >>> iso_text("2026-03-02T09:14:00Z"), iso_text("yesterday")
    ('2026-03-02 09:14:00', 'yesterday')
    """
    match = _ISO.fullmatch(text)
    return f"{match[1]} {match[2]}" if match else text


def _minutes(instant: datetime, zone: tzinfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def _zone(name: str) -> tuple[tzinfo, str]:
    if name == "UTC":
        return UTC, name
    try:
        return ZoneInfo(name), name
    except (KeyError, ValueError, OSError):
        return UTC, f"UTC (stated in {name}, which is not known on this machine)"

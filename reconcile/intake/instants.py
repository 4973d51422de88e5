"""Timestamps to int64 microseconds UTC, one by one (strict) and a column at a time.

Exports state `YYYY-MM-DD HH:MM:SS` or `YYYY-MM-DD HH:MM` in UTC or in the report's zone; ledgers
state ISO 8601 with a zone. A local time that a zone has twice (clocks set back) is the earlier of
the two; one that it skips (clocks set forward) is read with the offset in force before the gap (PEP
495, fold 0). The column form gives the same numbers as the strict one, or none.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any

import numpy as np

from domain.clock import to_micros
from reconcile.codes import Bools, Ints
from reconcile.intake.cutting import Bytes
from reconcile.intake.strings import Strings

_LOCAL = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?", re.ASCII
)
_ZONED = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?"
    r"(?:(Z)|([+-])([0-9]{2})(?::?([0-9]{2}))?)",
    re.ASCII,
)
_DAY = 86_400
_SECOND = 1_000_000
_SHAPE = "0000-00-00 00:00:00"
_YEARS = (1970, 2200)
"""The column form leaves other years to the strict one."""


def local_instant(text: str, zone: tzinfo) -> int:
    """Micros UTC of a timestamp as exports state it, in `zone`.

    Raises:
        ValueError: another shape, or no such date or time.
    """
    match = _LOCAL.fullmatch(text)
    if match is None:
        raise ValueError("not a timestamp: YYYY-MM-DD HH:MM:SS is expected")
    parts = [int(part or 0) for part in match.groups()]
    return _micros(datetime(*parts[:6], tzinfo=zone))  # type: ignore[misc,arg-type]


def zoned_instant(text: str) -> int:
    """Micros UTC of an ISO 8601 timestamp that names its zone.

    Raises:
        ValueError: another shape, no zone, or no such date or time.
    """
    match = _ZONED.fullmatch(text)
    if match is None:
        raise ValueError("not a timestamp with a zone: 2026-01-31T12:00:00Z is expected")
    parts = [int(part or 0) for part in match.groups()[:6]]
    micros = int((match[7] or "").ljust(6, "0"))
    offset = timedelta(hours=int(match[10] or 0), minutes=int(match[11] or 0))
    if int(match[11] or 0) > 59:
        raise ValueError("no such zone offset")
    zone = timezone(-offset if match[9] == "-" else offset)
    return _micros(datetime(*parts[:6], micros, tzinfo=zone))  # type: ignore[misc,arg-type]


def local_instants(array: Any, zone: tzinfo) -> tuple[Ints, Bools]:
    """Micros UTC of every row, and which rows could be read here."""
    text = Strings.of(array)
    seconds, good = np.zeros(len(text.starts), np.int64), np.zeros(len(text.starts), bool)
    for length in (19, 16):
        rows = np.flatnonzero(text.lengths == length)
        if rows.size:
            seconds[rows], good[rows] = _seconds(text.window(rows, length), b" ")
    if zone is not UTC and str(zone) != "UTC":
        seconds -= _offsets(seconds, zone)
    return seconds * _SECOND, good


def zoned_instants(array: Any) -> tuple[Ints, Bools]:
    """Micros UTC of every row that ends in Z or in ±HH:MM without a fraction of a second."""
    text = Strings.of(array)
    seconds, good = np.zeros(len(text.starts), np.int64), np.zeros(len(text.starts), bool)
    for length, clock in ((20, 19), (25, 19), (17, 16), (22, 16)):
        rows = np.flatnonzero(text.lengths == length)
        if not rows.size:
            continue
        window = text.window(rows, length)
        found, fine = _seconds(window[:, :clock], b" T")
        zone, known = _zone_seconds(window[:, clock:])
        seconds[rows], good[rows] = found - zone, fine & known
    return seconds * _SECOND, good


def _micros(instant: datetime) -> int:
    try:
        return to_micros(instant)
    except OverflowError:
        raise ValueError("no such date") from None


def _seconds(window: Bytes, between: bytes) -> tuple[Ints, Bools]:
    """Seconds since 1970 of `YYYY-MM-DD?HH:MM[:SS]` as if in UTC."""
    good = np.isin(window[:, 10], np.frombuffer(between, np.uint8))
    digits = window - 48
    for position in range(window.shape[1]):
        if _SHAPE[position] == "0":
            good &= digits[:, position] < 10
        elif position != 10:
            good &= window[:, position] == ord(_SHAPE[position])
    pair = {at: digits[:, at] * 10 + digits[:, at + 1] for at in (0, 2, 5, 8, 11, 14)}
    year = pair[0].astype(np.int64) * 100 + pair[2]
    month, day = pair[5], pair[8]
    second = digits[:, 17] * 10 + digits[:, 18] if window.shape[1] == 19 else 0 * day
    good &= (year >= _YEARS[0]) & (year < _YEARS[1]) & (month >= 1) & (month <= 12) & (day >= 1)
    good &= (pair[11] < 24) & (pair[14] < 60) & (second < 60)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0)
    first, following = _FIRST_DAYS[months], _FIRST_DAYS[months + 1]
    good &= day <= following - first
    time = pair[11].astype(np.int64) * 3600 + pair[14].astype(np.int64) * 60 + second
    return (first + day - 1) * _DAY + time, good


def _zone_seconds(tail: Bytes) -> tuple[Ints, Bools]:
    if tail.shape[1] == 1:
        return np.zeros(len(tail), np.int64), tail[:, 0] == 90
    digits = tail - 48
    sign, colon = tail[:, 0], tail[:, 3]
    hour, minute = digits[:, 1] * 10 + digits[:, 2], digits[:, 4] * 10 + digits[:, 5]
    good = (digits[:, [1, 2, 4, 5]] < 10).all(axis=1) & (colon == 58)
    good &= ((sign == 43) | (sign == 45)) & (hour < 24) & (minute < 60)
    seconds = hour.astype(np.int64) * 3600 + minute.astype(np.int64) * 60
    return np.where(sign == 45, -seconds, seconds), good


def _offsets(seconds: Ints, zone: tzinfo) -> Ints:
    """UTC offsets of local times: per day, and per instant on days when the offset changes."""
    days, where = np.unique(seconds // _DAY, return_inverse=True)
    edges = {day: _offset(day * _DAY, zone) for day in {*days.tolist(), *(days + 1).tolist()}}
    offset = np.array([edges[day] for day in days.tolist()], np.int64)[where]
    changing = np.array([edges[day] != edges[day + 1] for day in days.tolist()], bool)[where]
    for row in np.flatnonzero(changing):
        offset[row] = _offset(int(seconds[row]), zone)
    return offset


def _offset(seconds: int, zone: tzinfo) -> int:
    local = datetime(1970, 1, 1, tzinfo=zone) + timedelta(seconds=seconds)
    return (local.utcoffset() or timedelta(0)) // timedelta(seconds=1)


_FIRST_DAYS = np.array(
    [
        (date(year, month, 1) - date(1970, 1, 1)).days
        for year in range(*_YEARS)
        for month in range(1, 13)
    ]
    + [(date(_YEARS[1], 1, 1) - date(1970, 1, 1)).days],
    np.int64,
)
"""Days since 1970 of the first of every month."""

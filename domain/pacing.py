"""Pacing: a token bucket as a value, so that all processes together stay under a provider's limit.

Counted in thousandths of a token and microseconds: whole numbers only, the same on every machine.
"""

from dataclasses import dataclass, replace

_MILLI = 1_000
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket of one provider account."""

    rate: int
    """Calls per second."""
    burst: int
    """Calls that may be made at once after a rest."""
    level_milli: int
    """Thousandths of a call that are free; negative when calls were promised ahead."""
    at_micros: int
    """When the level was true, microseconds since 1970 UTC."""


def full(rate: int, burst: int, now_micros: int) -> Bucket:
    """A bucket nobody took from yet."""
    return Bucket(rate, burst, burst * _MILLI, now_micros)


def take(bucket: Bucket, now_micros: int) -> tuple[Bucket, int]:
    """Take one call: the bucket after it, and how many microseconds to wait before making it.

    The call is promised at once, so that waiting callers queue up instead of racing.

    >>> calm = full(10, 1, 0)
    >>> busy, first = take(calm, 0)
    >>> take(busy, 0)[1], first
    (100000, 0)
    """
    elapsed = max(now_micros - bucket.at_micros, 0)
    gained = elapsed * bucket.rate * _MILLI // _MICROS
    level = min(bucket.level_milli + gained, bucket.burst * _MILLI) - _MILLI
    wait = 0 if level >= 0 else -level * _MICROS // (bucket.rate * _MILLI)
    moved = max(now_micros, bucket.at_micros)
    return replace(bucket, level_milli=level, at_micros=moved), wait

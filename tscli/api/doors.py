"""Who may knock: addresses, sizes, times, and how many bad deliveries of one source are written
down."""

import ipaddress
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import ConfigurationError, NotPermitted

BODY_SECONDS = 10
"""Longest time a delivery may take to arrive."""

REFUSALS_MAX = 60
"""Refused deliveries of one source that are written down within a minute."""

_WINDOW = timedelta(minutes=1)
_SOURCES_MAX = 10_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """Networks written as CIDRs, separated by commas.

    Raises:
        ConfigurationError: one of them is none.
    """
    try:
        return tuple(ipaddress.ip_network(p.strip()) for p in text.split(",") if p.strip())
    except ValueError as error:
        raise ConfigurationError(f"An address range cannot be read: {error}.") from None


@dataclass(frozen=True, slots=True)
class Doors:
    """Which addresses are let in, and whose word about others is taken."""

    allowed: Sequence[Network] = ()
    """Empty lets everybody in."""
    proxies: Sequence[Network] = ()
    """Only these may say for whom they speak."""

    def sender(self, peer: str, headers: Mapping[str, str]) -> str:
        """The address a request comes from.

        Raises:
            NotPermitted: it is not let in.
        """
        address = peer
        if _within(peer, self.proxies):
            spoken = [p.strip() for p in headers.get("x-forwarded-for", "").split(",")]
            others = [a for a in reversed(spoken) if a and not _within(a, self.proxies)]
            address = others[0] if others else peer
        if self.allowed and not _within(address, self.allowed):
            raise NotPermitted(f"{address[:60]} is not let in.")
        return address


def _within(address: str, ranges: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in ranges)


class Refusals:
    """How many deliveries of each source were refused in the last minute; kept in memory."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[datetime]] = {}

    def too_many(self, source: str, now: datetime) -> bool:
        """Count one more; whether it is one too many to be written down."""
        if len(self._seen) >= _SOURCES_MAX and source not in self._seen:
            return True
        seen = self._seen.setdefault(source, deque())
        while seen and now - seen[0] > _WINDOW:
            seen.popleft()
        seen.append(now)
        if len(seen) > REFUSALS_MAX:
            seen.popleft()
            return True
        return False

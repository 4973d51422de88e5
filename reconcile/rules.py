"""What a comparison is told beside the two frames; frozen, and named by a digest.

Two runs with the same inputs and the same rules digest give the same bytes.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta

from domain.matching import Tolerance
from domain.settlement import LineKind

METHOD = (
    "line reference; source; parts; adjustment under the same source; our reference; parent;"
    " sums of a payment; movements undone; 4"
)
"""The passes and their version: raised when the same inputs would be paired differently."""

BY_LINE = "line_reference"
BY_SOURCE = "source"
BY_PARTS = "parts"
BY_ADJUSTMENT = "source_adjustment"
BY_OURS = "our_reference"
BY_PARENT = "parent"
PASSES = (BY_LINE, BY_SOURCE, BY_PARTS, BY_ADJUSTMENT, BY_OURS, BY_PARENT)
"""The passes in the order in which they may claim a row."""

_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Rules:
    """The choices of one run."""

    period: tuple[int, int] | None = None
    """Half-open, micros UTC; rows outside may be partners but are nobody's break here."""
    covered: frozenset[LineKind] | None = None
    """Kinds the files are expected to hold. None: every kind, payouts only if a file has any."""
    scope: str = ""
    """Names the provider account; part of every break id."""
    tolerances: tuple[Tolerance, ...] = ()
    """Differences that are allowed, by currency and kind; none unless stated."""
    cut_off_micros: int = 3 * _HOUR
    """A line of ours this close before the end of the period may stand in the next file."""
    dates_apart_micros: int = 7 * 24 * _HOUR
    """Further apart than this, a pair that agrees in its money is a `date_mismatch`."""
    carried: frozenset[str] = field(default_factory=frozenset)
    """Ids of breaks of earlier runs that are still open: they are looked at again, wherever in
    time they lie."""

    @property
    def digest(self) -> str:
        """SHA-256 over method and choices, hex. What is carried is an input, not a choice."""
        covered = "auto" if self.covered is None else ",".join(sorted(self.covered))
        period = "all" if self.period is None else f"{self.period[0]}:{self.period[1]}"
        limits = f"{self.cut_off_micros}:{self.dates_apart_micros}"
        allowed = ";".join(sorted(repr(tolerance) for tolerance in self.tolerances))
        text = "\n".join((METHOD, period, covered, self.scope, limits, allowed))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def expected_by(self) -> timedelta:
        """How long after its own instant a line of ours may still be waited for."""
        return timedelta(microseconds=self.cut_off_micros)

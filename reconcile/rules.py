"""What a comparison is told beside the two frames; frozen, and named by a digest.

Two runs with the same inputs and the same rules digest give the same bytes.
"""

import hashlib
from dataclasses import dataclass

from domain.settlement import LineKind

METHOD = "line reference; source; parts; adjustment under the same source; 1"
"""The passes and their version: raised when the same inputs would be paired differently."""

BY_LINE = "line_reference"
BY_SOURCE = "source"
BY_PARTS = "parts"
BY_ADJUSTMENT = "source_adjustment"
PASSES = (BY_LINE, BY_SOURCE, BY_PARTS, BY_ADJUSTMENT)
"""The passes in the order in which they may claim a row."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The choices of one run."""

    period: tuple[int, int] | None = None
    """Half-open, micros UTC; rows outside may be partners but are nobody's break here."""
    covered: frozenset[LineKind] | None = None
    """Kinds the files are expected to hold. None: every kind, payouts only if a file has any."""
    scope: str = ""
    """Names the provider account; part of every break id."""

    @property
    def digest(self) -> str:
        """SHA-256 over method and choices, hex."""
        covered = "auto" if self.covered is None else ",".join(sorted(self.covered))
        period = "all" if self.period is None else f"{self.period[0]}:{self.period[1]}"
        text = "\n".join((METHOD, period, covered, self.scope))
        return hashlib.sha256(text.encode()).hexdigest()

"""What may be said about a pair of rows beside that they are equal: tolerances, and certificates.

A tolerance is an explicit rule. A certificate is the evidence for what became of a row: which pass
decided, what it compared, and who else was looked at and why they were turned down.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from domain.settlement import LineKind


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A difference that is allowed between the two sides of a pair, in minor units."""

    currency: str
    """`*` for every currency."""
    kind: LineKind | None = None
    """None for every kind."""
    amount_minor: int = 0
    fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class Matching:
    """How runs compare, as it is configured."""

    context: timedelta = timedelta(days=31)
    """Rows this far outside a period may still be partners of rows inside."""
    cut_off: timedelta = timedelta(hours=3)
    """A line of ours this close before the end of a period may stand in the next file."""
    dates_apart: timedelta = timedelta(days=7)
    """Further apart than this, a pair that agrees in its money is a break."""
    tolerances: tuple[Tolerance, ...] = ()
    rows_in_memory: int = 2_500_000
    """Rows of both sides together that are compared in memory; more go through files on disk."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that was looked at as a partner."""

    name: str
    """Its transaction id, or `file:line reference` on the reported side."""
    verdict: str
    """Why it is the partner, or why it is not."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Why a row ended where it did."""

    subject: str
    """The row: transaction id, or `file:line reference`."""
    side: str
    """`expected` or `reported`."""
    bucket: str
    decided_by: str
    """The pass that made the pair, or the rule that named a row without one."""
    compared: tuple[str, ...]
    """One line per field: both values, and whether they agree."""
    candidates: tuple[Candidate, ...]


def payments_by_reference(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The payment of each provider reference, from (reference, payment) of our lines in any order.

    A line that names a payment speaks before one that names none; of several payments it is the
    first by its id, so that the order of the lines means nothing.
    """
    found: dict[str, str] = {}
    for reference, payment in rows:
        known = found.setdefault(reference, payment)
        if payment and (not known or payment < known):
            found[reference] = payment
    return found

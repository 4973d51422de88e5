"""Breaks: where the two sides of a comparison disagree. Breaks are data, never exceptions.

A break has one name over all runs that see it: a function of what is broken, not of how. A line
that is late today and missing tomorrow, or that turns up with another amount, is one break.
"""

from dataclasses import dataclass

from domain.buckets import WHOLES, Bucket
from domain.ids import content_id


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a break; amounts in minor units of `currency`."""

    amount_minor: int
    fee_minor: int
    currency: str
    status: str
    """Ledger status, or the provider's own category."""
    occurred_at: str
    """ISO 8601 UTC, empty when unknown."""


@dataclass(frozen=True, slots=True)
class Break:
    """One disagreement, with both sides and where to look."""

    break_id: str
    kind: Bucket
    line_kind: str
    """A `LineKind`, or the provider's word when we have none, or empty for an unreadable row."""
    provider_reference: str
    currency: str
    """The expected side's, else the reported side's."""
    expected: Side | None
    reported: Side | None
    fields: tuple[str, ...]
    """Names of the fields that differ: status, currency, amount, fee, kind; or the unreadable
    column."""
    transaction_id: str
    payment_id: str
    file: str
    line: int
    """Line in the provider's file, else in the ledger file; 0 when the ledger is a database."""
    detail: str = ""
    """One sentence in addition: the provider's description, or why a row was unreadable."""

    @property
    def is_whole(self) -> bool:
        """Whether it is about a file, a balance, a payout or the bank, and about no line: then it
        is no difference between our ledger and the provider."""
        return self.kind in WHOLES or self.fields == ("bank",)

    @property
    def difference_minor(self) -> int | None:
        """Reported minus expected, a missing side counting as 0; None when currencies differ."""
        if self.expected and self.reported and self.expected.currency != self.reported.currency:
            return None
        if not self.expected and not self.reported:
            return None
        expected = self.expected.amount_minor if self.expected else 0
        return (self.reported.amount_minor if self.reported else 0) - expected


def break_id(anchor: str, line_kind: str, reference: str, occurrence: int, scope: str = "") -> str:
    """The break's name: a function of what is broken, so the same break found again has the same
    id.

    `anchor` says what `reference` names: `ours` (our transaction), `theirs` (the provider's line),
    or the break kind where the break is about a file, a payout or a balance. `occurrence` tells
    apart breaks that are alike in all else, counted from 0 in a fixed order; `scope` is the
    provider account.
    """
    return content_id("brk", scope, anchor, line_kind, reference, str(occurrence))

"""Payouts: what a payout paid, which lines it consists of, and whether the two agree.

charges - refunds - disputes - fees ± adjustments ± exchanges = paid. What does not add up is a
residual with the payout's name on it, never spread over its lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class MembersBy(StrEnum):
    """How the lines of a payout were found."""

    STATED = "stated"
    """The provider says of each line which payout carried it."""
    SWEPT = "swept"
    """Everything since the payout before: the payout emptied the balance."""
    SEARCHED = "searched"
    """The one set of lines that comes to what was paid."""
    NONE = "none"
    """Nobody can say: no set of lines, or more than one, or too many lines to be sure."""
    RETURNED = "returned"
    """The money came back to the balance, so nothing was paid."""


@dataclass(frozen=True, slots=True)
class PayoutPart:
    """The lines of one kind in a payout; minor units of the payout's currency."""

    kind: str
    rows: int
    amount_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True)
class PayoutProof:
    """One payout and what it consists of."""

    payout_id: str
    """The provider's id of the payout, else of its line."""
    currency: str
    paid_minor: int
    """Positive is money to the bank, negative money taken from it."""
    occurred_at: str
    """ISO 8601 UTC: when it left the balance."""
    bank_reference: str
    members_by: MembersBy
    parts: tuple[PayoutPart, ...]
    """By kind, in the order of `LineKind`."""
    note: str = ""
    """Why nobody can say, where that is so."""

    @property
    def net_minor(self) -> int:
        """What the lines come to."""
        return sum(part.amount_minor - part.fee_minor for part in self.parts)

    @property
    def residual_minor(self) -> int | None:
        """Paid less what the lines come to; None where the lines are not known."""
        if self.members_by is MembersBy.RETURNED:
            return 0
        return None if self.members_by is MembersBy.NONE else self.paid_minor - self.net_minor


def payout_from(values: Mapping[str, Any]) -> PayoutProof:
    """A payout proof from what `dataclasses.asdict` made of it, as it comes back from JSON."""
    parts = tuple(PayoutPart(**part) for part in values["parts"])
    return PayoutProof(**{**values, "parts": parts, "members_by": MembersBy(values["members_by"])})

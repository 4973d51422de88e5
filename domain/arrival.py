"""Payouts at the bank: which line of a statement brought which payout, and what is left over."""

from dataclasses import dataclass
from datetime import timedelta

ARRIVES_WITHIN = timedelta(days=10)
"""A payout that a statement does not show this long after it left is missing; before, it is on its
way. Banks take up to five working days."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """A bank line that may be a payout; minor units, `booked_on` ISO 8601."""

    identity: str
    account: str
    currency: str
    amount_minor: int
    booked_on: str
    reference: str
    end_to_end: str
    words: str
    """Counterparty and remittance text."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One payout and the line that brought it."""

    payout_id: str
    deposit: str
    """Identity of the bank line."""
    by: str
    """reference, amount, equal set, merged, or returned."""
    booked_on: str
    paid_minor: int
    arrived_minor: int
    """This payout's part of the line."""
    currency: str

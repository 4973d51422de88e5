"""Double entry: postings move a positive amount from one account to another, so they sum to zero.

Entries are never changed; a correction is an entry that reverses another. Accounts belong to one
provider account and one currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.audit import canonical, digest
from domain.clock import iso
from domain.settlement import LineKind, LineStatus
from domain.transaction import Movement


class Account(StrEnum):
    """The chart of accounts, kept per provider account and currency."""

    PROVIDER_BALANCE = "provider_balance"
    """What the provider holds for us (an asset)."""
    CUSTOMER_CLEARING = "customer_clearing"
    """Where charges come from (income, before it is attributed)."""
    FEES = "fees"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    PAYOUTS_IN_TRANSIT = "payouts_in_transit"
    BANK = "bank"
    SUSPENSE = "suspense"
    """Adjustments and write-offs until somebody says what they are."""


COUNTERPART: dict[LineKind, Account] = {
    LineKind.CHARGE: Account.CUSTOMER_CLEARING,
    LineKind.REFUND: Account.REFUNDS,
    LineKind.DISPUTE: Account.DISPUTES,
    LineKind.DISPUTE_REVERSAL: Account.DISPUTES,
    LineKind.FEE: Account.FEES,
    LineKind.ADJUSTMENT: Account.SUSPENSE,
    LineKind.PAYOUT: Account.PAYOUTS_IN_TRANSIT,
}
"""The account on the other side of the provider's balance, by kind of line."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A positive amount out of `source` into `destination`, minor units of `currency`."""

    source: Account
    destination: Account
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One indivisible set of postings for one transaction."""

    entry_id: str
    transaction_id: str
    provider: str
    account: str
    mode: str
    kind: str
    """A `LineKind`, `fee_stated` or `reversal`."""
    occurred_at: datetime
    postings: tuple[Posting, ...]
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """One row of the trial balance: everything in, everything out, and what is left."""

    provider: str
    account: str
    mode: str
    ledger_account: Account
    currency: str
    debit_minor: int
    """Moved into the account."""
    credit_minor: int
    """Moved out of the account."""

    @property
    def balance_minor(self) -> int:
        """Debits minus credits."""
        return self.debit_minor - self.credit_minor


def postings(
    kind: LineKind, amount_minor: int, fee_minor: int, currency: str
) -> tuple[Posting, ...]:
    """The postings of one line: its amount against its counterpart, its fee against fees.

    `amount_minor` and the fee are signed as providers state them: what comes to our balance is
    positive, a fee that costs us is positive.

    >>> [(p.source.value, p.destination.value, p.amount_minor)
    ...  for p in postings(LineKind.REFUND, -500, 0, "USD")]
    [('provider_balance', 'refunds', 500)]
    """
    flows = ((COUNTERPART[kind], amount_minor), (Account.FEES, -fee_minor))
    return tuple(_posting(account, minor, currency) for account, minor in flows if minor)


def _posting(counterpart: Account, minor: int, currency: str) -> Posting:
    if minor > 0:
        return Posting(counterpart, Account.PROVIDER_BALANCE, minor, currency)
    return Posting(Account.PROVIDER_BALANCE, counterpart, -minor, currency)


def booking(
    before: Movement | None, after: Movement, currency: str
) -> tuple[str, tuple[Posting, ...]] | None:
    """What a change of a movement adds to the ledger: (entry kind, postings), or None for nothing.

    A movement is booked when it succeeds; a fee stated later is booked by itself. A booked movement
    that fails later is not decided here: its entries are reversed (see `reversed_postings`).
    """
    if after.status is not LineStatus.SUCCEEDED:
        return None
    fee = after.fee_minor or 0
    if before is None or before.status is not LineStatus.SUCCEEDED:
        return after.kind, postings(after.kind, after.amount_minor, fee, currency)
    stated = fee - (before.fee_minor or 0)
    return ("fee_stated", postings(LineKind.FEE, 0, stated, currency)) if stated else None


def undone(before: Movement | None, after: Movement) -> bool:
    """Whether a booked movement turned out not to have happened."""
    booked = before is not None and before.status is LineStatus.SUCCEEDED
    return booked and after.status is not LineStatus.SUCCEEDED


def reversed_postings(original: Iterable[Posting]) -> tuple[Posting, ...]:
    """The postings that undo others."""
    return tuple(Posting(p.destination, p.source, p.amount_minor, p.currency) for p in original)


def entry_digest(entry: Entry) -> str:
    """SHA-256 over the entry's canonical bytes, hex; any change to a stored row changes it."""
    return digest(
        canonical(
            {
                "entry_id": entry.entry_id,
                "transaction_id": entry.transaction_id,
                "owner": [entry.provider, entry.account, entry.mode],
                "kind": entry.kind,
                "occurred_at": iso(entry.occurred_at),
                "reverses": entry.reverses,
                "postings": [
                    [p.source, p.destination, p.amount_minor, p.currency] for p in entry.postings
                ],
            }
        )
    )


def entries_digest(digests: Iterable[str]) -> str:
    """One digest over those of many entries in the order of their ids; empty for no entries."""
    joined = "".join(digests)
    return digest(joined.encode()) if joined else ""

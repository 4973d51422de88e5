"""What providers report: line kinds, export formats as data, control totals and rejects.

A format is data kept in its provider's folder; one reader in `reconcile` reads them all. Nothing
here may guess: a category that is not named maps to no kind and becomes a break.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class LineKind(StrEnum):
    """What one line of money is; the two sides of a comparison share these words."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    PAYOUT = "payout"
    CONVERSION = "conversion"
    """One half of an exchange of one currency into another; the halves share their source."""
    MEMO = "memo"
    """A line that only shows money: a hold, its release, an authorization, a failed attempt, a
    case. It is read, counted and kept, and moves no balance."""


LEDGER_KINDS = tuple(kind for kind in LineKind if kind not in (LineKind.CONVERSION, LineKind.MEMO))
"""Kinds a line of our own ledger may have."""


class LineStatus(StrEnum):
    """State of a ledger transaction; only `succeeded` is expected at the provider."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One layout of a provider's export file, found by its header and read by column name."""

    name: str
    """Such as `stripe.balance_history`."""
    provider: str
    signature: frozenset[str]
    """Header names that must all be present; of several fitting formats the largest signature
    wins."""
    reference: str
    """Header of the provider's own id of the line (unique in the provider's books)."""
    source: str
    """Header of the id of the object that moved: charge, refund, dispute, payout."""
    amount: str
    """Header of the signed gross amount, decimal major units."""
    fee: str
    """Header of the fee, decimal major units, positive is a cost."""
    net: str
    """Header of the net amount, a control only: gross - fee."""
    currency: str
    category: str
    """Header of the provider's word for the kind."""
    kinds: Mapping[str, LineKind]
    """The provider's word, lower case -> kind; other words are `unknown_kind` breaks."""
    occurred_at: tuple[str, ...]
    """Headers of the instant, best first; names ending in utc are UTC, others in the report's
    zone."""
    description: str = ""
    payout: str = ""
    """Header of the payout that paid the line out, when the export carries it."""
    parent: str = ""
    """Header of the id of what a refund, dispute or fee belongs to, such as the charge."""
    ours: tuple[str, ...] = ()
    """Headers that may carry our payment's id, best first."""
    bank_reference: str = ""
    """Header of the reference under which the bank books a payout."""
    stands: bool = False
    """Whether the file lists what a closing balance consists of: lines of other files again."""
    unique: bool = False
    """Whether `reference` names one line for good: then another line of that name, in whatever
    file, is the same line."""


def lines_header(provider: str) -> tuple[str, ...]:
    """Columns of the file into which a provider's balance lines are written when they are fetched;
    the first one tells whose they are."""
    return (f"{provider}_line_id", *_LINES)


_LINES = (
    "source_id", "category", "gross", "fee", "net", "currency", "created_utc",
    "payout_id",
)  # fmt: skip


def lines_format(provider: str, kinds: Mapping[str, LineKind], *, unique: bool) -> ExportFormat:
    """How that file is read: its categories are the provider's own words."""
    return ExportFormat(
        name=f"{provider}.balance_lines",
        provider=provider,
        signature=frozenset(lines_header(provider)),
        reference=f"{provider}_line_id",
        source="source_id",
        amount="gross",
        fee="fee",
        net="net",
        currency="currency",
        category="category",
        kinds=kinds,
        unique=unique,
        occurred_at=("created_utc",),
        payout="payout_id",
    )


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read; it counts, and it stops the run from being clean."""

    file: str
    line: int
    """First physical line of the row, the header is line 1."""
    column: str
    reason: str
    text: str
    """The offending cell or the start of the row, at most 80 characters, card numbers masked."""
    row: str = ""
    """Digest of what there was of the row, by which another file's is the same; empty for what is
    about no single row."""


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """What one file sums to in one currency, computed while reading and independent of matching."""

    currency: str
    rows: int
    amount_minor: int
    fee_minor: int
    net_residual_minor: int = 0
    """Stated net minus (gross - fee), summed: not zero when the file contradicts itself."""


@dataclass(frozen=True, slots=True)
class StatedTotal:
    """One figure a file states about itself, beside what its rows came to."""

    name: str
    """What is stated, in the file's own terms: `gross credits`, `fee debits`, `rows`."""
    currency: str
    """Empty for counts."""
    stated: int
    """Minor units, or a count."""
    found: int

    @property
    def difference(self) -> int:
        """Stated minus found: not zero when the file contradicts itself."""
        return self.stated - self.found


@dataclass(frozen=True, slots=True)
class StatedBalance:
    """What a file says an account held at an instant."""

    currency: str
    at: str
    """ISO 8601 UTC."""
    amount_minor: int
    name: str
    """`opening` or `closing` of the file's period."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a run, named by its content."""

    name: str
    """Base name only, never a path."""
    digest: str
    """SHA-256 of the bytes, hex."""
    size: int
    """Bytes."""
    format: str
    rows: int
    """Data rows, readable or not."""
    unreadable: int
    totals: tuple[ControlTotal, ...]
    """By currency, sorted."""
    period: tuple[str, str] | None = None
    """First and last instant in the file, ISO 8601 UTC."""
    stated: tuple[StatedTotal, ...] = ()
    """What the file states about itself, in its own order."""
    balances: tuple[StatedBalance, ...] = ()
    owner: str = ""
    """The provider's account id or the bank account, when the file names it."""


def input_file_from(values: Mapping[str, Any]) -> InputFile:
    """An input file from what `dataclasses.asdict` made of it, as it comes back from JSON."""
    made = {
        "totals": tuple(ControlTotal(**total) for total in values["totals"]),
        "period": tuple(values["period"]) if values["period"] else None,
        "stated": tuple(StatedTotal(**total) for total in values.get("stated", ())),
        "balances": tuple(StatedBalance(**balance) for balance in values.get("balances", ())),
    }
    return InputFile(**{**values, **made})

"""Breaks: where the two sides of a comparison disagree. Breaks are data, never exceptions.

Expected is our ledger, reported is the provider's file. Every row of either side ends in exactly
one bucket; the buckets that are no agreement are the break kinds.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import content_id


class Bucket(StrEnum):
    """Where a row ends; the last ones are breaks."""

    MATCHED = "matched"
    NOT_EXPECTED = "not_expected"
    """A ledger row that is not settled, or of a kind the files do not cover, and was not
    reported."""
    OUTSIDE_PERIOD = "outside_period"
    """A row that belongs to another run's period and found no partner here."""
    STATUS_MISMATCH = "status_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    AMOUNT_MISMATCH = "amount_mismatch"
    FEE_MISMATCH = "fee_mismatch"
    MISSING_IN_LEDGER = "missing_in_ledger"
    MISSING_AT_PROVIDER = "missing_at_provider"
    DUPLICATE_AT_PROVIDER = "duplicate_at_provider"
    DUPLICATE_IN_LEDGER = "duplicate_in_ledger"
    UNKNOWN_KIND = "unknown_kind"
    UNREADABLE = "unreadable"


AGREED = frozenset({Bucket.MATCHED, Bucket.NOT_EXPECTED, Bucket.OUTSIDE_PERIOD})
"""The buckets that are no breaks."""


@dataclass(frozen=True, slots=True)
class KindText:
    """What a break kind means to a person, and the command that helps."""

    meaning: str
    remedy: str


KINDS: dict[Bucket, KindText] = {
    Bucket.STATUS_MISMATCH: KindText(
        "The provider booked money for a line our ledger does not hold as succeeded.",
        "tscli payments show PAYMENT --refresh",
    ),
    Bucket.CURRENCY_MISMATCH: KindText(
        "Both sides hold the line, in different currencies.", "tscli breaks show BREAK"
    ),
    Bucket.AMOUNT_MISMATCH: KindText(
        "Both sides hold the line, with different amounts.", "tscli breaks show BREAK"
    ),
    Bucket.FEE_MISMATCH: KindText(
        "The amounts agree, the provider's fee is not the one we booked.", "tscli breaks show BREAK"
    ),
    Bucket.MISSING_IN_LEDGER: KindText(
        "The provider reports a line our ledger does not have.",
        "tscli payments list --search REFERENCE",
    ),
    Bucket.MISSING_AT_PROVIDER: KindText(
        "Our ledger has a succeeded line the provider does not report.",
        "tscli payments show PAYMENT --refresh",
    ),
    Bucket.DUPLICATE_AT_PROVIDER: KindText(
        "The provider reports one line more often than our ledger has it.",
        "tscli breaks show BREAK",
    ),
    Bucket.DUPLICATE_IN_LEDGER: KindText(
        "Our ledger has one line more often than the provider reports it.",
        "tscli ledger show TRANSACTION",
    ),
    Bucket.UNKNOWN_KIND: KindText(
        "The provider reports a line of a kind we have no word for.", "tscli breaks show BREAK"
    ),
    Bucket.UNREADABLE: KindText(
        "A row of the file could not be read; its money is in no total.",
        "tscli reconcile show RUN",
    ),
}
"""Every break kind, in the order in which a pair that differs in several ways is named."""


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
    def difference_minor(self) -> int | None:
        """Reported minus expected, a missing side counting as 0; None when currencies differ."""
        if self.expected and self.reported and self.expected.currency != self.reported.currency:
            return None
        if not self.expected and not self.reported:
            return None
        expected = self.expected.amount_minor if self.expected else 0
        return (self.reported.amount_minor if self.reported else 0) - expected


def break_id(
    kind: str, line_kind: str, reference: str, transaction_id: str, occurrence: int, scope: str = ""
) -> str:
    """The break's name: a function of what is broken, so the same break found again has the same
    id.

    `occurrence` tells apart breaks that are alike in all else, counted from 0 in a fixed order;
    `scope` is the provider account, or the file's digest for an unreadable row.
    """
    return content_id("brk", scope, kind, line_kind, reference, transaction_id, str(occurrence))

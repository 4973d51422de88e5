"""Where a row ends: agreed, set aside, or one of the break kinds, each with its meaning and remedy.

Expected is our ledger, reported is the provider's file or the bank's statement. Every row of either
side ends in exactly one bucket.
"""

from dataclasses import dataclass
from enum import StrEnum


class Bucket(StrEnum):
    """Where a row ends; those with an entry in `KINDS` are breaks."""

    MATCHED = "matched"
    WITHIN_TOLERANCE = "within_tolerance"
    """A pair whose difference a rule allows."""
    NOT_EXPECTED = "not_expected"
    """A ledger row that is not settled, or of a kind the files do not cover, and was not
    reported, or reported and taken back."""
    NOT_MONEY = "not_money"
    """A reported row that only shows money: a hold, its release, a case, a failed attempt."""
    OUTSIDE_PERIOD = "outside_period"
    """A row that belongs to another run's period and found no partner here."""
    STATUS_MISMATCH = "status_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    AMOUNT_MISMATCH = "amount_mismatch"
    FEE_MISMATCH = "fee_mismatch"
    KIND_MISMATCH = "kind_mismatch"
    DATE_MISMATCH = "date_mismatch"
    SUM_SHORT = "sum_short"
    SUM_OVER = "sum_over"
    AMBIGUOUS = "ambiguous"
    MISSING_IN_LEDGER = "missing_in_ledger"
    MISSING_AT_PROVIDER = "missing_at_provider"
    TIMING = "timing"
    DUPLICATE_AT_PROVIDER = "duplicate_at_provider"
    DUPLICATE_IN_LEDGER = "duplicate_in_ledger"
    LINE_CHANGED = "line_changed"
    REFUND_WITHOUT_CHARGE = "refund_without_charge"
    UNKNOWN_DISPUTE = "unknown_dispute"
    UNEXPECTED_FEE = "unexpected_fee"
    PERIOD_FEE = "period_fee"
    FX_DIFFERENCE = "fx_difference"
    UNKNOWN_KIND = "unknown_kind"
    PAYOUT_TOTAL = "payout_total"
    PAYOUT_UNEXPLAINED = "payout_unexplained"
    PAYOUT_NOT_IN_BANK = "payout_not_in_bank"
    BANK_AMOUNT = "bank_amount"
    BANK_WITHOUT_PAYOUT = "bank_without_payout"
    BALANCE_GAP = "balance_gap"
    CONTROL_TOTAL = "control_total"
    UNREADABLE = "unreadable"


AGREED = frozenset(
    {
        Bucket.MATCHED,
        Bucket.WITHIN_TOLERANCE,
        Bucket.NOT_EXPECTED,
        Bucket.NOT_MONEY,
        Bucket.OUTSIDE_PERIOD,
    }
)
"""The buckets that are no breaks."""


WHOLES = frozenset(
    {
        Bucket.PAYOUT_TOTAL,
        Bucket.PAYOUT_UNEXPLAINED,
        Bucket.PAYOUT_NOT_IN_BANK,
        Bucket.BANK_AMOUNT,
        Bucket.BANK_WITHOUT_PAYOUT,
        Bucket.BALANCE_GAP,
        Bucket.CONTROL_TOTAL,
    }
)
"""Breaks about a file, a balance, a payout or the bank: no row of either side ends in them."""


@dataclass(frozen=True, slots=True)
class KindText:
    """What a break kind means to a person, and the command that helps."""

    meaning: str
    remedy: str


_LOOK = "tscli breaks show BREAK"
_EXPLAIN = "tscli reconcile explain BREAK"
_BOOK = "tscli breaks resolve BREAK --reason book"

KINDS: dict[Bucket, KindText] = {
    Bucket.STATUS_MISMATCH: KindText(
        "The provider booked money for a line our ledger does not hold as succeeded.",
        "tscli payments show PAYMENT --refresh",
    ),
    Bucket.CURRENCY_MISMATCH: KindText("Both sides hold the line, in different currencies.", _LOOK),
    Bucket.AMOUNT_MISMATCH: KindText("Both sides hold the line, with different amounts.", _LOOK),
    Bucket.FEE_MISMATCH: KindText(
        "The amounts agree, the provider's fee is not the one we booked.",
        "tscli breaks resolve BREAK --reason fee",
    ),
    Bucket.KIND_MISMATCH: KindText(
        "Both sides hold the line under the same id, as different kinds of line.", _EXPLAIN
    ),
    Bucket.DATE_MISMATCH: KindText(
        "Both sides hold the line with the same money, further apart in time than the rules allow.",
        _LOOK,
    ),
    Bucket.SUM_SHORT: KindText(
        "Several lines belong to one payment, and the provider's come to less than ours.", _EXPLAIN
    ),
    Bucket.SUM_OVER: KindText(
        "Several lines belong to one payment, and the provider's come to more than ours.", _EXPLAIN
    ),
    Bucket.AMBIGUOUS: KindText(
        "Several lines could be the partner equally well, so none was chosen.", _EXPLAIN
    ),
    Bucket.MISSING_IN_LEDGER: KindText(
        "The provider reports a line our ledger does not have.",
        "tscli payments list --search REFERENCE",
    ),
    Bucket.MISSING_AT_PROVIDER: KindText(
        "Our ledger has a succeeded line the provider does not report.",
        "tscli payments show PAYMENT --refresh",
    ),
    Bucket.TIMING: KindText(
        "Our ledger has a line of the last hours before the cut-off; the next file should have it.",
        "tscli breaks list --kind timing",
    ),
    Bucket.DUPLICATE_AT_PROVIDER: KindText(
        "The provider reports one line more often than our ledger has it.", _LOOK
    ),
    Bucket.DUPLICATE_IN_LEDGER: KindText(
        "Our ledger has one line more often than the provider reports it.",
        "tscli ledger show TRANSACTION",
    ),
    Bucket.LINE_CHANGED: KindText(
        "The provider reported this line before with other money; the first one stands.", _LOOK
    ),
    Bucket.REFUND_WITHOUT_CHARGE: KindText(
        "The provider reports a refund of a charge our ledger has never heard of.",
        "tscli recover orphans",
    ),
    Bucket.UNKNOWN_DISPUTE: KindText(
        "The provider reports a dispute, or its reversal, that our ledger does not have.",
        "tscli webhooks backfill",
    ),
    Bucket.UNEXPECTED_FEE: KindText(
        "The provider took a fee of its own for a payment; our ledger has no such line.", _BOOK
    ),
    Bucket.PERIOD_FEE: KindText(
        "The provider took a fee that belongs to no payment, such as a monthly one.", _BOOK
    ),
    Bucket.FX_DIFFERENCE: KindText(
        "The provider exchanged money into another currency; our ledger has not booked it.", _BOOK
    ),
    Bucket.UNKNOWN_KIND: KindText(
        "The provider reports a line of a kind we have no word for.", _LOOK
    ),
    Bucket.PAYOUT_TOTAL: KindText(
        "What a payout paid is not what its lines come to.", "tscli reports payouts"
    ),
    Bucket.PAYOUT_UNEXPLAINED: KindText(
        "Nobody can say which lines a payout paid: no set of them, or more than one, would do.",
        "tscli reports payouts",
    ),
    Bucket.PAYOUT_NOT_IN_BANK: KindText(
        "The provider paid out, and the bank's statement does not show it in time.",
        "tscli reports payouts",
    ),
    Bucket.BANK_AMOUNT: KindText(
        "The bank shows a payout under its reference, with another amount.", _LOOK
    ),
    Bucket.BANK_WITHOUT_PAYOUT: KindText(
        "The bank shows money from the provider that no payout explains.", _LOOK
    ),
    Bucket.BALANCE_GAP: KindText(
        "Opening balance, activity and payouts do not come to the closing balance stated.",
        "tscli reports bridge",
    ),
    Bucket.CONTROL_TOTAL: KindText(
        "A file's own totals are not what its rows come to.",
        "tscli reconcile import --preview FILE",
    ),
    Bucket.UNREADABLE: KindText(
        "A row of the file could not be read; its money is in no total.",
        "tscli reconcile show RUN",
    ),
}
"""Every break kind, in the order in which a pair that differs in several ways is named."""

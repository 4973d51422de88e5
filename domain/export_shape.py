"""Layouts of export files that are more than one header and its rows; data, like `ExportFormat`.

What a column or word means is said by the provider's folder; how such files are taken apart is
known to `reconcile` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.settlement import ExportFormat


@dataclass(frozen=True, slots=True)
class SectionedFormat(ExportFormat):
    """Rows of several sorts, told apart by their first cell: PayPal's settlement, transaction and
    case reports. Amounts are whole numbers without a point, their sign is a word of its own."""

    amount_flag: str = ""
    """Header of `CR` or `DR` for the gross amount; without one amounts have no sign."""
    fee_flag: str = ""
    """Header of `CR` or `DR` for the fee: `DR` is a cost."""
    fee_currency: str = ""
    status: str = ""
    """Header of the transaction's status letter, where there is one."""
    settled: frozenset[str] = frozenset()
    """Status letters of lines that moved money."""
    shown_only: frozenset[str] = frozenset()
    """Categories of lines that move no money."""
    moves: bool = True
    """Whether lines move money at all; those of a case report do not."""
    hundredths: bool = True
    """Whether amounts of currencies without decimals are written as hundredths; PayPal's own pages
    contradict each other, and the file's balances tell."""


@dataclass(frozen=True, slots=True)
class ActivityFormat(ExportFormat):
    """The download of PayPal's web page: translated headers, dates and numbers as the user's
    country writes them, the time in three columns."""

    titles: tuple[Mapping[str, str], ...] = ()
    """Header in some language -> English header, one mapping per language."""
    date: str = ""
    time: str = ""
    zone: str = ""
    zones: Mapping[str, str] = field(default_factory=dict)
    """Abbreviation -> offset such as `-08:00`."""
    impact: str = ""
    """Header of the effect on the balance, where there is one."""
    status: str = ""
    settled: frozenset[str] = frozenset()
    """Statuses, lower case, of lines that moved money."""
    patterns: tuple[tuple[str, str], ...] = ()
    """(part of a type, lower case) -> kind, first match wins, for types `kinds` does not name."""


@dataclass(frozen=True, slots=True)
class PaymentsFormat(ExportFormat):
    """One row per payment with its refunds in it: the export of Stripe's payments page."""

    refunded: str = ""
    """Header of the amount refunded so far."""
    converted: str = ""
    """Header of the amount in the currency it was settled in."""
    converted_refunded: str = ""
    converted_currency: str = ""
    status: str = ""
    settled: frozenset[str] = frozenset()
    """Statuses, lower case, of payments that moved money."""

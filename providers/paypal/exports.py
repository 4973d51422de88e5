"""PayPal's words for lines of its books, as data: which event code says what a line is.

A code is named here only when it says so; every other code becomes an `unknown_kind` break that a
person looks at. Nothing here reads a file.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.settlement import LineKind

_PAYMENTS = (
    "T0000", "T0002", "T0003", "T0004", "T0005", "T0006", "T0007", "T0008", "T0009", "T0010",
    "T0011", "T0012", "T0013", "T0014", "T0018", "T0019", "T0021", "T3000",
)  # fmt: skip
_FEES = (*(f"T{number:04d}" for number in range(100, 115)), "T1108", "T1109")

EVENT_CODES: Mapping[str, LineKind] = MappingProxyType(
    {
        **dict.fromkeys(_PAYMENTS, LineKind.CHARGE),
        **dict.fromkeys(_FEES, LineKind.FEE),
        **dict.fromkeys(("T1107", "T1113"), LineKind.REFUND),
        # Re-presentments that were rejected or undone take the money a second time.
        **dict.fromkeys(("T1201", "T1207", "T1208"), LineKind.DISPUTE),
        **dict.fromkeys(("T1202", "T1205"), LineKind.DISPUTE_REVERSAL),
        **dict.fromkeys(("T0400", "T0401", "T0402", "T0403", "T1101"), LineKind.PAYOUT),
        **dict.fromkeys(("T1200", "T1203", "T1204", "T1900"), LineKind.ADJUSTMENT),
    }
)
"""Event code -> kind. Left out: mass payments, deposits, conversions, transfers, reversals by
PayPal (T1100, T1106), whose cause is not in the line, and all that only holds or releases money."""

AUTHORIZATION_CODES = frozenset({"T1300", "T1301"})
"""Codes of lines that show a hold; they move no money."""

PAYOUT_CODES = frozenset({"T0400", "T0401", "T0402", "T0403"})
AUTOMATIC_PAYOUT = "T0401"
"""Money leaving for the bank, by PayPal's own rule or by hand."""

NOT_MONEY = frozenset(
    {
        "T0505", "T1105", "T1110", "T1111", "T1300", "T1301", "T1302", "T1500", "T1501", "T1502",
        "T1503", "T9800",
    }
) | frozenset(f"T21{number:02d}" for number in range(1, 15))  # fmt: skip
"""Codes of lines that hold, release or only show money: the balance in total does not change."""

STATUSES: Mapping[str, str] = MappingProxyType(
    {"S": "paid", "P": "pending", "D": "failed", "V": "failed", "F": "failed"}
)
"""Transaction status letter -> what became of a payout."""

SETTLEMENT_COLUMNS = (
    "Transaction ID", "Invoice ID", "PayPal Reference ID", "PayPal Reference ID Type",
    "Transaction Event Code", "Transaction Initiation Date", "Transaction Completion Date",
    "Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency",
    "Fee Debit or Credit", "Fee Amount", "Fee Currency", "Custom Field", "Consumer ID",
    "Payment Tracking ID", "Store ID", "Bank Reference ID", "Credit Transactional Fee",
    "Credit Promotional Fee", "Credit Term",
)  # fmt: skip
"""Columns of the settlement report, version 9, behind the row type."""

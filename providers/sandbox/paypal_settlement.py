"""PayPal's settlement report (STL, version 009) written from the ground truth: same world, same
bytes.

Amounts are whole numbers without a point and their sign is a word; footers sum up what stands
above them.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from domain.clock import to_micros
from domain.money import exponent
from providers.sandbox.paypal_entries import Entry, entries

if TYPE_CHECKING:
    from providers.sandbox.world import World

COLUMNS = (
    "Transaction ID", "Invoice ID", "PayPal Reference ID", "PayPal Reference ID Type",
    "Transaction Event Code", "Transaction Initiation Date", "Transaction Completion Date",
    "Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency",
    "Fee Debit or Credit", "Fee Amount", "Fee Currency", "Custom Field", "Consumer ID",
    "Payment Tracking ID", "Store ID", "Bank Reference ID", "Credit Transactional Fee",
    "Credit Promotional Fee", "Credit Term",
)  # fmt: skip
"""The column header row of version 9, without the row type before it."""

VERSION = "009"
_DATE = "%Y/%m/%d %H:%M:%S +0000"


@dataclass
class Footer:
    """What one currency sums to; amounts in minor units."""

    begin_minor: int = 0
    credits: int = 0
    debits: int = 0
    fee_credits: int = 0
    fee_debits: int = 0
    rows: int = 0
    currency: str = field(default="", kw_only=True)

    def add(self, entry: Entry) -> None:
        """Count one entry."""
        self.rows += 1
        self.credits += max(entry.gross_minor, 0)
        self.debits += max(-entry.gross_minor, 0)
        self.fee_credits += max(-entry.fee_minor, 0)
        self.fee_debits += max(entry.fee_minor, 0)

    @property
    def end_minor(self) -> int:
        """The balance after the last entry."""
        return self.begin_minor + self.credits - self.debits + self.fee_credits - self.fee_debits


def settlement_report(
    world: "World", start: datetime, end: datetime, *, hundredths: bool = True
) -> str:
    """The report of [start, end) as comma-separated text, its rows in the order of the books.

    `hundredths`: whether currencies without decimals are written as hundredths, as PayPal's page
    on this report says; its page on the dispute report says they are not.
    """
    with world.change() as core:
        first, last = to_micros(start) // 1_000_000, to_micros(end) // 1_000_000
        before = entries(core, core.lines("created_at < ?", first))
        shown = entries(core, core.lines("created_at >= ? AND created_at < ?", first, last))
        generated = datetime.fromtimestamp(core.now(), UTC)
    footers = _footers(before, shown)
    scale = _Scale(hundredths)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["RH", generated.strftime(_DATE), "X", world.account, VERSION])
    writer.writerow(["FH", "01"])
    until = end - timedelta(seconds=1)
    writer.writerow(["SH", start.strftime(_DATE), until.strftime(_DATE), world.account, ""])
    writer.writerow(["CH", *COLUMNS])
    writer.writerows(["SB", *_row(entry, scale)] for entry in shown)
    for kind in ("S", "R"):
        writer.writerows([f"{kind}F", *_footer(footer, scale)] for footer in footers)
        writer.writerow([f"{kind}C", len(shown)])
    writer.writerow(["FF", len(shown)])
    return out.getvalue()


def report_name(day: datetime) -> str:
    """The file name PayPal gives a day's report."""
    return f"STL-{day:%Y%m%d}.01.{VERSION}.CSV"


class _Scale:
    """Minor units as the file counts them."""

    def __init__(self, hundredths: bool) -> None:
        self._hundredths = hundredths

    def __call__(self, minor: int, currency: str) -> int:
        whole = self._hundredths and exponent(currency) == 0
        return abs(minor) * (100 if whole else 1)


def _footers(before: Iterable[Entry], shown: Sequence[Entry]) -> list[Footer]:
    begin: dict[str, int] = {}
    for entry in before:
        begin[entry.currency] = begin.get(entry.currency, 0) + entry.net_minor
    footers = {
        code: Footer(begin.get(code, 0), currency=code)
        for code in sorted({entry.currency for entry in shown})
    }
    for entry in shown:
        footers[entry.currency].add(entry)
    return list(footers.values())


def _sign(minor: int) -> str:
    return "DR" if minor < 0 else "CR"


def _row(entry: Entry, scale: _Scale) -> list[str | int]:
    at = datetime.fromtimestamp(entry.at, UTC).strftime(_DATE)
    fee: list[str | int] = ["", "", ""]
    if entry.fee_minor:
        amount = scale(entry.fee_minor, entry.currency)
        fee = [_sign(-entry.fee_minor), amount, entry.currency]
    return [
        entry.transaction_id, entry.invoice_id, entry.reference_id, entry.reference_type,
        entry.code, at, at, _sign(entry.gross_minor), scale(entry.gross_minor, entry.currency),
        entry.currency, *fee, entry.custom, "", "", "", entry.bank_reference, "", "", "",
    ]  # fmt: skip


def _footer(footer: Footer, scale: _Scale) -> list[str | int]:
    code = footer.currency
    begin: list[str | int] = [_sign(footer.begin_minor), scale(footer.begin_minor, code)]
    end: list[str | int] = [_sign(footer.end_minor), scale(footer.end_minor, code)]
    sums = (footer.credits, footer.debits, footer.fee_credits, footer.fee_debits)
    return [
        code, *(scale(minor, code) for minor in sums), *begin, *end, *begin, *end, "CR", 0, "CR",
        0, footer.rows,
    ]  # fmt: skip

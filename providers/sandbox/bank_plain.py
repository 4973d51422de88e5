"""Bank statements as OFX 2 and as the bank's own CSV, with the mapping that reads it."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape

from domain.bank import BankLine, BankStatement
from domain.money import format_minor
from providers.sandbox.bank_statements import ACCOUNT

CSV_MAPPING: dict[str, object] = {
    "account": ACCOUNT,
    "delimiter": ";",
    "decimal": ",",
    "date_format": "%d.%m.%Y",
    "skip_lines": 2,
    "columns": {
        "booked_on": "Booked", "valued_on": "Value date", "amount": "Amount",
        "currency": "Currency", "balance": "Balance", "reference": "Bank reference",
        "end_to_end": "Sender reference", "counterparty": "Counterparty", "text": "Text",
    },
}  # fmt: skip
"""What the table [bank.sandbox] of the settings says to read the CSV."""

_HEADER = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<?OFX OFXHEADER="200" VERSION="220"'
    ' SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n<OFX>\n<SIGNONMSGSRSV1><SONRS><STATUS>'
    "<CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS></SONRS></SIGNONMSGSRSV1>\n<BANKMSGSRSV1>\n"
)


def ofx(statements: Sequence[BankStatement]) -> str:
    """One response with a statement per currency; OFX states no opening balance."""
    body = "".join(row + "\n" for one in statements for row in _response(one))
    return f"{_HEADER}{body}</BANKMSGSRSV1>\n</OFX>\n"


def _response(one: BankStatement) -> Iterator[str]:
    yield "<STMTTRNRS><TRNUID>0</TRNUID><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>"
    yield f"<STMTRS><CURDEF>{one.currency}</CURDEF><BANKACCTFROM><BANKID>SANDBOXBANK</BANKID>"
    yield f"<ACCTID>{escape(one.account)}</ACCTID><ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>"
    yield f"<BANKTRANLIST><DTSTART>{_day(one.opening_on)}</DTSTART>"
    yield f"<DTEND>{_day(one.closing_on)}</DTEND>"
    for number, line in enumerate(one.lines, 1):
        yield _transaction(line, f"N{one.statement_id}{number}")
    yield "</BANKTRANLIST>"
    held = format_minor(one.closing_minor or 0, one.currency)
    yield f"<LEDGERBAL><BALAMT>{held}</BALAMT><DTASOF>{_day(one.closing_on)}</DTASOF></LEDGERBAL>"
    yield "</STMTRS></STMTTRNRS>"


def _day(on: date | None) -> str:
    return f"{on or date.min:%Y%m%d}"


def _transaction(line: BankLine, number: str) -> str:
    """A line; every one has an id in OFX, so one is made where the bank gave none."""
    leaves = {
        "TRNTYPE": "DEBIT" if line.amount_minor < 0 else "CREDIT",
        "DTPOSTED": _day(line.booked_on),
        "DTAVAIL": _day(line.valued_on or line.booked_on),
        "TRNAMT": format_minor(line.amount_minor, line.currency),
        "FITID": line.reference or number,
        "REFNUM": line.end_to_end,
        "NAME": line.counterparty[:32],
        "MEMO": line.text[:255],
    }
    told = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in leaves.items() if text)
    return f"<STMTTRN>{told}</STMTTRN>"


def csv_text(statements: Sequence[BankStatement]) -> str:
    """Lines of all currencies with the running balance of each, under two lines of heading."""
    out = io.StringIO()
    out.write(f"Account;{ACCOUNT}\nStatement of account\n")
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    columns = CSV_MAPPING["columns"]
    assert isinstance(columns, dict)
    writer.writerow(columns.values())
    for one in statements:
        held = one.opening_minor or 0
        for line in one.lines:
            held += line.amount_minor
            writer.writerow(_cells(line, held))
    return out.getvalue()


def _cells(line: BankLine, held: int) -> list[str]:
    amount, balance = (
        format_minor(minor, line.currency).replace(".", ",") for minor in (line.amount_minor, held)
    )
    return [
        f"{line.booked_on:%d.%m.%Y}", f"{line.valued_on or line.booked_on:%d.%m.%Y}", amount,
        line.currency, balance, line.reference, line.end_to_end, line.counterparty, line.text,
    ]  # fmt: skip

"""OFX and QFX files, taken apart by the ofxparse package, which forgives much; amounts are read
again from the file itself, strictly."""

import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

from domain.bank import BankLine, BankStatement
from domain.errors import UnreadableExport
from domain.settlement import Reject
from reconcile.bank.amounts import Unreadable, known, minor, minor_of
from reconcile.bank.optional import needed
from reconcile.intake.masking import shown

_AMOUNT = re.compile(rb"<TRNAMT>\s*([^<\r\n]*)", re.IGNORECASE)
_ENTRY = re.compile(rb"<STMTTRN>", re.IGNORECASE)
_UNSAFE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def read_ofx(data: bytes, file: str) -> Iterator[BankStatement]:
    """The statements of a file, one per account.

    Raises:
        UnreadableExport: it cannot be taken apart, or entries would be lost.
        ConfigurationError: the package is not installed.
    """
    ofxparse = needed("ofxparse")
    if _UNSAFE.search(data):
        raise UnreadableExport("the document defines a type or entities of its own", file=file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parsed = ofxparse.OfxParser.parse(io.BytesIO(data))
        except Exception:
            raise UnreadableExport("the file cannot be taken apart as OFX", file=file) from None
    texts = [match[1].decode("ascii", "replace").strip() for match in _AMOUNT.finditer(data)]
    places = [data.count(b"\n", 0, match.start()) + 1 for match in _ENTRY.finditer(data)]
    accounts = [a for a in parsed.accounts if getattr(a, "statement", None) is not None]
    found = sum(len(account.statement.transactions) for account in accounts)
    if not len(texts) == len(places) == found:
        reason = f"the file has {len(places)} entries, and {found} could be read"
        raise UnreadableExport(reason, file=file)
    number = 0
    for account in accounts:
        rows = account.statement.transactions
        part = slice(number, number + len(rows))
        yield _statement(account, rows, texts[part], places[part], file)
        number += len(rows)


def _statement(
    account: Any, rows: list[Any], texts: list[str], places: list[int], file: str
) -> BankStatement:
    name = str(account.account_id or "").replace(" ", "")
    currency = str(account.statement.currency or "").upper()
    lines: list[BankLine] = []
    rejects: list[Reject] = []
    for row, text, line in zip(rows, texts, places, strict=True):
        try:
            lines.append(_line(row, text, name, known(currency, "CURDEF"), line))
        except Unreadable as bad:
            rejects.append(Reject(file, line, bad.column, bad.reason, shown(bad.text)))
    closing, on = _balance(account.statement, currency)
    return BankStatement(name, currency, "", None, None, closing, on, tuple(lines), tuple(rejects))


def _line(row: Any, text: str, account: str, currency: str, line: int) -> BankLine:
    value = minor(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text,
                  currency, "TRNAMT")  # fmt: skip
    if row.date is None:
        raise Unreadable("DTPOSTED", "the entry has no date", "")
    return BankLine(
        account=account,
        currency=currency,
        amount_minor=value,
        booked_on=row.date.date(),
        valued_on=row.user_date.date() if row.user_date else None,
        reference=str(row.id or ""),
        end_to_end=str(row.checknum or ""),
        counterparty=str(row.payee or ""),
        text=" ".join(str(row.memo or "").split()),
        line=line,
    )


def _balance(statement: Any, currency: str) -> tuple[int | None, Any]:
    value = getattr(statement, "balance", None)
    if value is None:
        return None, None
    try:
        closing = minor_of(value, currency, "BALAMT")
    except Unreadable:
        return None, None
    on = getattr(statement, "balance_date", None)
    return closing, on.date() if on else None

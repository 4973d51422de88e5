"""BAI2 files, taken apart by the bai2 package; their control totals are checked here.

Amounts are minor units without a sign; the type code says whether money came or went.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from domain.bank import BankLine, BankStatement
from domain.errors import UnreadableExport
from domain.settlement import StatedTotal
from reconcile.bank.optional import needed
from reconcile.codes import CURRENCY_CODES

_OPENING, _CLOSING = "010", "015"
_DETAIL = re.compile(r"^16,", re.MULTILINE)


def read_bai2(text: str, file: str) -> Iterator[BankStatement]:
    """The statements of a file, one per account of a group.

    Raises:
        UnreadableExport: it cannot be taken apart.
        ConfigurationError: the package is not installed.
    """
    bai2 = needed("bai2.bai2")
    try:
        parsed = bai2.parse_from_string(text, check_integrity=False)
    except Exception:
        raise UnreadableExport("the file cannot be taken apart as BAI2", file=file) from None
    places = [text.count("\n", 0, match.start()) + 1 for match in _DETAIL.finditer(text)]
    number = 0
    for group in parsed.children:
        for account in group.children:
            count = len(account.children)
            yield _statement(group, account, places[number : number + count], file)
            number += count
    if number != len(places):
        reason = f"the file has {len(places)} transactions, and {number} could be read"
        raise UnreadableExport(reason, file=file)


def _statement(group: Any, account: Any, places: list[int], file: str) -> BankStatement:
    currency = str(account.header.currency or group.header.currency or "USD").upper()
    if currency not in CURRENCY_CODES:
        raise UnreadableExport("an account has an unknown currency", file=file)
    name = str(account.header.customer_account_number)
    on = group.header.as_of_date
    lines = tuple(
        _line(row, name, currency, on, line, file)
        for row, line in zip(account.children, places, strict=True)
    )
    opening, closing = (_summary(account, code) for code in (_OPENING, _CLOSING))
    return BankStatement(
        name, currency, str(group.header.originator_id or ""), opening,
        on if opening is not None else None, closing, on if closing is not None else None, lines,
        (), tuple(_controls(account, group)),
    )  # fmt: skip


def _line(row: Any, account: str, currency: str, on: date, line: int, file: str) -> BankLine:
    direction = row.type_code.transaction.value if row.type_code.transaction else ""
    if row.amount is None or direction not in ("credit", "debit"):
        reason = f"type code {row.type_code.code} does not say whether money came or went"
        raise UnreadableExport(reason, file=file, line=line)
    return BankLine(
        account=account,
        currency=currency,
        amount_minor=int(row.amount) if direction == "credit" else -int(row.amount),
        booked_on=on,
        reference=str(row.bank_reference or ""),
        end_to_end=str(row.customer_reference or ""),
        text=" ".join(str(row.text or "").split()),
        line=line,
    )


def _summary(account: Any, code: str) -> int | None:
    found = [
        item.amount for item in account.header.summary_items
        if item.type_code is not None and item.type_code.code == code
    ]  # fmt: skip
    return None if not found or found[0] is None else int(found[0])


def _controls(account: Any, group: Any) -> Iterator[StatedTotal]:
    """Every amount of an account, summary or transaction, is part of its control total."""
    amounts = [item.amount or 0 for item in account.header.summary_items]
    amounts += [abs(row.amount or 0) for row in account.children]
    currency = str(account.header.currency or group.header.currency or "USD").upper()
    yield StatedTotal(
        "account control total", currency, int(account.trailer.account_control_total), sum(amounts)
    )
    totals = sum(int(one.trailer.account_control_total) for one in group.children)
    yield StatedTotal(
        "group control total", currency, int(group.trailer.group_control_total), totals
    )
    yield StatedTotal(
        "accounts of the group", "", int(group.trailer.number_of_accounts), len(group.children)
    )

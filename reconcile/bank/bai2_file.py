"""BAI2 files: records of comma-separated fields, nested file, group, account, transaction.

Amounts are minor units without a sign; the type code says whether money came (100 to 399) or went
(400 to 699). Control totals sum every amount of an account, a group, a file; see the Cash
Management Balance Reporting Specifications, version 2.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from domain.bank import BankLine, BankStatement
from domain.errors import UnreadableExport
from domain.settlement import Reject, StatedTotal
from reconcile.bank.amounts import Unreadable, day
from reconcile.codes import CURRENCY_CODES
from reconcile.intake.masking import shown

_OPENING, _CLOSING = "010", "015"
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}")
_NEXT = {
    "": ("01",), "01": ("02",), "02": ("03",), "03": ("16", "49"), "16": ("16", "49"),
    "49": ("03", "98"), "98": ("02", "99"), "99": (),
}  # fmt: skip
"""Record -> records that may follow it."""


@dataclass(slots=True)
class _Record:
    code: str
    fields: list[str]
    line: int
    text: str = ""


@dataclass(slots=True)
class _Account:
    """One account of a group while it is read."""

    name: str
    currency: str
    on: date
    group: str
    summaries: dict[str, int] = field(default_factory=dict)
    total: int = 0
    lines: list[BankLine] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    stated: list[StatedTotal] = field(default_factory=list)


def read_bai2(text: str, file: str) -> Iterator[BankStatement]:
    """The statements of a file, one per account of a group.

    Raises:
        UnreadableExport: records are missing, cut off, or in an order that makes no sense.
    """
    group: list[str] = []
    accounts: list[_Account] = []
    done: list[_Account] = []
    for record in _ordered(_records(text, file), file):
        match record.code:
            case "02":
                group, accounts = record.fields, []
            case "03":
                accounts.append(_opened(record, group, file))
            case "16":
                _transaction(record, accounts[-1], file)
            case "49":
                _control(accounts[-1], "account control total", record, accounts[-1].total, file)
            case "98":
                total = sum(account.total for account in accounts)
                _control(accounts[0], "group control total", record, total, file)
                _count(accounts[0], "accounts of the group", record, len(accounts), file)
                done += accounts
    yield from (_statement(account) for account in done)


def _records(text: str, file: str) -> Iterator[_Record]:
    """Records with their continuations; a record ends with a slash, the text of one need not."""
    waiting: _Record | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line:
            continue
        code, _, rest = line.partition(",")
        if code == "88":
            if waiting is None:
                raise UnreadableExport("a continuation of nothing", file=file, line=number)
            waiting.text = f"{waiting.text} {rest.removesuffix('/')}".strip()
            if waiting.code != "16":
                waiting.fields += rest.removesuffix("/").split(",")
            continue
        if waiting is not None:
            yield waiting
        waiting = _Record(code, rest.removesuffix("/").split(","), number)
    if waiting is not None:
        yield waiting


def _ordered(records: Iterator[_Record], file: str) -> Iterator[_Record]:
    before = ""
    for record in records:
        if record.code not in _NEXT[before]:
            reason = f"a record {record.code[:4]!r} after {before or 'nothing'}"
            raise UnreadableExport(reason, file=file, line=record.line)
        yield record
        before = record.code
    if before != "99":
        raise UnreadableExport("the file has no end: it was cut off", file=file)


def _opened(record: _Record, group: list[str], file: str) -> _Account:
    own = record.fields[1].strip() if len(record.fields) > 1 else ""
    currency = (own or _field(group, 5) or "USD").upper()
    if currency not in CURRENCY_CODES:
        raise UnreadableExport("an account has an unknown currency", file=file, line=record.line)
    try:
        on = day(_field(group, 3), "%y%m%d", "as-of date")
    except Unreadable as bad:
        raise UnreadableExport(bad.reason, file=file, line=record.line) from None
    account = _Account(record.fields[0].strip(), currency, on, _field(group, 1))
    for place in range(2, len(record.fields) - 1, 4):
        code, amount = record.fields[place].strip(), _field(record.fields, place + 1)
        if code and amount:
            value = _number(amount, file, record.line)
            account.summaries[code] = value
            account.total += value
    return account


def _transaction(record: _Record, account: _Account, file: str) -> None:
    code, amount = _field(record.fields, 0), _field(record.fields, 1)
    bank, own, text = _references(record.fields)
    try:
        if _NUMBER.fullmatch(amount) is None:
            raise Unreadable("amount", "not a whole number", amount)
        account.total += int(amount)
        line = BankLine(
            account=account.name,
            currency=account.currency,
            amount_minor=int(amount) * _direction(code),
            booked_on=account.on,
            reference=bank,
            end_to_end=own,
            text=" ".join(f"{text} {record.text}".split()),
            line=record.line,
        )
    except Unreadable as bad:
        account.rejects.append(Reject(file, record.line, bad.column, bad.reason, shown(bad.text)))
        return
    account.lines.append(line)


def _direction(code: str) -> int:
    if re.fullmatch(r"[0-9]{3}", code):
        if "100" <= code <= "399":
            return 1
        if "400" <= code <= "699":
            return -1
    raise Unreadable("type code", "it does not say whether money came or went", code)


def _references(fields: list[str]) -> tuple[str, str, str]:
    """The bank's reference, the customer's, and the text: where they stand depends on the funds."""
    kind = _field(fields, 2).upper()
    skip = {"V": 2, "S": 3}.get(kind, 0)
    if kind == "D":
        count = _field(fields, 3)
        skip = 1 + 2 * int(count) if count.isdigit() and len(count) < 3 else 1
    at = 3 + skip
    return _field(fields, at), _field(fields, at + 1), ",".join(fields[at + 2 :]).strip()


def _control(account: _Account, name: str, record: _Record, found: int, file: str) -> None:
    stated = _number(_field(record.fields, 0), file, record.line)
    account.stated.append(StatedTotal(name, account.currency, stated, found))


def _count(account: _Account, name: str, record: _Record, found: int, file: str) -> None:
    stated = _number(_field(record.fields, 1), file, record.line)
    account.stated.append(StatedTotal(name, "", stated, found))


def _statement(account: _Account) -> BankStatement:
    opening, closing = (account.summaries.get(code) for code in (_OPENING, _CLOSING))
    return BankStatement(
        account.name, account.currency, account.group, opening,
        account.on if opening is not None else None, closing,
        account.on if closing is not None else None, tuple(account.lines),
        tuple(account.rejects), tuple(account.stated),
    )  # fmt: skip


def _number(text: str, file: str, line: int) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise UnreadableExport("a figure that is no whole number", file=file, line=line)
    return int(text)


def _field(fields: list[str], place: int) -> str:
    return fields[place].strip() if place < len(fields) else ""

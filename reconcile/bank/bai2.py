"""BAI2: accounts in groups, every level with a control total and a count, all of them checked.

The package `bai2` tells what a type code means. Its own reader is not used: it never ends on a
file that was cut off, and one bad amount would cost the whole file.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.bank import BankLine, BankStatement
from domain.errors import UnreadableExport
from reconcile.bank.bai2_cells import funds, summaries
from reconcile.bank.bai2_records import Record, records
from reconcile.bank.drafting import Draft
from reconcile.bank.figures import Damage, currency, short_day, whole
from reconcile.bank.optional import package
from reconcile.bank.texts import plain

DEFAULT_CURRENCY = "USD"
"""Of a group that names none; an account that names none has its group's."""
OPENING, CLOSING, CREDITS, DEBITS = "010", "015", "100", "400"
_NOT_MONEY = "890"


def read_bai2(text: str, file: str) -> list[BankStatement]:
    """The statements of a file, one per account record.

    Raises:
        UnreadableExport: it starts with no BAI2 file header of version 2, or has no account.
        ConfigurationError: the extra `bank` is not installed.
    """
    codes: dict[str, Any] = package("bai2.constants", "BAI2").TypeCodes
    reader = _Reader(file, codes)
    found = list(records(text))
    if not found or found[0].code != "01":
        raise UnreadableExport("no BAI2 file header (01) stands first", file=file, line=1)
    if found[0].cell(7) != "2":
        reason = f"BAI version {found[0].cell(7)!r}, only version 2 is known"
        raise UnreadableExport(reason, file=file, line=1)
    for record in found:
        reader.take(record)
    reader.end(found[-1].line)
    if not reader.drafts:
        raise UnreadableExport("the file has no account (03)", file=file, line=found[-1].line)
    return [statement for draft in reader.drafts for statement in draft.statements()]


@dataclass
class _Level:
    """What a file, a group or an account has added up so far."""

    name: str
    trailer: str
    total: int = 0
    children: int = 0
    lines: int = 0
    currency: str = ""
    on: date | None = None
    fault: str = ""
    """Why nothing below may be booked."""


@dataclass
class _Reader:
    file: str
    codes: dict[str, Any]
    drafts: list[Draft] = field(default_factory=list)
    levels: list[_Level] = field(default_factory=list)
    loose: list[tuple[int, Damage]] = field(default_factory=list)
    """Refused before there was an account to hold it."""

    def take(self, record: Record) -> None:
        """One record."""
        for level in self.levels:
            level.lines += record.lines
        try:
            self._take(record)
        except Damage as damage:
            self._refuse(record.line, damage)

    def _refuse(self, line: int, damage: Damage) -> None:
        if self.drafts:
            self.drafts[-1].refuse(line, damage)
        else:
            self.loose.append((line, damage))

    def _take(self, record: Record) -> None:
        match record.code:
            case "01":
                self._open(_Level("file", "99"), 0, record)
            case "02":
                self._open(_Level("group", "98"), 1, record)
                self._group(record)
            case "03":
                self._open(_Level("account", "49"), 2, record)
                self._account(record)
            case "16":
                self._transaction(record)
            case "49" | "98" | "99":
                self._close(record)
            case _:
                raise Damage("", "no BAI2 record", record.text)

    def _open(self, level: _Level, depth: int, record: Record) -> None:
        if len(self.levels) < depth:
            raise Damage("", f"a {level.name} outside of what holds it", record.text)
        self._missing(depth, record.line)
        if depth and self.levels:
            self.levels[-1].children += 1
            level.currency, level.on = self.levels[-1].currency, self.levels[-1].on
            level.fault = self.levels[-1].fault
        level.lines = record.lines
        self.levels.append(level)

    def _missing(self, depth: int, line: int) -> None:
        """Every level from `depth` on should have been closed by now."""
        while len(self.levels) > depth:
            level = self.levels.pop()
            reason = f"the {level.name} has no trailer: records are missing"
            self._refuse(line, Damage(level.trailer, reason))
            if self.levels:
                self.levels[-1].total += level.total

    def end(self, line: int) -> None:
        """The file is over."""
        self._missing(0, line)
        if self.drafts:
            for at, damage in self.loose:
                self.drafts[0].refuse(at, damage)

    def _group(self, record: Record) -> None:
        group = self.levels[-1]
        status = record.cell(2)
        if status not in ("", "1"):
            group.fault = f"the group is no update (status {status}): nothing of it is booked"
        group.currency = record.cell(5) or DEFAULT_CURRENCY
        group.fault = group.fault or _fault(currency, group.currency, "currency")
        group.fault = group.fault or _fault(short_day, record.cell(3), "as-of date")
        group.on = None if group.fault else short_day(record.cell(3), "as-of date")

    def _account(self, record: Record) -> None:
        account = self.levels[-1]
        account.currency = record.cell(1) or account.currency
        name = record.cell(0)
        if not name:
            raise UnreadableExport("an account has no number", file=self.file, line=record.line)
        account.fault = account.fault or _fault(currency, account.currency, "currency")
        # An unknown currency is no statement's: its rows are refused one by one.
        known = "" if _fault(currency, account.currency, "currency") else account.currency
        on = account.on.isoformat() if account.on else ""
        draft = Draft(self.file, name, on, known)
        self.drafts.append(draft)
        if account.fault:
            raise Damage("", account.fault, record.text)
        for code, amount, count in summaries(record):
            account.total += amount or 0
            self._summary(draft, code, amount, count)

    def _summary(self, draft: Draft, code: str, amount: int | None, count: int | None) -> None:
        level = self.levels[-1]
        if amount is None:
            return
        if code == OPENING:
            draft.opening[level.currency] = (amount, level.on)
        elif code == CLOSING:
            draft.closing[level.currency] = (amount, level.on)
        elif code in (CREDITS, DEBITS):
            # What was found is filled in when the account ends.
            draft.state(f"{code} sum", level.currency, amount, 0)
            if count is not None:
                draft.state(f"{code} count", "", count, 0)

    def _transaction(self, record: Record) -> None:
        if len(self.levels) != 3:
            raise Damage("16", "a transaction outside of an account", record.text)
        level = self.levels[-1]
        code = record.cell(0)
        if code == _NOT_MONEY:
            return
        amount = whole(record.cell(1), "amount")
        level.total += amount
        if level.fault or level.on is None:
            raise Damage("16", level.fault or "the group has no date", record.text)
        sign = self._sign(code)
        if amount < 0:
            raise Damage("amount", "a sign beside a type code", record.cell(1))
        valued, rest = funds(record)
        text = ",".join(rest[2:]).replace(",\n", "\n")
        self.drafts[-1].lines.append(
            BankLine(
                self.drafts[-1].account, level.currency, amount * sign, level.on, valued,
                plain(rest[0]), plain(rest[1]), text=plain(text), line=record.line,
            )
        )  # fmt: skip

    def _sign(self, code: str) -> int:
        known = self.codes.get(code)
        kind = known.transaction.value if known is not None and known.transaction else ""
        if known is None or kind not in ("credit", "debit"):
            raise Damage("type code", f"type code {code!r} is neither a credit nor a debit", code)
        if known.level.value != "detail":
            raise Damage("type code", f"type code {code!r} is a sum, not a transaction", code)
        return 1 if kind == "credit" else -1

    def _close(self, record: Record) -> None:
        depth = {"99": 0, "98": 1, "49": 2}[record.code]
        if len(self.levels) <= depth:
            raise Damage(record.code, "a trailer of nothing that is open", record.text)
        self._missing(depth + 1, record.line)
        level = self.levels.pop()
        if self.levels:
            self.levels[-1].total += level.total
        if self.drafts:
            self._check(level, record)

    def _check(self, level: _Level, record: Record) -> None:
        draft = self.drafts[-1]
        if level.name == "account":
            _fill(draft)
        where = f"{level.name} at line {record.line}"
        stated = whole(record.cell(0), f"{record.code} total")
        own = draft.currency if level.name == "account" else ""
        draft.state(f"{record.code} total of the {where}", own, stated, level.total)
        last = 1
        if level.name != "account":
            stated = whole(record.cell(1), f"{record.code} count")
            draft.state(f"{record.code} count of the {where}", "", stated, level.children)
            last = 2
        stated = whole(record.cell(last), f"{record.code} records")
        draft.state(f"{record.code} records of the {where}", "", stated, level.lines)


def _fill(draft: Draft) -> None:
    """Put what was found beside the sums and counts of the account's header."""
    for at, total in enumerate(draft.stated):
        code, _, what = total.name.partition(" ")
        if code not in (CREDITS, DEBITS):
            continue
        sign = 1 if code == CREDITS else -1
        chosen = [n.amount_minor * sign for n in draft.lines if n.amount_minor * sign > 0]
        found = sum(chosen) if what == "sum" else len(chosen)
        draft.stated[at] = type(total)(total.name, total.currency, total.stated, found)


def _fault(check: Any, text: str, column: str) -> str:
    try:
        check(text, column)
    except Damage as damage:
        return damage.reason
    return ""

"""One bank file, whatever its format: read, checked against itself, named by its content."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from domain.bank import BOOKED, BankFile, BankStatement
from domain.clock import iso
from domain.errors import UnreadableExport
from domain.settlement import ControlTotal, InputFile, StatedBalance, StatedTotal
from reconcile.bank.camt import read_camt
from reconcile.bank.csv_mapping import CsvMapping
from reconcile.bank.sniffing import HEAD_BYTES, sniff
from reconcile.bank.texts import check_foreign, decode

BYTES_MAX = 64 << 20
"""A larger file is no statement of a company's account; a whole file is held in memory."""
CSV = "bank.csv"


def read_bank(path: Path, *, mapping: CsvMapping | None = None) -> BankFile:
    """Read a bank file of any format; `mapping` says how, if it turns out to be CSV.

    Statements keep the file's order, and lines theirs within a statement; there is one statement
    per account and currency. A contradiction is a `StatedTotal` with a difference; a row that
    cannot be read is a reject.

    Raises:
        UnreadableExport: the file as a whole is none, is cut off in the middle, or is unsafe.
        ConfigurationError: the extra `bank` is not installed.
    """
    data = _bytes(path)
    return read_bank_bytes(data, path.name, mapping=mapping)


def read_bank_bytes(data: bytes, name: str, *, mapping: CsvMapping | None = None) -> BankFile:
    """`read_bank` of bytes that are here already; `name` is the file's base name.

    Raises:
        UnreadableExport, ConfigurationError: see `read_bank`.
    """
    if len(data) > BYTES_MAX:
        reason = f"the file has more than {BYTES_MAX >> 20} MiB: split it"
        raise UnreadableExport(reason, file=name)
    check_foreign(data, name)
    form = sniff(data[:HEAD_BYTES], name)
    statements = _statements(data, name, form, mapping)
    return BankFile(_input(data, name, form or CSV, statements), tuple(statements))


def _bytes(path: Path) -> bytes:
    """The file's bytes, one more than allowed at most."""
    try:
        with path.open("rb") as stream:
            return stream.read(BYTES_MAX + 1)
    except OSError as error:
        reason = f"it cannot be opened: {error.strerror}"
        raise UnreadableExport(
            reason, file=path.name, hint="Look at its name and rights."
        ) from None


def _statements(
    data: bytes, name: str, form: str | None, mapping: CsvMapping | None
) -> list[BankStatement]:
    if form is None and mapping is None:
        raise UnreadableExport(
            "no bank statement we know: CAMT.052/053/054, MT940, BAI2 or OFX",
            file=name, hint="A CSV file needs a mapping: the table [bank.NAME] of the settings.",
        )  # fmt: skip
    if form is not None and form.startswith("bank.camt"):
        return read_camt(data, name)
    if form == "bank.ofx":
        from reconcile.bank.ofx import declared_encoding, read_ofx

        return read_ofx(decode(data, name, declared_encoding(data)), name)
    if form == "bank.mt940":
        from reconcile.bank.mt940 import read_mt940

        return read_mt940(decode(data, name), name)
    if form == "bank.bai2":
        from reconcile.bank.bai2 import read_bai2

        return read_bai2(decode(data, name), name)
    from reconcile.bank.csv_lines import read_csv

    assert mapping is not None
    return read_csv(decode(data, name, mapping.encoding), name, mapping)


def _input(data: bytes, name: str, form: str, statements: Sequence[BankStatement]) -> InputFile:
    """The file as an input of a run; its period runs from its first day to its last one."""
    lines = [line for statement in statements for line in statement.lines]
    unreadable = sum(len(statement.rejects) for statement in statements)
    days = sorted(line.booked_on for line in lines)
    accounts = {statement.account for statement in statements}
    return InputFile(
        name, hashlib.sha256(data).hexdigest(), len(data), form, len(lines) + unreadable,
        unreadable, _totals(statements),
        (_instant(days[0]), _instant(days[-1])) if days else None,
        tuple(_stated(statements)), tuple(_balances(statements)),
        accounts.pop() if len(accounts) == 1 else "",
    )  # fmt: skip


def _totals(statements: Iterable[BankStatement]) -> tuple[ControlTotal, ...]:
    """Booked lines per currency; pending ones move no balance."""
    rows, sums = Counter[str](), Counter[str]()
    for statement in statements:
        for line in statement.lines:
            if line.status == BOOKED:
                rows[line.currency] += 1
                sums[line.currency] += line.amount_minor
    return tuple(ControlTotal(code, rows[code], sums[code], 0) for code in sorted(rows))


def _balances(statements: Iterable[BankStatement]) -> Iterable[StatedBalance]:
    """Opening at the start of its day, closing at the end of its: the start of the next."""
    for one in statements:
        if one.opening_minor is not None and one.opening_on is not None:
            at = _instant(one.opening_on)
            yield StatedBalance(one.currency, at, one.opening_minor, "opening")
        if one.closing_minor is not None and one.closing_on is not None:
            at = _instant(one.closing_on, 1)
            yield StatedBalance(one.currency, at, one.closing_minor, "closing")


def _instant(on: date, days: int = 0) -> str:
    start = datetime.combine(on, time(), UTC)
    return iso(start + timedelta(days=days) if on < date.max else start)


def _stated(statements: Sequence[BankStatement]) -> Iterable[StatedTotal]:
    """What statements say of themselves, whether one comes twice and whether they join."""
    several = len(statements) > 1
    copies = Counter(_copy(statement) for statement in statements)
    before: dict[tuple[str, str], BankStatement] = {}
    for one in statements:
        label = f"{one.account} {one.statement_id}".strip()
        for total in one.stated:
            yield replace(total, name=f"{total.name} of {label}") if several else total
        key = (one.account, one.currency)
        previous = before.get(key)
        closed = previous.closing_minor if previous is not None else None
        copied = previous is not None and _copy(one) == _copy(previous)
        if closed is not None and one.opening_minor is not None and not copied:
            name = f"opening balance of {label} after the statement before it"
            yield StatedTotal(name, one.currency, one.opening_minor, closed)
        before[key] = one
    for copy, count in copies.items():
        if count > 1:
            yield StatedTotal(f"copies of the statement {copy[0]} {copy[1]}", "", 1, count)


def _copy(one: BankStatement) -> tuple[object, ...]:
    """What two copies of a statement share; the place in the file is not part of it."""
    lines = tuple(replace(line, line=0) for line in one.lines)
    ends = (one.opening_minor, one.opening_on, one.closing_minor, one.closing_on)
    return (one.account, one.statement_id, one.currency, ends, lines)

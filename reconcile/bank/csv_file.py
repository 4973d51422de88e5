"""A bank's own CSV file, read as a mapping says: nothing about it is guessed."""

import re
from collections.abc import Iterator, Mapping

from domain.bank import BankLine, BankStatement, CsvMapping
from domain.errors import UnreadableExport
from domain.settlement import Reject, StatedTotal
from reconcile.bank.amounts import Unreadable, day, known, minor
from reconcile.intake.header import check_unique
from reconcile.intake.masking import shown
from reconcile.intake.rows import BadRow, split


def read_csv(text: str, file: str, mapping: CsvMapping) -> Iterator[BankStatement]:
    """The statements of a file, one per account and currency.

    Raises:
        UnreadableExport: the header lacks a column that the mapping names.
    """
    skipped = text.split("\n", mapping.skip_lines)[mapping.skip_lines :]
    body = skipped[0] if skipped else ""
    records = split(body, mapping.skip_lines + 1, None, last=True, delimiter=mapping.delimiter)
    header: tuple[str, ...] = ()
    lines: list[tuple[BankLine, int | None]] = []
    rejects: list[Reject] = []
    for row in records:
        if isinstance(row, BadRow):
            rejects.append(Reject(file, row.line, "", row.reason, shown(row.text)))
        elif not header:
            header = tuple(cell.strip() for cell in row.cells)
            _check(header, mapping, file)
        elif len(row.cells) != len(header):
            reason = f"the row has {len(row.cells)} cells, the header has {len(header)}"
            rejects.append(Reject(file, row.line, "", reason, shown(row.cells[0])))
        else:
            try:
                lines.append(_line(dict(zip(header, row.cells, strict=True)), mapping, row.line))
            except Unreadable as bad:
                rejects.append(Reject(file, row.line, bad.column, bad.reason, shown(bad.text)))
    if not header:
        raise UnreadableExport("the file has no header", file=file)
    yield from _statements(lines, rejects, mapping)


def _check(header: tuple[str, ...], mapping: CsvMapping, file: str) -> None:
    check_unique(header, file)
    wanted = [
        mapping.booked_on, mapping.amount, mapping.credit, mapping.debit, mapping.currency,
        mapping.account, mapping.valued_on, mapping.reference, mapping.end_to_end,
        mapping.counterparty, mapping.text, mapping.balance,
    ]  # fmt: skip
    for name in wanted:
        if name and name not in header:
            raise UnreadableExport(
                f"the header has no such column, which the mapping {mapping.name} names",
                file=file, line=mapping.skip_lines + 1, column=name,
            )  # fmt: skip


def _line(cells: Mapping[str, str], mapping: CsvMapping, line: int) -> tuple[BankLine, int | None]:
    def text(name: str) -> str:
        return " ".join(cells[name].split()) if name else ""

    currency = known((text(mapping.currency) or mapping.currency_is).upper(), mapping.currency)
    valued = text(mapping.valued_on)
    balance = text(mapping.balance)
    return (
        BankLine(
            account=(text(mapping.account) or mapping.account_is).replace(" ", ""),
            currency=currency,
            amount_minor=_amount(cells, mapping, currency),
            booked_on=day(text(mapping.booked_on), mapping.date_format, mapping.booked_on),
            valued_on=day(valued, mapping.date_format, mapping.valued_on) if valued else None,
            reference=text(mapping.reference),
            end_to_end=text(mapping.end_to_end),
            counterparty=text(mapping.counterparty),
            text=text(mapping.text),
            line=line,
        ),
        _minor(balance, mapping, currency, mapping.balance) if balance else None,
    )


def _amount(cells: Mapping[str, str], mapping: CsvMapping, currency: str) -> int:
    """The signed amount: one column, or what came less what went."""
    if mapping.amount:
        return _minor(cells[mapping.amount].strip(), mapping, currency, mapping.amount)
    came, went = (cells[name].strip() for name in (mapping.credit, mapping.debit))
    if bool(came) == bool(went):
        raise Unreadable(mapping.credit, "exactly one of credit and debit has to be filled",
                         f"{came} {went}")  # fmt: skip
    if came:
        return _minor(came, mapping, currency, mapping.credit)
    return -abs(_minor(went, mapping, currency, mapping.debit))


def _minor(text: str, mapping: CsvMapping, currency: str, column: str) -> int:
    """An amount as the mapping says it is written."""
    whole, mark, decimals = text.partition(mapping.decimal)
    if mapping.thousands:
        groups = re.escape(mapping.thousands)
        if mapping.thousands in whole and not re.fullmatch(
            rf"[+-]?[0-9]{{1,3}}(?:{groups}[0-9]{{3}})+", whole
        ):
            raise Unreadable(column, "marks between thousands stand in the wrong place", text)
        whole = whole.replace(mapping.thousands, "")
    return minor(f"{whole}.{decimals}" if mark else whole, currency, column)


def _statements(
    lines: list[tuple[BankLine, int | None]], rejects: list[Reject], mapping: CsvMapping
) -> Iterator[BankStatement]:
    keys = sorted({(line.account, line.currency) for line, _ in lines})
    if not keys:
        yield BankStatement(mapping.account_is, mapping.currency_is, "", None, None, None, None,
                            (), tuple(rejects))  # fmt: skip
    for number, (account, currency) in enumerate(keys):
        own = [pair for pair in lines if (pair[0].account, pair[0].currency) == (account, currency)]
        kept = tuple(line for line, _ in own)
        yield BankStatement(
            account, currency, "", None, None, None, None, kept,
            tuple(rejects) if number == 0 else (), tuple(_running(own, currency)),
        )  # fmt: skip


def _running(own: list[tuple[BankLine, int | None]], currency: str) -> Iterator[StatedTotal]:
    """Whether the balances beside the lines lead from one to the next; newest may stand first."""
    stated = [(line, balance) for line, balance in own if balance is not None]
    if len(stated) < 2:
        return
    for order in (stated, stated[::-1]):
        first, last = order[0], order[-1]
        moved = sum(line.amount_minor for line, _ in order[1:])
        found = StatedTotal(
            "running balance", currency, int(last[1] or 0), int(first[1] or 0) + moved
        )
        if not found.difference or order is not stated:
            yield found
            return

"""SWIFT MT940 and MT942 statements, taken apart by the mt-940 package.

A file may hold many statements; each is checked by itself, because the package keeps the last
balances of a file only. Its own log is silenced: it would show what payers wrote.
"""

import logging
import re
from collections.abc import Iterator
from typing import Any

from domain.bank import BankLine, BankStatement
from domain.errors import UnreadableExport
from domain.settlement import Reject, StatedTotal
from reconcile.bank.amounts import Unreadable, minor_of
from reconcile.bank.optional import needed
from reconcile.intake.masking import shown

_START = re.compile(r"^:20:", re.MULTILINE)
_LINE = re.compile(r"^:61:", re.MULTILINE)
_SUM = re.compile(r"^:90([DC]):([0-9]{1,5})([A-Z]{3})([0-9]+,[0-9]*)", re.MULTILINE)


def read_mt940(text: str, file: str) -> Iterator[BankStatement]:
    """The statements of a file.

    Raises:
        UnreadableExport: a statement cannot be taken apart.
        ConfigurationError: the package is not installed.
    """
    mt940 = needed("mt940")
    logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)
    starts = [match.start() for match in _START.finditer(text)]
    if not starts:
        raise UnreadableExport("the file has no statement: no line begins with :20:", file=file)
    for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:stop]
        line = text.count("\n", 0, start) + 1
        yield _statement(part, line, file, _parsed(mt940, part, file, line))


def _parsed(mt940: Any, part: str, file: str, line: int) -> Any:
    """The statement by the usual tags, else by those of a bank that writes longer references."""
    special = mt940.tags.StatementASNB()
    for tags in (None, {special.id: special}):
        found = mt940.models.Transactions(tags=tags)
        try:
            found.parse(part)
        except Exception:  # noqa: S112 - whatever the package trips over
            continue
        return found
    raise UnreadableExport("a statement cannot be taken apart", file=file, line=line)


def _statement(part: str, first: int, file: str, parsed: Any) -> BankStatement:
    account = str(parsed.data.get("account_identification", "")).replace(" ", "")
    places = [first + part.count("\n", 0, match.start()) for match in _LINE.finditer(part)]
    lines: list[BankLine] = []
    rejects: list[Reject] = []
    rows = [row for row in parsed if "amount" in row.data]
    if len(rows) != len(places):
        raise UnreadableExport(
            f"the statement has {len(places)} lines, and {len(rows)} could be read", file=file,
            line=first,
        )  # fmt: skip
    for row, line in zip(rows, places, strict=True):
        try:
            lines.append(_line(row.data, account, line))
        except Unreadable as bad:
            rejects.append(Reject(file, line, bad.column, bad.reason, shown(bad.text)))
    opening = _balance(parsed, "opening")
    closing = _balance(parsed, "closing")
    currency = opening[1] if opening else (lines[0].currency if lines else "")
    return BankStatement(
        account, currency, str(parsed.data.get("transaction_reference", "")),
        opening[0] if opening else None, opening[2] if opening else None,
        closing[0] if closing else None, closing[2] if closing else None,
        tuple(lines), tuple(rejects), tuple(_sums(part, lines, currency)),
    )  # fmt: skip


def _line(data: dict[str, Any], account: str, line: int) -> BankLine:
    currency = str(data["amount"].currency)
    text = data.get("transaction_details") or data.get("purpose") or ""
    own = str(data.get("customer_reference") or "")
    return BankLine(
        account=account,
        currency=currency,
        amount_minor=minor_of(data["amount"].amount, currency, ":61:"),
        booked_on=data.get("entry_date") or data["date"],
        valued_on=data["date"],
        reference=str(data.get("bank_reference") or ""),
        end_to_end="" if own in ("NONREF", "None") else own,
        counterparty=str(data.get("applicant_name") or ""),
        text=" ".join(f"{text} {data.get('extra_details') or ''}".split()),
        line=line,
    )


def _balance(parsed: Any, name: str) -> tuple[int, str, Any] | None:
    for kind in ("final", "intermediate"):
        found = parsed.data.get(f"{kind}_{name}_balance")
        if found is not None:
            currency = str(found.amount.currency)
            try:
                return minor_of(found.amount.amount, currency, name), currency, found.date
            except Unreadable:
                return None
    return None


def _sums(part: str, lines: list[BankLine], currency: str) -> Iterator[StatedTotal]:
    """The numbers and sums of debits and credits that some statements state."""
    for match in _SUM.finditer(part):
        sign, name = (-1, "debits") if match[1] == "D" else (1, "credits")
        moved = [sign * ln.amount_minor for ln in lines if sign * ln.amount_minor > 0]
        yield StatedTotal(f"{name}, lines", "", int(match[2]), len(moved))
        try:
            value = minor_of(_decimal(match[4]), currency, ":90:")
        except Unreadable:
            continue
        yield StatedTotal(name, currency, value, sum(moved))


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text.rstrip(",").replace(",", "."))

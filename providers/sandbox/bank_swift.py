"""Bank statements as SWIFT MT940 and as BAI2, the two formats of short lines and codes."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

from domain.bank import BankLine, BankStatement
from domain.money import format_minor

_WIDTH = 65
_TRANSFER, _DIRECT_DEBIT, _RETURN = "142", "451", "557"


def mt940(statements: Sequence[BankStatement]) -> str:
    """One message per currency, the details with code words between slashes."""
    return "".join(f"{row}\r\n" for number, one in enumerate(statements, 1)
                   for row in _message(one, number))  # fmt: skip


def _message(one: BankStatement, number: int) -> Iterator[str]:
    yield f":20:{one.statement_id[:16]}"
    yield f":25:{one.account}"
    yield f":28C:{number}/1"
    yield f":60F:{_balance(one.opening_minor, one.opening_on, one.currency)}"
    for line in one.lines:
        mark = "D" if line.amount_minor < 0 else "C"
        mark = {"D": "RC", "C": "RD"}[mark] if line.reversal else mark
        amount = _comma(line.amount_minor, line.currency)
        customer = line.end_to_end[:16] or "NONREF"
        bank = f"//{line.reference[:16]}" if line.reference else ""
        valued = line.valued_on or line.booked_on
        yield f":61:{valued:%y%m%d}{line.booked_on:%m%d}{mark}{amount}NTRF{customer}{bank}"
        yield from _wrapped(f":86:/NAME/{_swift(line.counterparty)}/REMI/{_swift(line.text)}")
    yield f":62F:{_balance(one.closing_minor, one.closing_on, one.currency)}"
    for sign, tag in ((-1, "90D"), (1, "90C")):
        chosen = [n.amount_minor for n in one.lines if n.amount_minor * sign > 0]
        yield f":{tag}:{len(chosen)}{one.currency}{_comma(sum(chosen), one.currency)}"
    yield "-"


def _wrapped(text: str) -> Iterator[str]:
    """Lines of at most 65 characters; a blank never ends one, where it would be lost."""
    while text:
        cut = len(text[:_WIDTH].rstrip()) if len(text) > _WIDTH else len(text)
        yield text[:cut]
        text = text[cut:]


def _balance(minor: int | None, on: date | None, code: str) -> str:
    held = minor or 0
    day = on or date.min
    return f"{'D' if held < 0 else 'C'}{day:%y%m%d}{code}{_comma(held, code)}"


def _comma(minor: int, code: str) -> str:
    text = format_minor(abs(minor), code).replace(".", ",")
    return text if "," in text else f"{text},"


def _swift(text: str) -> str:
    """Words without what would end a code word or a field."""
    return " ".join(re.sub(r"[^A-Za-z0-9 .,()+'?-]", " ", text).split())


def bai2(statements: Sequence[BankStatement]) -> str:
    """One file with a group per day and currency: a group has one date and one currency."""
    last = max((one.closing_on for one in statements if one.closing_on), default=date.min)
    rows = [f"01,SANDBOXBANK,COMPANY,{last:%y%m%d},2200,1,,,2/"]
    total = groups = 0
    for one in statements:
        for group, amount in _groups(one):
            rows += group
            total, groups = total + amount, groups + 1
    rows.append(f"99,{total},{groups},{len(rows) + 1}/")
    return "\n".join(rows) + "\n"


def _groups(one: BankStatement) -> Iterator[tuple[list[str], int]]:
    held = one.opening_minor or 0
    days = [(on, list(lines)) for on, lines in groupby(one.lines, lambda line: line.booked_on)]
    for on, lines in days or [(one.closing_on or date.min, [])]:
        moved = sum(line.amount_minor for line in lines)
        yield _group(one, on, lines, held)
        held += moved


def _group(
    one: BankStatement, on: date, lines: Sequence[BankLine], opening: int
) -> tuple[list[str], int]:
    """The rows of a day and their control total."""
    credits = [line.amount_minor for line in lines if line.amount_minor > 0]
    debits = [-line.amount_minor for line in lines if line.amount_minor < 0]
    closing = opening + sum(credits) - sum(debits)
    sums = f"100,{sum(credits)},{len(credits)},,400,{sum(debits)},{len(debits)},"
    details = [_detail(line) for line in lines]
    # Sums of the header count towards the control total like the transactions do.
    total = opening + closing + 2 * (sum(credits) + sum(debits))
    rows = [
        f"02,COMPANY,SANDBOXBANK,1,{on:%y%m%d},2200,{one.currency},2/",
        f"03,{one.account},{one.currency},010,{opening},,,015,{closing},,,{sums}/",
        *details,
        f"49,{total},{len(details) + 2}/",
        f"98,{total},1,{len(details) + 4}/",
    ]
    return rows, total


def _detail(line: BankLine) -> str:
    code = _TRANSFER if line.amount_minor > 0 else _RETURN if line.reversal else _DIRECT_DEBIT
    funds = f"V,{line.valued_on:%y%m%d}," if line.valued_on else "0"
    text = " ".join(re.sub(r"[/,]", " ", line.text).split())
    amount = abs(line.amount_minor)
    return f"16,{code},{amount},{funds},{line.reference},{line.end_to_end},{text}/"

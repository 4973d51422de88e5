"""Cells of BAI2 records whose number depends on what stands before them: funds and summaries."""

from collections.abc import Iterator
from datetime import date

from reconcile.bank.bai2_records import Record
from reconcile.bank.figures import Damage, short_day, whole

_SIMPLE_FUNDS = ("", "Z", "0", "1", "2")


def summaries(record: Record) -> Iterator[tuple[str, int | None, int | None]]:
    """Type code, amount and count of each summary of an account record.

    Raises:
        Damage: an amount, count or funds type cannot be read.
    """
    cells = [cell.strip() for cell in record.cells]
    while cells and not cells[-1]:
        cells.pop()
    at = 2
    while at < len(cells):
        code, amount, count, funds = (cells[at : at + 4] + [""] * 3)[:4]
        at += 4
        at += _width(funds, cells, at)
        if code:
            yield (
                code,
                whole(amount, f"{code} amount") if amount else None,
                whole(count, f"{code} count") if count else None,
            )


def _width(funds: str, cells: list[str], at: int) -> int:
    """How many cells from `at` on say when the funds are available.

    Raises:
        Damage: an unknown funds type, or more of them than the record has.
    """
    width = 0 if funds in _SIMPLE_FUNDS else {"V": 2, "S": 3}.get(funds, -1)
    if funds == "D":
        width = 1 + 2 * whole(cells[at].strip() if at < len(cells) else "", "funds type")
    elif width < 0:
        raise Damage("funds type", f"unknown funds type {funds!r}", funds)
    # A value date may come without its time when nothing follows.
    needed = 1 if funds == "V" else width
    if not 0 <= needed <= max(0, len(cells) - at):
        raise Damage("funds type", "the record ends before its funds are told", funds)
    return width


def funds(record: Record) -> tuple[date | None, list[str]]:
    """The value date, if the funds type names one, and the cells behind it."""
    kind = record.cell(2)
    width = _width(kind, record.cells, 3)
    valued = record.cell(3) if kind == "V" else ""
    behind = record.cells[3 + width :]
    behind += [""] * (2 - len(behind))
    return short_day(valued, "value date") if valued else None, behind

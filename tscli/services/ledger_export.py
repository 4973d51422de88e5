"""The ledger on its way to accounting: a journal in the format their program reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from db.database import Books
from domain.errors import InvalidRequest

if TYPE_CHECKING:
    from reports.journal import Balances, Journal
    from tscli.services.context import Context


class JournalFormat(StrEnum):
    """The programs that are written for."""

    CSV = "csv"
    BEANCOUNT = "beancount"
    HLEDGER = "hledger"
    XLSX = "xlsx"


def export_ledger(
    context: "Context",
    form: JournalFormat,
    temporary: Path,
    *,
    start: date | None,
    end: date | None,
    provider: str | None,
) -> int:
    """Write the journal of [start, end) into a file; how many entries it has.

    With a start, the balances before it stand first.

    Raises:
        InvalidRequest: an end that is not after the start.
        ConfigurationError: a package that the format needs is not installed.
    """
    if start is not None and end is not None and end <= start:
        raise InvalidRequest(f"The journal ends on {end}, not after its start on {start}.")
    counted: list[None] = []
    with context.database.read() as books, _journal(books, start, end, provider, counted) as made:
        if form is JournalFormat.XLSX:
            from reports.journal_xlsx import write_xlsx

            write_xlsx(made, temporary)
        else:
            from reports import journal

            writers = {
                JournalFormat.CSV: journal.as_csv,
                JournalFormat.BEANCOUNT: journal.as_beancount,
                JournalFormat.HLEDGER: journal.as_hledger,
            }
            with temporary.open("w", encoding="utf-8", newline="") as file:
                file.writelines(writers[form](made))
    return len(counted)


@contextmanager
def _journal(
    books: Books,
    start: date | None,
    end: date | None,
    provider: str | None,
    counted: list[None],
) -> "Iterator[Journal]":
    from reports.journal import Journal, JournalEntry

    first, last = _instant(start), _instant(end)
    opening = _before(books, first, provider)

    def lines() -> Iterator[JournalEntry]:
        for entry, payment, reference in books.ledger.journal(first, last, provider):
            counted.append(None)
            yield JournalEntry(entry, payment, reference)

    opened_on = start or _first_day(books, provider)
    yield Journal(lines(), opening, opened_on)


def _first_day(books: Books, provider: str | None) -> date:
    """The day of the oldest entry; of an empty ledger any day will do."""
    oldest = books.ledger.first_instant(provider)
    return oldest.date() if oldest else date(1970, 1, 1)


def _before(books: Books, first: datetime | None, provider: str | None) -> "Balances":
    from reports.journal import JournalEntry, legs

    sums: dict[tuple[str, str], int] = {}
    if first is not None:
        for entry, payment, reference in books.ledger.journal(None, first, provider):
            for account, minor, currency in legs(JournalEntry(entry, payment, reference)):
                sums[account, currency] = sums.get((account, currency), 0) + minor
    return {key: minor for key, minor in sums.items() if minor}


def _instant(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)

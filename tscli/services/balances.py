"""What a provider account held at an instant: from its own lines, anchored where it states it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from db.database import Books
from domain.provider import ProviderAccount
from domain.settlement import InputFile, StatedBalance

_LAST_SECOND = timedelta(seconds=1)


def opening_balances(
    books: Books, owner: ProviderAccount, files: Iterable[InputFile], at: datetime
) -> dict[str, int]:
    """Currency -> minor units before an instant.

    All lines we keep, on top of what the provider states for the moment before the first of them;
    nothing where it states nothing.
    """
    found = books.statements.balances(owner, at)
    for balance in _anchors(files):
        since = instant_of(balance)
        before = books.statements.balances(owner, since).get(balance.currency, 0)
        offset = balance.amount_minor - before
        if since <= at and offset:
            found[balance.currency] = found.get(balance.currency, 0) + offset
    return found


def stated_closing(files: Iterable[InputFile], at: datetime) -> dict[str, int]:
    """The balances the provider states for exactly this instant."""
    return {
        balance.currency: balance.amount_minor
        for file in sorted(files, key=lambda file: file.digest)
        for balance in file.balances
        if instant_of(balance) == at
    }


def instant_of(balance: StatedBalance) -> datetime:
    """The first instant that is no longer part of what a stated balance covers.

    Files state the last second of their period for a closing balance, and its first for an opening.
    """
    at = datetime.fromisoformat(balance.at)
    return at + _LAST_SECOND if balance.name == "closing" and at.second == 59 else at


def _anchors(files: Iterable[InputFile]) -> list[StatedBalance]:
    """The earliest stated balance of every currency."""
    stated = [balance for file in files for balance in file.balances]
    first: dict[str, StatedBalance] = {}
    for balance in sorted(stated, key=lambda b: (instant_of(b), b.name, b.amount_minor)):
        first.setdefault(balance.currency, balance)
    return [first[currency] for currency in sorted(first)]

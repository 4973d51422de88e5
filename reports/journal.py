"""The ledger as a journal for accounting programs: CSV, beancount, hledger and xlsx.

Legs are signed as accountants sign them: what an account gains is positive, so that every entry
sums to zero per currency. Balances at the end are asserted, so that the program that reads a
journal proves its sums again.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from domain.ledger import Account, Entry
from domain.money import format_minor
from domain.safe_text import inert_cell, safe_text

_NAMES: Mapping[Account, tuple[str, str]] = {
    Account.PROVIDER_BALANCE: ("Assets", "Balance"),
    Account.PAYOUTS_IN_TRANSIT: ("Assets", "In-Transit"),
    Account.BANK: ("Assets", "Bank"),
    Account.CUSTOMER_CLEARING: ("Income", "Charges"),
    Account.REFUNDS: ("Expenses", "Refunds"),
    Account.DISPUTES: ("Expenses", "Disputes"),
    Account.FEES: ("Expenses", "Fees"),
    Account.SUSPENSE: ("Equity", "Suspense"),
}
"""Root and last part of an account's name in a journal."""
OPENING = "Equity:Opening-Balances"
COLUMNS = (
    "date", "entry_id", "transaction_id", "payment_id", "provider_reference", "kind", "account",
    "amount", "currency", "reverses",
)  # fmt: skip


_AMOUNT = COLUMNS.index("amount")
"""A plain decimal, so that a negative amount stays a number."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry with what its transaction is about."""

    entry: Entry
    payment_id: str
    provider_reference: str

    @property
    def on(self) -> date:
        """Its day, UTC."""
        return self.entry.occurred_at.date()


Balances = dict[tuple[str, str], int]
"""(account name, currency) -> minor units."""


@dataclass(frozen=True, slots=True)
class Journal:
    """A ledger over a span of days; `entries` may be gone through once."""

    entries: Iterable[JournalEntry]
    """In order of their instants."""
    opening: Balances
    """Balances before the first day, none where the journal has everything."""
    opened_on: date
    """Day of the opening balances; every account is opened on it."""
    title: str = "tscli ledger"


def account_name(entry: Entry, account: Account) -> str:
    """An account's name: root, provider, our name for its account, and what it holds."""
    root, last = _NAMES[account]
    mode = () if entry.mode == "live" else ("Test",)
    return ":".join((root, _part(entry.provider), _part(entry.account), *mode, last))


def legs(line: JournalEntry) -> Iterator[tuple[str, int, str]]:
    """(account name, minor units, currency) of every leg of an entry."""
    for posting in line.entry.postings:
        yield account_name(line.entry, posting.destination), posting.amount_minor, posting.currency
        yield account_name(line.entry, posting.source), -posting.amount_minor, posting.currency


def as_csv(journal: Journal) -> Iterator[str]:
    """One row per leg, after the opening balances."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows(journal):
        writer.writerow(
            cell if place == _AMOUNT else inert_cell(cell) for place, cell in enumerate(row)
        )
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def rows(journal: Journal) -> Iterator[tuple[str, ...]]:
    """The cells of `COLUMNS` for every leg, amounts as plain decimals."""
    for (account, currency), minor in sorted(journal.opening.items()):
        amount = format_minor(minor, currency)
        yield (str(journal.opened_on), "", "", "", "", "opening", account, amount, currency, "")
    for line in journal.entries:
        entry = line.entry
        for account, minor, currency in legs(line):
            yield (
                str(line.on), entry.entry_id, entry.transaction_id, line.payment_id,
                line.provider_reference, str(entry.kind), account, format_minor(minor, currency),
                currency, entry.reverses or "",
            )  # fmt: skip


def as_beancount(journal: Journal) -> Iterator[str]:
    """A beancount journal; `bean-check` proves it."""
    yield f'option "title" "{_quoted(journal.title)}"\n\n'
    yield from _journal(journal, _bean_open, _bean_opening, _bean_entry, _bean_balance)


def as_hledger(journal: Journal) -> Iterator[str]:
    """An hledger journal."""
    yield f"; {_plain(journal.title)}\n\n"
    yield from _journal(journal, _hled_open, _hled_opening, _hled_entry, _hled_balance)


def _journal(
    journal: Journal,
    opened: Callable[[str, date], str],
    opening: Callable[[Journal], str],
    entry: Callable[[JournalEntry], str],
    balance: Callable[[str, int, str, date], str],
) -> Iterator[str]:
    """Accounts as they appear, opening balances, entries, and the balances at the end."""
    sums: Balances = dict(journal.opening)
    known: set[str] = set()
    last = journal.opened_on
    for account in [*sorted({name for name, _ in sums}), *([OPENING] if sums else [])]:
        known.add(account)
        yield opened(account, journal.opened_on)
    if sums:
        yield opening(journal)
    for line in journal.entries:
        for account, minor, currency in legs(line):
            if account not in known:
                known.add(account)
                yield opened(account, journal.opened_on)
            sums[account, currency] = sums.get((account, currency), 0) + minor
        last = max(last, line.on)
        yield entry(line)
    for (account, currency), minor in sorted(sums.items()):
        yield balance(account, minor, currency, last)


def _bean_open(account: str, on: date) -> str:
    return f"{on} open {account}\n"


def _bean_opening(journal: Journal) -> str:
    return f'{journal.opened_on} * "Opening balances"\n' + _opening_legs(journal)


def _opening_legs(journal: Journal) -> str:
    """Every balance, and what equals it out."""
    sums: dict[str, int] = {}
    lines = []
    for (account, currency), minor in sorted(journal.opening.items()):
        sums[currency] = sums.get(currency, 0) - minor
        lines.append(_leg(account, minor, currency))
    lines += [_leg(OPENING, minor, currency) for currency, minor in sorted(sums.items())]
    return "".join(lines) + "\n"


def _leg(account: str, minor: int, currency: str) -> str:
    return f"  {account}  {format_minor(minor, currency)} {currency}\n"


def _bean_entry(line: JournalEntry) -> str:
    entry = line.entry
    facts = {
        "entry": entry.entry_id, "transaction": entry.transaction_id, "payment": line.payment_id,
        "reference": line.provider_reference, "reverses": entry.reverses or "",
    }  # fmt: skip
    head = f'{line.on} * "{_quoted(entry.provider)}" "{_quoted(entry.kind)}"\n'
    meta = "".join(f'  {key}: "{_quoted(value)}"\n' for key, value in facts.items() if value)
    return head + meta + "".join(_leg(*leg) for leg in legs(line)) + "\n"


def _bean_balance(account: str, minor: int, currency: str, last: date) -> str:
    # A balance is that at the beginning of its day.
    on = last + timedelta(days=1)
    return f"{on} balance {account}  {format_minor(minor, currency)} {currency}\n"


def _hled_open(account: str, on: date) -> str:
    return f"account {account}\n"


def _hled_opening(journal: Journal) -> str:
    return f"{journal.opened_on} * opening balances\n" + _opening_legs(journal)


def _hled_entry(line: JournalEntry) -> str:
    entry = line.entry
    facts = {
        "entry": entry.entry_id, "transaction": entry.transaction_id, "payment": line.payment_id,
        "reference": line.provider_reference, "reverses": entry.reverses or "",
    }  # fmt: skip
    tags = ", ".join(f"{key}:{_plain(value)}" for key, value in facts.items() if value)
    head = f"{line.on} * {_plain(entry.kind)}  ; {tags}\n"
    return head + "".join(_leg(*leg) for leg in legs(line)) + "\n"


def _hled_balance(account: str, minor: int, currency: str, last: date) -> str:
    zero = format_minor(0, currency)
    stated = f"{format_minor(minor, currency)} {currency}"
    return f"{last} * balance\n  {account}  {zero} {currency} = {stated}\n\n"


def _part(name: str) -> str:
    """One part of an account's name: a capital or digit first, then letters, digits, hyphens."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "X"
    return plain[0].upper() + plain[1:]


def _quoted(text: str) -> str:
    return safe_text(text).replace("\\", "\\\\").replace('"', '\\"')


def _plain(text: str) -> str:
    """Text without what hledger gives a meaning to."""
    return re.sub(r"[;:,|\r\n\t]", " ", safe_text(text))

"""The ledger: trial balance, transactions, and taking in lines kept elsewhere.

An imported file is one transaction: all of its readable rows and its audit record, or nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from db.database import Books
from domain.clock import from_micros
from domain.errors import Conflict
from domain.ids import Ids
from domain.ledger import Balance, Entry, postings
from domain.operator import Permission
from domain.provider import ProviderAccount
from domain.settlement import InputFile, LineKind, LineStatus, Reject
from domain.transaction import Transaction
from tscli.services.context import Context
from tscli.services.permission import require

PURPOSE = "ledger"
"""What an imported ledger file is remembered as."""


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """A ledger file as read: what it is, its readable rows, the others."""

    file: InputFile
    rows: Iterable[tuple[Any, ...]]
    """transaction_id, payment_id, kind, provider_reference, amount_minor, currency, fee_minor,
    status, occurred_at in microseconds UTC."""
    rejects: tuple[Reject, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a ledger file."""

    file: InputFile
    added: int
    """New rows, and rows under way before that have settled."""
    known: int
    """Rows that were recorded already, with the same words."""
    rejects: tuple[Reject, ...]
    seen_before: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class TransactionDetail:
    """One transaction and its entries."""

    transaction: Transaction
    entries: list[Entry]


def trial_balance(context: Context) -> list[Balance]:
    """Every account's sums per provider account and currency; debits equal credits per currency."""
    with context.database.read() as books:
        return books.ledger.trial_balance()


def list_transactions(context: Context, payment_id: str | None, limit: int) -> list[Transaction]:
    """Transactions, newest first."""
    with context.database.read() as books:
        return books.ledger.transactions(payment_id=payment_id, limit=limit)


def transaction_detail(context: Context, transaction_id: str) -> TransactionDetail:
    """One transaction with its entries.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        return TransactionDetail(
            books.ledger.get_transaction(transaction_id),
            books.ledger.of_transaction(transaction_id),
        )


def import_ledger(
    context: Context, owner: ProviderAccount, given: LedgerFile, *, dry_run: bool = False
) -> Imported:
    """Take in the readable rows of a ledger file; a file of the same content changes nothing.

    Raises:
        Conflict: a transaction id is recorded with other words.
    """
    require(context, Permission.RECONCILE)
    with context.database.transaction(dry_run=dry_run) as books:
        books.runs.lock()
        if books.statements.file_id(PURPOSE, given.file.digest, owner) is not None:
            return Imported(given.file, 0, given.file.rows, given.rejects, True, dry_run)
        fresh, settled, known = _sort_out(books, owner, given.rows)
        books.ledger.add_transactions(fresh)
        books.ledger.settle_transactions(settled)
        file_id = context.ids.new("fil")
        books.record(
            context.actor,
            "ledger.imported",
            file_id,
            after={
                "file": given.file.name,
                "digest": given.file.digest,
                "added": len(fresh),
                "settled": len(settled),
                "known": known,
                "unreadable": len(given.rejects),
            },
            entries=[
                e for t in (*fresh, *(now for _, now in settled)) for e in _entry(context.ids, t)
            ],
        )
        # A file with unreadable rows is not remembered: its corrected copy may share the good ones.
        if not given.rejects:
            books.statements.add_file(file_id, PURPOSE, given.file, owner, context.clock.now())
    added = len(fresh) + len(settled)
    return Imported(given.file, added, known, given.rejects, False, dry_run)


def _sort_out(
    books: Books, owner: ProviderAccount, rows: Iterable[tuple[Any, ...]]
) -> tuple[list[Transaction], list[tuple[Transaction, Transaction]], int]:
    """New transactions, those that have settled since as they were and are, and how many were
    recorded as they are."""
    given = list(_transactions(owner, rows))
    recorded = books.ledger.known(t.transaction_id for t in given)
    fresh: dict[str, Transaction] = {}
    settled: dict[str, tuple[Transaction, Transaction]] = {}
    known = 0
    for t in given:
        before = recorded.get(t.transaction_id) or fresh.get(t.transaction_id)
        if before is None:
            fresh[t.transaction_id] = t
        elif before == t:
            known += 1
        elif _settles(before, t) and t.transaction_id not in fresh:
            settled[t.transaction_id] = before, t
        else:
            raise Conflict(
                f"The transaction {t.transaction_id} is recorded with other words.",
                hint=f"Compare the file with `tscli ledger show {t.transaction_id}`;"
                " correct a line by a new one that reverses it.",
            )
    return list(fresh.values()), list(settled.values()), known


def _settles(before: Transaction, after: Transaction) -> bool:
    """Whether a line that was under way now says how it ended; its money stays what it was."""
    open_before = before.status in (LineStatus.PENDING, LineStatus.PROCESSING)
    same = replace(
        before, status=after.status, fee_minor=after.fee_minor, occurred_at=after.occurred_at
    )
    return open_before and same == after


def _transactions(owner: ProviderAccount, rows: Iterable[tuple[Any, ...]]) -> Iterator[Transaction]:
    for row in rows:
        yield Transaction(
            transaction_id=row[0],
            payment_id=row[1] or None,
            provider=owner.provider,
            account=owner.account,
            mode=owner.mode,
            kind=LineKind(row[2]),
            provider_reference=row[3],
            amount_minor=int(row[4]),
            currency=row[5],
            fee_minor=int(row[6]),
            status=LineStatus(row[7]),
            occurred_at=from_micros(int(row[8])),
            origin="import",
        )


def _entry(ids: Ids, t: Transaction) -> Iterator[Entry]:
    """The entry of an imported line, when it is settled and moves anything."""
    if t.status is not LineStatus.SUCCEEDED:
        return
    lines = postings(t.kind, t.amount_minor, t.fee_minor or 0, t.currency)
    if lines:
        yield Entry(
            entry_id=ids.new("ent"),
            transaction_id=t.transaction_id,
            provider=t.provider,
            account=t.account,
            mode=t.mode,
            kind=t.kind,
            occurred_at=t.occurred_at,
            postings=lines,
        )


def read_ledger(path: Path) -> LedgerFile:
    """Read a ledger file.

    Raises:
        UnreadableExport: the file as a whole cannot be read.
    """
    from reconcile.intake.files import iter_columns
    from reconcile.intake.files import read_ledger as read

    expected = read(path)
    if expected.file is None:
        raise ValueError("a file that was read has a name")
    names = ("transaction_id", "payment_id", "kind", "provider_reference", "amount_minor",
             "currency", "fee_minor", "status", "occurred_at")  # fmt: skip
    rows = (
        row
        for part in iter_columns(expected)
        for row in zip(*(part[name] for name in names), strict=True)
    )
    return LedgerFile(expected.file, rows, expected.rejects)

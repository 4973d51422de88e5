"""Entries and postings: append, sum up, read back; and the transactions they belong to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from db.bulk import OfCsv, column_stretches, have_grown, insert_rows
from db.ledger_rows import LEGS, entry, entry_of, entry_row, transaction_row
from db.payments import transaction
from db.schema import entries, postings, transactions
from domain.clock import from_micros, to_micros
from domain.errors import NotFound, StaleVersion
from domain.ledger import Account, Balance, Entry
from domain.provider import ProviderAccount
from domain.settlement import LineStatus
from domain.transaction import Transaction

_BATCH = 5_000


class Ledger:
    """The transactions, entries and postings tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def post(self, audit_id: str, new: Sequence[Entry]) -> None:
        """Append entries under one audit record."""
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            self._connection.execute(insert(entries), [entry_row(audit_id, e) for e in batch])
            self._connection.execute(
                insert(postings),
                [
                    {
                        "entry_id": e.entry_id,
                        "line": line,
                        "source": p.source,
                        "destination": p.destination,
                        "amount_minor": p.amount_minor,
                        "currency": p.currency,
                    }
                    for e in batch
                    for line, p in enumerate(e.postings, start=1)
                ],
            )

    def unreversed(self, transaction_id: str) -> list[Entry]:
        """Entries of a transaction that no other entry undoes, and that undo none."""
        undone = select(entries.c.reverses).where(entries.c.reverses.is_not(None))
        query = select(entries).where(
            entries.c.transaction_id == transaction_id,
            entries.c.reverses.is_(None),
            entries.c.entry_id.not_in(undone),
        )
        return self._entries(query)

    def of_transaction(self, transaction_id: str) -> list[Entry]:
        """All entries of a transaction, oldest first."""
        return self._entries(select(entries).where(entries.c.transaction_id == transaction_id))

    def all_entries(self) -> Iterator[tuple[str, Entry]]:
        """Every entry with its audit record's id, in order of entry id; streamed."""
        query = (
            select(entries, *LEGS)
            .join_from(entries, postings, entries.c.entry_id == postings.c.entry_id, isouter=True)
            .order_by(entries.c.entry_id, postings.c.line)
        )
        for rows in self._by_entry(query):
            yield rows[0].audit_id, entry(rows)

    def first_instant(self, provider: str | None) -> datetime | None:
        """The instant of the oldest entry, None of an empty ledger."""
        query = select(func.min(entries.c.occurred_at))
        if provider is not None:
            query = query.where(entries.c.provider == provider)
        found = self._connection.execute(query).scalar()
        return None if found is None else from_micros(int(found))

    def journal(
        self, start: datetime | None, end: datetime | None, provider: str | None
    ) -> Iterator[tuple[Entry, str, str]]:
        """Entries of [start, end) in order of their instants, each with its transaction's payment
        id and provider reference; streamed."""
        query = (
            select(
                entries,
                *LEGS,
                func.coalesce(transactions.c.payment_id, "").label("payment_id"),
                transactions.c.provider_reference,
            )
            .join_from(entries, postings, entries.c.entry_id == postings.c.entry_id)
            .join(transactions, transactions.c.transaction_id == entries.c.transaction_id)
            .order_by(entries.c.occurred_at, entries.c.entry_id, postings.c.line)
        )
        if start is not None:
            query = query.where(entries.c.occurred_at >= to_micros(start))
        if end is not None:
            query = query.where(entries.c.occurred_at < to_micros(end))
        if provider is not None:
            query = query.where(entries.c.provider == provider)
        for rows in self._by_entry(query):
            yield entry(rows), rows[0].payment_id, rows[0].provider_reference

    def trial_balance(self) -> list[Balance]:
        """Every account's sums per owner and currency."""
        owner = (entries.c.provider, entries.c.account, entries.c.mode)
        sides = union_all(
            *(
                select(
                    *owner,
                    side.label("ledger_account"),
                    postings.c.currency,
                    (postings.c.amount_minor if debit else literal(0)).label("debit"),
                    (literal(0) if debit else postings.c.amount_minor).label("credit"),
                ).join_from(entries, postings, entries.c.entry_id == postings.c.entry_id)
                for side, debit in ((postings.c.destination, True), (postings.c.source, False))
            )
        ).subquery()
        groups = [sides.c[c] for c in ("provider", "account", "mode", "ledger_account", "currency")]
        query = (
            select(
                *groups,
                func.sum(sides.c.debit).label("debit"),
                func.sum(sides.c.credit).label("credit"),
            )
            .group_by(*groups)
            .order_by(*groups)
        )
        return [
            Balance(
                r.provider,
                r.account,
                r.mode,
                Account(r.ledger_account),
                r.currency,
                int(r.debit),
                int(r.credit),
            )
            for r in self._connection.execute(query)
        ]

    def add_transactions(self, new: Sequence[Transaction]) -> None:
        """Insert imported transactions."""
        for start in range(0, len(new), _BATCH):
            rows = [transaction_row(t) for t in new[start : start + _BATCH]]
            insert_rows(self._connection, transactions, rows)
        have_grown(self._connection, len(new), transactions)

    def settle_transactions(self, settled: Iterable[tuple[Transaction, Transaction]]) -> None:
        """Write how imported transactions ended: each as it was read, and as it is now.

        Raises:
            StaleVersion: one has ended otherwise since it was read.
        """
        for before, now in settled:
            written = self._connection.execute(
                update(transactions)
                .where(
                    transactions.c.transaction_id == before.transaction_id,
                    transactions.c.status == before.status,
                )
                .values(
                    status=now.status,
                    fee_minor=now.fee_minor,
                    occurred_at=to_micros(now.occurred_at),
                )
            )
            if written.rowcount != 1:
                raise StaleVersion(f"The transaction {before.transaction_id} has changed.")

    def known(self, transaction_ids: Iterable[str]) -> dict[str, Transaction]:
        """Those of the given transactions that are recorded."""
        wanted = list(transaction_ids)
        found: dict[str, Transaction] = {}
        for start in range(0, len(wanted), 500):
            query = select(transactions).where(
                transactions.c.transaction_id.in_(wanted[start : start + 500])
            )
            rows = self._connection.execute(query)
            found |= {row.transaction_id: transaction(row) for row in rows}
        return found

    def get_transaction(self, transaction_id: str) -> Transaction:
        """One transaction.

        Raises:
            NotFound: there is none.
        """
        try:
            return self.known([transaction_id])[transaction_id]
        except KeyError:
            raise NotFound(
                f"There is no transaction {transaction_id}.", hint="See `tscli ledger show`."
            ) from None

    def same_movement(self, line: Transaction) -> list[str]:
        """Ids of the transactions, not cancelled, that are about the movement that a line is about:
        of its account, kind, reference and money; halves of an exchange share all but that."""
        t = transactions.c
        query = select(t.transaction_id).where(
            t.provider_reference == line.provider_reference,
            t.provider == line.provider,
            t.account == line.account,
            t.mode == line.mode,
            t.kind == line.kind,
            t.amount_minor == line.amount_minor,
            t.currency == line.currency,
            t.status != LineStatus.CANCELLED,
        )
        return list(self._connection.execute(query.order_by(t.transaction_id)).scalars())

    def transactions(
        self,
        owner: ProviderAccount | None = None,
        *,
        payment_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> list[Transaction]:
        """Transactions in [start, end), newest first when limited, else in order of their ids."""
        query = select(transactions)
        if owner:
            query = query.where(
                transactions.c.provider == owner.provider,
                transactions.c.account == owner.account,
                transactions.c.mode == owner.mode,
            )
        if payment_id:
            query = query.where(transactions.c.payment_id == payment_id)
        if start:
            query = query.where(transactions.c.occurred_at >= to_micros(start))
        if end:
            query = query.where(transactions.c.occurred_at < to_micros(end))
        if limit is None:
            query = query.order_by(transactions.c.transaction_id)
        else:
            query = query.order_by(
                transactions.c.occurred_at.desc(), transactions.c.transaction_id
            ).limit(limit)
        return [transaction(row) for row in self._connection.execute(query)]

    def columns(
        self,
        owner: ProviderAccount,
        start: datetime,
        end: datetime,
        of_csv: OfCsv,
        *,
        as_of: datetime | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """The transactions of [start, end) as columns for a comparison, in any order: in stretches,
        see `bulk.column_stretches`. What was booked and undone only after `as_of` succeeded then.

        Columns: transaction_id, payment_id, kind, provider_reference, amount_minor, currency,
        fee_minor (unknown counts as 0), status, occurred_at (microseconds UTC).
        """
        t = transactions.c
        columns = {
            "transaction_id": t.transaction_id,
            "payment_id": func.coalesce(t.payment_id, ""),
            "kind": t.kind,
            "provider_reference": t.provider_reference,
            "amount_minor": t.amount_minor,
            "currency": t.currency,
            "fee_minor": func.coalesce(t.fee_minor, 0),
            "status": t.status if as_of is None else _status(as_of),
            "occurred_at": t.occurred_at,
        }
        query = select(*columns.values()).where(
            *_within(owner, start, end),
            # What closing a break posted stands under the break's name: no file can hold it.
            ~t.provider_reference.startswith("brk_", autoescape=True),
        )
        return column_stretches(self._connection, query, list(columns), of_csv)

    def count(self, owner: ProviderAccount, start: datetime, end: datetime) -> int:
        """How many transactions of [start, end) there are; `columns` gives no more."""
        query = select(func.count()).select_from(transactions)
        within = _within(owner, start, end)
        return int(self._connection.execute(query.where(*within)).scalar_one())

    def provider_balances(self, owner: ProviderAccount, before: datetime) -> dict[str, int]:
        """What our books say the provider held before an instant, by currency: from the postings
        alone, so that it proves the transactions as well."""
        own = Account.PROVIDER_BALANCE.value
        inside = (
            entries.c.provider == owner.provider,
            entries.c.account == owner.account,
            entries.c.mode == owner.mode,
            entries.c.occurred_at < to_micros(before),
        )
        found: dict[str, int] = {}
        for column, sign in ((postings.c.destination, 1), (postings.c.source, -1)):
            query = (
                select(postings.c.currency, func.sum(postings.c.amount_minor).label("total"))
                .join_from(postings, entries, postings.c.entry_id == entries.c.entry_id)
                .where(*inside, column == own)
                .group_by(postings.c.currency)
            )
            for row in self._connection.execute(query):
                found[row.currency] = found.get(row.currency, 0) + sign * int(row.total)
        return found

    def posted_for_breaks(
        self, owner: ProviderAccount, before: datetime
    ) -> dict[str, dict[str, int]]:
        """What closing breaks posted before an instant and still stood then: break id -> currency
        -> minor units."""
        t = transactions.c
        query = select(t.provider_reference, t.currency, t.amount_minor).where(
            t.provider == owner.provider,
            t.account == owner.account,
            t.mode == owner.mode,
            t.provider_reference.startswith("brk_", autoescape=True),
            _status(before) == "succeeded",
            t.occurred_at < to_micros(before),
        )
        found: dict[str, dict[str, int]] = {}
        for row in self._connection.execute(query):
            of_break = found.setdefault(row.provider_reference, {})
            of_break[row.currency] = of_break.get(row.currency, 0) + row.amount_minor
        return found

    def _by_entry(self, query: Any) -> Iterator[list[Any]]:
        """Rows that lie together by their entry; streamed."""
        streamed = self._connection.execution_options(yield_per=5_000).execute(query)
        for _, rows in groupby(streamed, key=attrgetter("entry_id")):
            yield list(rows)

    def _entries(self, query: Any) -> list[Entry]:
        found = []
        for row in self._connection.execute(query.order_by(entries.c.entry_id)).all():
            lines = self._connection.execute(
                select(postings)
                .where(postings.c.entry_id == row.entry_id)
                .order_by(postings.c.line)
            ).all()
            found.append(entry_of(row, lines))
        return found


def _status(at: datetime) -> ColumnElement[str]:
    """A transaction's status at an instant: what was undone later had succeeded."""
    t = transactions.c
    undone_later = exists().where(
        entries.c.transaction_id == t.transaction_id,
        entries.c.reverses.is_not(None),
        entries.c.occurred_at >= to_micros(at),
    )
    return case((and_(t.status != "succeeded", undone_later), "succeeded"), else_=t.status)


def _within(
    owner: ProviderAccount, start: datetime, end: datetime
) -> tuple[ColumnElement[bool], ...]:
    t = transactions.c
    return (
        t.provider == owner.provider,
        t.account == owner.account,
        t.mode == owner.mode,
        t.occurred_at >= to_micros(start),
        t.occurred_at < to_micros(end),
    )

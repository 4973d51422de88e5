"""Statements as they were taken in: the files, their bytes, and their lines one by one.

A line is kept once, however many files hold it: files overlap, and the same file comes twice. Two
lines that are alike in one file are two lines.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from itertools import chain, compress, islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    exists,
    func,
    insert,
    select,
)

from db.bulk import (
    OfCsv,
    column_stretches,
    expect_many,
    have_grown,
    insert_columns,
    insert_rows,
    rows_named,
)
from db.schema import archive, bank_lines, files, line_facts, lines, transactions
from domain.arrival import Deposit
from domain.clock import to_micros
from domain.matching import payments_by_reference
from domain.provider import ProviderAccount
from domain.settlement import InputFile, LineKind

PURPOSE = "statement"
"""What files of this sort are kept for, in the `files` table."""

_MONEY = ("amount_minor", "fee_minor", "currency")
_IN = 1_000
_PART_BYTES = 1 << 20

LINE_COLUMNS = (
    "reference", "source", "parent", "ours", "payout", "bank_reference", "category", "kind",
    "amount_minor", "currency", "fee_minor", "net_minor", "occurred_at", "line",
)  # fmt: skip
"""What a kept line gives back to a comparison, in order; `kind` is empty for an unknown word."""

FACTS = ("source", "parent", "ours", "payout", "bank_reference")
"""What a later file may say of a line whose own file said nothing about it."""


class Statements:
    """The files, archive and lines tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_file(
        self,
        file_id: str,
        purpose: str,
        file: InputFile,
        owner: ProviderAccount,
        now: datetime,
        document: str = "",
    ) -> None:
        """Remember a file by its content; `document` is what was found in it, as JSON."""
        self._connection.execute(
            insert(files).values(
                file_id=file_id,
                purpose=purpose,
                digest=file.digest,
                name=file.name,
                provider=owner.provider,
                account=owner.account,
                mode=owner.mode,
                rows=file.rows,
                imported_at=to_micros(now),
                format=file.format,
                document=document,
            )
        )

    def file_id(self, purpose: str, digest: str, owner: ProviderAccount) -> str | None:
        """The file of this content, if it was taken in for this purpose."""
        return self._connection.execute(
            select(files.c.file_id).where(
                files.c.purpose == purpose, files.c.digest == digest, *_mine(files, owner)
            )
        ).scalar()

    def documents(self, owner: ProviderAccount, purpose: str = PURPOSE) -> list[tuple[str, str]]:
        """(file id, document) of every file kept for this purpose, by its id."""
        query = select(files.c.file_id, files.c.document).where(
            files.c.purpose == purpose, *_mine(files, owner)
        )
        return [
            (r.file_id, r.document) for r in self._connection.execute(query.order_by("file_id"))
        ]

    def keep(self, digest: str, blocks: Iterable[bytes], *, packed: bool = False) -> None:
        """Keep the bytes of a file, compressed unless they come `packed`, and unless they are kept
        already."""
        known = select(archive.c.part).where(archive.c.digest == digest).limit(1)
        if self._connection.execute(known).first() is not None:
            return
        packer, part, waiting = zlib.compressobj(0 if packed else 1), 0, b""
        for block in chain(blocks, [None]):
            waiting += packer.flush() if block is None else packer.compress(block)
            while len(waiting) >= _PART_BYTES or (block is None and waiting):
                piece, waiting = waiting[:_PART_BYTES], waiting[_PART_BYTES:]
                self._connection.execute(
                    insert(archive).values(digest=digest, part=part, data=piece)
                )
                part += 1

    def kept(self, digest: str) -> Iterator[bytes]:
        """The bytes of a kept file, block by block; nothing when they were not kept."""
        query = select(archive.c.data).where(archive.c.digest == digest).order_by(archive.c.part)
        unpacker = zlib.decompressobj()
        for row in self._connection.execution_options(yield_per=4).execute(query):
            yield unpacker.decompress(bytes(row.data))

    def add_lines(
        self,
        owner: ProviderAccount,
        file_id: str,
        stretches: Iterable[Mapping[str, Sequence[Any]]],
        settle: Callable[[dict[str, Any], dict[str, tuple[Any, ...]]], dict[str, Any] | None],
    ) -> int:
        """Keep lines that no earlier file had; how many those were.

        Lines come as columns, in stretches: `LINE_COLUMNS`, `identity`, `ordinal` and
        `description`. `settle` says of a line whose identity is known, or comes again, how it is
        kept beside what is known (identity -> money), or None for not at all. What a file says of
        an earlier line that had not said it, see `FACTS`, is kept as well.
        """
        mine = {"provider": owner.provider, "account": owner.account, "mode": owner.mode}
        fixed, added, told = {**mine, "file_id": file_id}, 0, 0
        expect_many(self._connection)
        for columns in stretches:
            known, said = self._known(owner, columns["identity"])
            often = {name for name, n in Counter(columns["identity"]).items() if n > 1}
            slow = known.keys() | often
            again = [n for n, name in enumerate(columns["identity"]) if name in slow]
            rows = [{name: values[n] for name, values in columns.items()} for n in again]
            fresh = _without(columns, again)
            insert_columns(self._connection, lines, fresh, fixed)
            kept = [row for row in rows if known.get(row["identity"]) == _money(row)]
            changed = [row for given in rows if (row := settle(given, known)) is not None]
            before, more = self._known(owner, [row["identity"] for row in changed])
            other = [{**row, **fixed} for row in changed if row["identity"] not in before]
            insert_rows(self._connection, lines, other)
            kept += [row for row in changed if row["identity"] in before]
            told += self._tell(kept, said | more, fixed)
            added += len(fresh["identity"]) + len(other)
        have_grown(self._connection, added, lines)
        have_grown(self._connection, told, line_facts)
        return added

    def _tell(
        self,
        rows: Iterable[Mapping[str, Any]],
        said: Set[tuple[str, str]],
        fixed: Mapping[str, str],
    ) -> int:
        """Keep what rows say of the lines they are, where nothing was `said`; how much that was."""
        facts = {
            (row["identity"], field): row[field]
            for row in rows
            for field in FACTS
            if row[field] and (row["identity"], field) not in said
        }
        insert_rows(
            self._connection,
            line_facts,
            [
                {"identity": name, "field": field, "value": value, **fixed}
                for (name, field), value in facts.items()
            ],
        )
        return len(facts)

    def columns(
        self,
        owner: ProviderAccount,
        start: datetime | None,
        end: datetime | None,
        of_csv: OfCsv,
    ) -> Iterator[Mapping[str, Any]]:
        """Lines of [start, end) as columns `LINE_COLUMNS`, `file` and `description`, each line
        once, in any order; `file` is the file's id. In stretches, see `bulk.column_stretches`."""
        told = self._told(owner)
        wanted = [
            func.coalesce(func.nullif(lines.c[name], ""), told[name].c.value, "")
            if name in told
            else lines.c[name]
            for name in LINE_COLUMNS
        ]
        query = select(*wanted, lines.c.file_id, lines.c.description).select_from(lines)
        for field, later in told.items():
            same = (*_mine(later, owner), later.c.field == field)
            query = query.outerjoin(later, and_(*same, later.c.identity == lines.c.identity))
        query = query.where(*_mine(lines, owner), *_between(start, end))
        names = (*LINE_COLUMNS, "file", "description")
        return column_stretches(self._connection, query, names, of_csv)

    def fresh(self, file_id: str, first: int, last: int) -> dict[int, str]:
        """Which lines of a file, from `first` to `last`, were new when it was taken in: their
        identities by their numbers."""
        query = select(lines.c.ordinal, lines.c.identity).where(
            lines.c.file_id == file_id, lines.c.ordinal.between(first, last)
        )
        return {row.ordinal: row.identity for row in self._connection.execute(query)}

    def tellers(self, owner: ProviderAccount) -> list[str]:
        """The files that said something of earlier lines."""
        said = exists().where(line_facts.c.file_id == files.c.file_id)
        query = select(files.c.file_id).where(*_mine(files, owner), said)
        return list(self._connection.execute(query.order_by(files.c.file_id)).scalars())

    def facts(
        self, owner: ProviderAccount, identities: Sequence[str], tellers: Collection[str]
    ) -> dict[tuple[str, str], str]:
        """What these files said of lines: (identity, field) -> value."""
        kept = self._facts_of(owner, identities) if tellers else ()
        return {(r.identity, r.field): r.value for r in kept if r.file_id in tellers}

    def count(self, owner: ProviderAccount, start: datetime | None, end: datetime | None) -> int:
        """How many lines of [start, end) there are."""
        query = select(func.count()).select_from(lines)
        return int(
            self._connection.execute(
                query.where(*_mine(lines, owner), *_between(start, end))
            ).scalar_one()
        )

    def balances(self, owner: ProviderAccount, before: datetime) -> dict[str, int]:
        """What all lines before an instant come to, net, by currency; what only shows money is
        left out."""
        query = (
            select(lines.c.currency, func.sum(lines.c.net_minor).label("net"))
            .where(
                *_mine(lines, owner),
                lines.c.occurred_at < to_micros(before),
                lines.c.kind != LineKind.MEMO.value,
            )
            .group_by(lines.c.currency)
            .order_by(lines.c.currency)
        )
        return {row.currency: int(row.net) for row in self._connection.execute(query)}

    def add_bank_lines(self, file_id: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Keep bank lines that no earlier file had; how many those were. Rows hold the columns of
        the table but the file."""
        added, given = 0, iter(rows)
        while batch := list(islice(given, _IN)):
            query = select(bank_lines.c.identity).where(
                bank_lines.c.identity.in_([row["identity"] for row in batch])
            )
            known = set(self._connection.execute(query).scalars())
            fresh = [{**row, "file_id": file_id} for row in batch if row["identity"] not in known]
            insert_rows(self._connection, bank_lines, fresh)
            added += len(fresh)
        return added

    def deposits(self, first: str, last: str) -> list[Deposit]:
        """Bank lines booked from day to day, both included, by day and identity."""
        query = (
            select(bank_lines)
            .where(bank_lines.c.booked_on >= first, bank_lines.c.booked_on <= last)
            .order_by(bank_lines.c.booked_on, bank_lines.c.identity)
        )
        return [
            Deposit(
                row.identity, row.bank_account, row.currency, row.amount_minor, row.booked_on,
                row.reference, row.end_to_end, f"{row.counterparty} {row.remittance}".strip(),
            )
            for row in self._connection.execute(query)
        ]  # fmt: skip

    def payments_of(self, owner: ProviderAccount, references: Sequence[str]) -> dict[str, str]:
        """Payment ids of our transactions by provider reference, for those we have at all."""
        found: list[tuple[str, str]] = []
        for start in range(0, len(references), _IN):
            part = references[start : start + _IN]
            kept = rows_named(self._connection, transactions, "provider_reference", part)
            # Whose they are is asked here: as a condition it would tempt the planner to the index
            # of the account, and to all its rows.
            found += [
                (row.provider_reference, row.payment_id or "")
                for row in self._connection.execute(select(kept))
                if ProviderAccount(row.provider, row.account, row.mode) == owner
            ]
        return payments_by_reference(found)

    def _known(
        self, owner: ProviderAccount, names: Sequence[str]
    ) -> tuple[dict[str, tuple[Any, ...]], set[tuple[str, str]]]:
        """Money of the lines that are kept under these identities, and (identity, field) of what
        they or a later file say."""
        money: dict[str, tuple[Any, ...]] = {}
        said: set[tuple[str, str]] = set()
        if not names:
            return money, said
        kept = rows_named(self._connection, lines, "identity", sorted(names), *_mine(lines, owner))
        wanted = select(*(kept.c[name] for name in ("identity", *_MONEY, *FACTS)))
        for row in self._connection.execute(wanted):
            money[row[0]] = tuple(row[1:4])
            said.update(
                (row[0], field) for field, value in zip(FACTS, row[4:], strict=True) if value
            )
        if money:
            said.update((r.identity, r.field) for r in self._facts_of(owner, sorted(money)))
        return money, said

    def _facts_of(self, owner: ProviderAccount, identities: Sequence[str]) -> Iterable[Row[Any]]:
        mine = (*_mine(line_facts, owner), line_facts.c.field.in_(FACTS))
        names = sorted(set(identities))
        kept = rows_named(self._connection, line_facts, "identity", names, *mine)
        return self._connection.execute(select(kept))

    def _told(self, owner: ProviderAccount) -> dict[str, Any]:
        """The table of what was said later, under an own name for every field that was."""
        said = (line_facts.c.file_id == files.c.file_id, *_mine(files, owner))
        first = select(files.c.file_id).where(*said).limit(1)
        return {
            name: line_facts.alias(f"later_{name}")
            for name in FACTS
            if self._connection.execute(first.where(line_facts.c.field == name)).first()
        }


def _money(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _MONEY)


def _without(
    columns: Mapping[str, Sequence[Any]], places: Sequence[int]
) -> Mapping[str, Sequence[Any]]:
    """The columns without the rows at these places."""
    if not places:
        return columns
    stays = [True] * len(columns["identity"])
    for place in places:
        stays[place] = False
    return {name: list(compress(values, stays)) for name, values in columns.items()}


def _between(start: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    at, found = lines.c.occurred_at, []
    if start is not None:
        found.append(at >= to_micros(start))
    if end is not None:
        found.append(at < to_micros(end))
    return found


def _mine(table: Any, owner: ProviderAccount) -> tuple[Any, ...]:
    return (
        table.c.provider == owner.provider,
        table.c.account == owner.account,
        table.c.mode == owner.mode,
    )

"""The audit chains as rows: append in the caller's transaction, read back in order.

A record waits for the commit of the one before it in its chain, so on PostgreSQL there are several
chains and a transaction takes one that nobody else is writing to. SQLite has one writer and one
chain. That no chain can fork is the primary key's (chain, seq).
"""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, text

from db.schema import audit
from domain.audit import GENESIS, Actor, AuditRecord, seal
from domain.audit_seal import Head
from domain.clock import from_micros, to_micros

_LOCK = 7_420_117_802 % 2**31
"""First half of the keys of PostgreSQL's advisory locks that order the appends of each chain."""

CHAINS = 16
"""How many transactions can write audit records at once on PostgreSQL."""

_TAKE_FREE = text(
    "SELECT (:first + i) % :chains FROM generate_series(0, :chains - 1) AS i"
    " WHERE pg_try_advisory_xact_lock(:key, (:first + i) % :chains) LIMIT 1"
)
_TAKE = text("SELECT pg_advisory_xact_lock(:key, :chain)")
_ADD = insert(audit)
_HEAD = (
    select(audit.c.chain, audit.c.seq, audit.c.hash)
    .where(audit.c.chain == bindparam("of"))
    .order_by(audit.c.seq.desc())
    .limit(1)
)
"""Made once, like every statement that one payment needs many times: making them takes longer than
the database does."""


def first_chain() -> int:
    """The chain a process tries first: another one in every process, so that they seldom meet."""
    return secrets.randbelow(CHAINS)


class Audit:
    """The audit table within one transaction."""

    def __init__(self, connection: Connection, first: int = 0) -> None:
        """`first` is the chain to try first."""
        self._connection = connection
        self._first = first
        self._chain: int | None = None
        self._own: Head | None = None
        self.newest_id = ""
        """The last record that this transaction appended."""

    def append(
        self,
        audit_id: str,
        now: datetime,
        actor: Actor,
        action: str,
        subject: str,
        before: str,
        after: str,
        ledger_digest: str,
    ) -> AuditRecord:
        """Seal a record over the head of its chain and insert it."""
        chain = self._take_chain()
        # Asked for only now: whoever held the chain before us has committed.
        head = self._own or self._head(chain)
        record = AuditRecord(
            chain=chain,
            seq=head.seq + 1 if head else 1,
            audit_id=audit_id,
            recorded_at=now,
            actor=actor,
            action=action,
            subject=subject,
            before=before,
            after=after,
            ledger_digest=ledger_digest,
            previous=head.hash if head else GENESIS,
            hash="",
        )
        record = replace(record, hash=seal(record))
        self._connection.execute(_ADD, _row(record))
        self._own, self.newest_id = Head(chain, record.seq, record.hash), audit_id
        return record

    def heads(self) -> list[Head]:
        """The newest record of every chain, in order of the chains."""
        found: list[Head] = []
        chain = -1
        while True:
            query = select(func.min(audit.c.chain)).where(audit.c.chain > chain)
            following = self._connection.execute(query).scalar()
            if following is None:
                return found
            chain = int(following)
            head = self._head(chain)
            found += [head] if head else []

    def find(self, record_hash: str) -> Head | None:
        """The record that carries this hash."""
        query = select(audit.c.chain, audit.c.seq, audit.c.hash).where(audit.c.hash == record_hash)
        row = self._connection.execute(query).first()
        return None if row is None else Head(row.chain, row.seq, row.hash)

    def records(
        self, *, subject: str | None = None, newest: int | None = None
    ) -> Iterator[AuditRecord]:
        """All records in order of chain and sequence; of one subject, or the `newest` ones, in
        order of time."""
        query = select(audit)
        a = audit.c
        if subject:
            query = query.where(a.subject == subject)
        if newest is not None:
            last = query.order_by(a.recorded_at.desc(), a.chain.desc(), a.seq.desc()).limit(newest)
            yield from reversed([audit_record(row) for row in self._connection.execute(last)])
            return
        order = (a.recorded_at, a.chain, a.seq) if subject else (a.chain, a.seq)
        rows = self._connection.execution_options(yield_per=2_000).execute(query.order_by(*order))
        for row in rows:
            yield audit_record(row)

    def _take_chain(self) -> int:
        """The chain of this transaction, which nobody else appends to until it ends: one that is
        free, or when all are taken whichever is first, after a wait."""
        if self._connection.dialect.name != "postgresql":
            return 0
        if self._chain is None:
            words = {"key": _LOCK, "first": self._first, "chains": CHAINS}
            free = self._connection.execute(_TAKE_FREE, words).scalar()
            if free is None:
                free = first_chain()
                self._connection.execute(_TAKE, {"key": _LOCK, "chain": free})
            self._chain = int(free)
        return self._chain

    def _head(self, chain: int) -> Head | None:
        row = self._connection.execute(_HEAD, {"of": chain}).first()
        return None if row is None else Head(row.chain, row.seq, row.hash)


def _row(record: AuditRecord) -> dict[str, object]:
    return {
        "chain": record.chain,
        "seq": record.seq,
        "audit_id": record.audit_id,
        "recorded_at": to_micros(record.recorded_at),
        "operator": record.actor.operator,
        "command": record.actor.command,
        "host": record.actor.host,
        "reason": record.actor.reason,
        "action": record.action,
        "subject": record.subject,
        "state_before": record.before,
        "state_after": record.after,
        "ledger_digest": record.ledger_digest,
        "previous": record.previous,
        "hash": record.hash,
    }


def audit_record(row: Row[Any]) -> AuditRecord:
    """A row of the audit table as a value."""
    return AuditRecord(
        chain=row.chain,
        seq=row.seq,
        audit_id=row.audit_id,
        recorded_at=from_micros(row.recorded_at),
        actor=Actor(row.operator, row.command, row.host, row.reason),
        action=row.action,
        subject=row.subject,
        before=row.state_before,
        after=row.state_after,
        ledger_digest=row.ledger_digest,
        previous=row.previous,
        hash=row.hash,
    )

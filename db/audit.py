"""The audit chain as rows: append in the caller's transaction, read back in order."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from db.schema import audit
from domain.audit import GENESIS, Actor, AuditRecord, seal
from domain.clock import from_micros, to_micros

_LOCK = 7_420_117_802
"""Key of PostgreSQL's advisory lock that orders the appends of one chain."""

CHAIN = 0
"""The chain everything is appended to."""


class Audit:
    """The audit table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        """Seal a record over the head of the chain and insert it."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(
                text("SELECT pg_advisory_xact_lock(:key, :chain)"),
                {"key": _LOCK % 2**31, "chain": CHAIN},
            )
        head = self._connection.execute(
            select(audit.c.seq, audit.c.hash)
            .where(audit.c.chain == CHAIN)
            .order_by(audit.c.seq.desc())
            .limit(1)
        ).first()
        record = AuditRecord(
            chain=CHAIN,
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
        self._connection.execute(insert(audit).values(_row(record)))
        return record

    def records(
        self, *, subject: str | None = None, newest: int | None = None
    ) -> Iterator[AuditRecord]:
        """Records in order of chain and sequence; `newest` keeps only the last ones."""
        query = select(audit)
        if subject:
            query = query.where(audit.c.subject == subject)
        if newest is not None:
            last = query.order_by(audit.c.chain.desc(), audit.c.seq.desc()).limit(newest)
            yield from reversed([audit_record(row) for row in self._connection.execute(last)])
            return
        rows = self._connection.execution_options(yield_per=2_000).execute(
            query.order_by(audit.c.chain, audit.c.seq)
        )
        for row in rows:
            yield audit_record(row)


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

"""The seals over the audit chains as rows: each over the heads of all chains and the seal
before."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from db.schema import audit_seals
from domain.audit import canonical
from domain.audit_seal import Head, Seal, next_seal
from domain.clock import from_micros, to_micros

_LOCK = 7_420_117_804
"""Key of PostgreSQL's advisory lock that orders the seals; SQLite has one writer anyway."""


class AuditSeals:
    """The audit_seals table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self) -> None:
        """Let nobody else seal until this transaction ends."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})

    def append(self, now: datetime, heads: list[Head]) -> Seal:
        """Seal these heads over the newest seal; `lock` comes before they are read."""
        seal = next_seal(self.newest(), now, heads)
        self._connection.execute(insert(audit_seals), _row(seal))
        return seal

    def newest(self) -> Seal | None:
        """The last seal, if there is any."""
        query = select(audit_seals).order_by(audit_seals.c.number.desc()).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else _seal(row)

    def all(self) -> Iterator[Seal]:
        """Every seal in order."""
        for row in self._connection.execute(select(audit_seals).order_by(audit_seals.c.number)):
            yield _seal(row)


def _row(seal: Seal) -> dict[str, object]:
    return {
        "number": seal.number,
        "sealed_at": to_micros(seal.sealed_at),
        "heads": canonical([[h.chain, h.seq, h.hash] for h in seal.heads]).decode(),
        "previous": seal.previous,
        "hash": seal.hash,
    }


def _seal(row: Row[Any]) -> Seal:
    try:
        heads = tuple(Head(int(c), int(s), str(h)) for c, s, h in json.loads(row.heads))
    except (ValueError, TypeError):
        heads = ()  # it was changed, and its hash will say so
    return Seal(row.number, from_micros(row.sealed_at), heads, row.previous, row.hash)

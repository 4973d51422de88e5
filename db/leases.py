"""Leases: who works on what at the moment. They spare double work; safety never rests on them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.schema import leases
from domain.clock import to_micros

_BATCH = 500


class Leases:
    """The leases table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, names: Sequence[str], holder: str, now: datetime, until: datetime) -> set[str]:
        """Lease what is free, expired or ours already; returns the names that are ours now."""
        taken: set[str] = set()
        for start in range(0, len(names), _BATCH):
            taken |= self._take(names[start : start + _BATCH], holder, now, until)
        return taken

    def holder(self, name: str, now: datetime) -> str | None:
        """Who holds an unexpired lease."""
        query = select(leases.c.holder).where(
            leases.c.name == name, leases.c.expires_at > to_micros(now)
        )
        found = self._connection.execute(query).scalar()
        return None if found is None else str(found)

    def holders(self, names: Sequence[str], now: datetime) -> dict[str, str]:
        """Who holds each of these that somebody holds."""
        found: dict[str, str] = {}
        for start in range(0, len(names), _BATCH):
            query = select(leases.c.name, leases.c.holder).where(
                leases.c.name.in_(names[start : start + _BATCH]),
                leases.c.expires_at > to_micros(now),
            )
            found |= {row.name: row.holder for row in self._connection.execute(query)}
        return found

    def release(self, names: Sequence[str], holder: str) -> None:
        """Let go of what is ours."""
        for start in range(0, len(names), _BATCH):
            part = names[start : start + _BATCH]
            self._connection.execute(
                delete(leases).where(leases.c.name.in_(part), leases.c.holder == holder)
            )

    def purge(self, now: datetime) -> None:
        """Forget what has expired."""
        self._connection.execute(delete(leases).where(leases.c.expires_at <= to_micros(now)))

    def _take(self, names: Sequence[str], holder: str, now: datetime, until: datetime) -> set[str]:
        rows = [
            {"name": name, "holder": holder, "expires_at": to_micros(until)}
            for name in sorted(set(names))
        ]
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        self._connection.execute(
            dialect.insert(leases).on_conflict_do_nothing(index_elements=["name"]), rows
        )
        mine = leases.c.name.in_([row["name"] for row in rows])
        free = (leases.c.expires_at <= to_micros(now)) | (leases.c.holder == holder)
        self._connection.execute(
            update(leases).where(mine, free).values(holder=holder, expires_at=to_micros(until))
        )
        held = select(leases.c.name).where(mine, leases.c.holder == holder)
        return set(self._connection.execute(held).scalars())

"""Committing, and finding out what became of a commit that nobody answered.

A connection that breaks around COMMIT leaves two possibilities. PostgreSQL remembers how every
transaction ended, so we ask it by the number we noted before; what is still under way is ended
first. Nothing is ever guessed, and nothing is written again before the answer.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Engine, RootTransaction, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.errors import in_our_words, sqlstate
from db.schema import audit
from domain.errors import BooksUnavailable, OutcomeUnknown

PATIENCE_SECONDS = 30.0
"""How long a server that cannot be reached is asked again: as long as a failover takes."""

_PAUSES_SECONDS = (0.0, 0.1, 0.3, 1.0)
"""Between the questions; the last one goes on."""

_LIFE = (
    "left(pg_walfile_name(pg_current_wal_lsn()), 8),"
    " coalesce((SELECT stats_reset::text FROM pg_stat_bgwriter), '')"
)
"""The server's timeline, and when its statistics began: a crash throws them away, as people may."""
_TICKET = text(f"SELECT pg_current_xact_id_if_assigned()::text, pg_backend_pid(), {_LIFE}")
_LIFE_NOW = text(f"SELECT {_LIFE}")
_STATUS = text("SELECT pg_xact_status(CAST(:xid AS xid8))")
_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = :pid AND backend_xid = CAST(CAST(:xid AS xid8) AS xid)"
)


class Fate(StrEnum):
    """What became of a transaction."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a transaction can be asked for by, noted before it is committed."""

    xid: str
    """Its number with its epoch, so that none comes again as long as the server lives."""
    pid: int
    """The server process that works on it."""
    timeline: str
    """The server's history: after a failover the same number may be another transaction's."""
    life: str
    """So it may after a crash that lost what was not yet on disk."""
    audit_id: str = ""
    """The newest audit record in it, empty where it has none."""


def commit(engine: Engine, connection: Connection, running: RootTransaction, audit_id: str) -> None:
    """Commit, and return only when it is certain that it is.

    Raises:
        BooksUnavailable: it is certain that nothing was committed.
        OutcomeUnknown: the server cannot be asked.
        DBAPIError: the server refused; nothing was committed.
    """
    ticket = _ticket(connection, audit_id)
    try:
        running.commit()
    except DBAPIError as error:
        if ticket is None or _is_answer(error):
            raise
        _resolve(engine, ticket, error)


def _ticket(connection: Connection, audit_id: str) -> Ticket | None:
    """Of a transaction that wrote; an open error in the transaction shows here at the latest."""
    if connection.dialect.name != "postgresql":
        return None
    xid, pid, timeline, life = connection.execute(_TICKET).one()
    return Ticket(xid, pid, timeline, life, audit_id) if xid else None


def _is_answer(error: DBAPIError) -> bool:
    """Whether the server itself said that it did not commit; what it says when it breaks off
    (57P, a shutdown, comes even after a commit) says nothing."""
    return sqlstate(error)[:2] in ("23", "25", "40") and not error.connection_invalidated


def _resolve(engine: Engine, ticket: Ticket, error: DBAPIError) -> None:
    found = fate(engine, ticket)
    if found is Fate.COMMITTED:
        return
    if found is Fate.ABORTED:
        raise BooksUnavailable(
            "The connection to the database was lost, and nothing was committed.",
            hint="Run the command again with the same words and key.",
        ) from error
    said = in_our_words(error).message
    raise OutcomeUnknown(
        f"The connection to the database was lost while it committed ({said}), and it cannot be"
        " asked whether it did.",
        hint="When `tscli doctor` reaches it again, run the command again with the same words and"
        " key: what was committed is found again.",
    ) from error


def fate(engine: Engine, ticket: Ticket) -> Fate:
    """Ask what became of a transaction until it is known or patience ends."""
    for _ in _tries():
        try:
            with engine.connect() as connection:
                found = _ask(connection, ticket)
        except (DBAPIError, PoolTimeout):  # nobody is there, or all connections are in use
            continue
        if found is not None:
            return found
    return Fate.UNKNOWN


def _tries() -> Iterator[None]:
    until, pauses = time.monotonic() + PATIENCE_SECONDS, list(_PAUSES_SECONDS)
    while time.monotonic() < until:
        time.sleep(pauses.pop(0) if len(pauses) > 1 else pauses[0])
        yield


def _ask(connection: Connection, ticket: Ticket) -> Fate | None:
    """The answer of one look; None while the transaction is still under way."""
    timeline, life = connection.execute(_LIFE_NOW).one()
    if timeline != ticket.timeline:
        return _ask_another(connection, ticket)
    if life != ticket.life:
        if _end(connection, ticket):
            return None
        return _ask_another(connection, ticket)
    status = connection.execute(_STATUS, {"xid": ticket.xid}).scalar_one()
    if status == "in progress":
        _end(connection, ticket)
        return None
    return Fate(status) if status else Fate.UNKNOWN


def _end(connection: Connection, ticket: Ticket) -> bool:
    """End the process that works on the transaction; whether there was one.

    It waits for a client that is gone, or is committing right now: ended in the one case, too late
    in the other, and either way certain at the next look.
    """
    return bool(connection.execute(_END, {"xid": ticket.xid, "pid": ticket.pid}).all())


def _ask_another(connection: Connection, ticket: Ticket) -> Fate:
    """In another life the numbers mean nothing any more: what counts is what this server has."""
    if not ticket.audit_id:
        return Fate.UNKNOWN
    query = select(audit.c.audit_id).where(audit.c.audit_id == ticket.audit_id)
    return Fate.COMMITTED if connection.execute(query).first() else Fate.ABORTED

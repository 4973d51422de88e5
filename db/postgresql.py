"""Connections to PostgreSQL: only ever to a primary, with timeouts, and commits that are waited
for.

What is set here goes with the connection's start and so wins over the server, the database and the
role; what the URL says itself (certificates, a search path) is kept.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError

from domain.errors import ConfigurationError

SETTINGS = {
    "synchronous_commit": "on",
    "default_transaction_isolation": "read\\ committed",
    "timezone": "UTC",
}
"""Server settings of every session. The locks that are taken, and the heads of the audit chains
that are read under them, are made for read committed: a stricter default would only fail more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long is waited, and how many connections whoever serves has."""

    connect_seconds: int = 10
    lock_seconds: int = 10
    statement_seconds: int = 120
    idle_seconds: int = 60
    """In a transaction, without a statement."""
    pool_size: int = 5
    pool_extra: int = 10
    pool_seconds: int = 10

    def of_session(self) -> dict[str, str]:
        """What the server is told of them."""
        return {
            "lock_timeout": f"{self.lock_seconds}s",
            "statement_timeout": f"{self.statement_seconds}s",
            "idle_in_transaction_session_timeout": f"{self.idle_seconds}s",
        }

    def of_pool(self, *, keep_open: bool) -> dict[str, int]:
        """What the pool is told; a command works with one connection."""
        waiting = {"pool_timeout": self.pool_seconds}
        if not keep_open:
            return {"pool_size": 1, "max_overflow": 4, **waiting}
        size = {"pool_size": self.pool_size, "max_overflow": self.pool_extra}
        return {**size, **waiting, "pool_recycle": _RECYCLE_SECONDS}


_RECYCLE_SECONDS = 1_800
_SOCKET = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "target_session_attrs": "read-write",
    "application_name": "tscli",
}
"""A peer that is gone is noticed within a minute; of several hosts the one that can be written to
is taken, and a standby alone is refused."""


def connect(parsed: URL, *, keep_open: bool, limits: Limits) -> Engine:
    """An engine for a PostgreSQL URL: one connection for a command, a few that stay for a server.

    Raises:
        ConfigurationError: the URL cannot be used.
    """
    own = str(parsed.query.get("options", ""))
    told = {**SETTINGS, **limits.of_session()}
    options = [own, *(f"-c {name}={value}" for name, value in told.items())]
    socket = {**_SOCKET, "connect_timeout": limits.connect_seconds}
    try:
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            connect_args={**socket, "options": " ".join(options).strip()},
            pool_pre_ping=True,
            pool_use_lifo=True,
            **limits.of_pool(keep_open=keep_open),
        )
    except (ArgumentError, ValueError):
        raise ConfigurationError("The database URL cannot be read.") from None
    event.listen(engine, "connect", _check)
    return engine


def _check(connection: Any, _record: Any) -> None:
    """Refuse a session whose commits may vanish: a pooler in between may have dropped the options.

    Raises:
        ConfigurationError: commits of this session are not waited for.
    """
    connection.autocommit = True
    found = connection.execute("SELECT current_setting('synchronous_commit')").fetchone()[0]
    connection.autocommit = False
    if found != SETTINGS["synchronous_commit"]:
        raise ConfigurationError(
            f"The database's commits are not waited for: synchronous_commit is {found}.",
            hint="Connect to the server itself, or let the pooler pass `options` on.",
        )

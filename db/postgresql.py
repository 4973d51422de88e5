"""Connections to PostgreSQL: only ever to a primary, with timeouts, and commits that are waited
for.

What is set here goes with the connection's start and so wins over the server, the database and the
role; what the URL says itself (certificates, a search path) is kept.
"""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError

from domain.errors import ConfigurationError

SETTINGS = {
    "synchronous_commit": "on",
    "default_transaction_isolation": "read\\ committed",
    "lock_timeout": "10s",
    "statement_timeout": "120s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
}
"""Server settings of every session. The locks that are taken, and the heads of the audit chains
that are read under them, are made for read committed: a stricter default would only fail more."""

_SOCKET = {
    "connect_timeout": 10,
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

_SERVING = {"pool_size": 5, "max_overflow": 10, "pool_timeout": 10, "pool_recycle": 1_800}
_COMMAND = {"pool_size": 1, "max_overflow": 4, "pool_timeout": 10}


def connect(parsed: URL, *, keep_open: bool) -> Engine:
    """An engine for a PostgreSQL URL: one connection for a command, a few that stay for a server.

    Raises:
        ConfigurationError: the URL cannot be used.
    """
    own = str(parsed.query.get("options", ""))
    options = [own, *(f"-c {name}={value}" for name, value in SETTINGS.items())]
    try:
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            connect_args={**_SOCKET, "options": " ".join(options).strip()},
            pool_pre_ping=True,
            pool_use_lifo=True,
            **(_SERVING if keep_open else _COMMAND),
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

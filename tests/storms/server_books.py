"""The books of a storm on a PostgreSQL server of their own, looked at with psycopg alone.

A command may wait for another one's lock within the server, where no scheduler sees it: the server
itself says who is held up.
"""

import time
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.servers.postgres import PostgresServer, bin_folders
from tests.storms.books import TABLES, Row, migrate

PATIENCE_SECONDS = 20.0
"""Within this the server has noticed that a client is gone."""

_ALL = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
_HELD_UP = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity"
    " WHERE application_name = %s AND cardinality(pg_blocking_pids(pid)) > 0)"
)
_THERE = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = %s)"


def session_of(pid: int) -> str:
    """What the sessions of a process are called at the server."""
    return f"storm-{pid}"


class ServerBooks:
    """One database, emptied before each storm."""

    def __init__(self) -> None:
        self._server = PostgresServer(bin_folders())
        self._server.__enter__()
        self.url = self._server.create_database()
        migrate(self.url)
        self._connection: psycopg.Connection[Row] | None = None
        self._kept = {t for t in self._tables() if self._ask(f'SELECT 1 AS one FROM "{t}" LIMIT 1')}
        self._seen = ""
        self._rows: dict[str, list[Row]] = {}
        self._ask("ALTER SYSTEM SET deadlock_timeout = '50ms'")
        self._ask("SELECT pg_reload_conf()")

    def renew(self) -> None:
        """Delete every row that is not the schema's own, past the triggers that forbid it."""
        tables = [t for t in self._tables() if t not in self._kept]
        self._ask("SET session_replication_role = replica")
        self._ask("; ".join(f'DELETE FROM "{t}"' for t in tables))
        self._ask("RESET session_replication_role")
        self._seen, self._rows = "", {}

    def let_go(self) -> None:
        """See `StormBooks.let_go`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def changed(self) -> bool:
        """See `StormBooks.changed`; a rolled back transaction may count as well."""
        return self._version() != self._seen

    def rows(self) -> dict[str, list[Row]]:
        """Everything that is committed, by table, in the order of the first two columns."""
        version = self._version()
        if version != self._seen:
            with self._connected().transaction():
                self._ask("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                self._rows = {t: self._ask(f"SELECT * FROM {t} ORDER BY 1, 2") for t in TABLES}
            self._seen = version
        return self._rows

    def holds_up(self, pid: int) -> bool:
        """See `StormBooks.holds_up`."""
        return bool(self._ask(_HELD_UP, session_of(pid))[0]["exists"])

    def bury(self, pid: int) -> None:
        """See `StormBooks.bury`: only then are its locks gone for certain.

        Raises:
            TimeoutError: the server does not notice.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while self._ask(_THERE, session_of(pid))[0]["exists"]:
            if time.monotonic() > until:
                raise TimeoutError(f"the server still works for {pid}")
            time.sleep(0.001)

    def close(self) -> None:
        """Stop the server."""
        self.let_go()
        self._server.__exit__()

    def _version(self) -> str:
        return str(self._ask("SELECT pg_current_snapshot()::text AS now")[0]["now"])

    def _tables(self) -> list[str]:
        return [str(row["tablename"]) for row in self._ask(_ALL)]

    def _ask(self, query: str, *words: Any) -> list[Row]:
        found = self._connected().execute(query.encode(), words or None)
        return found.fetchall() if found.description else []

    def _connected(self) -> psycopg.Connection[Row]:
        if self._connection is None:
            address = self.url.replace("+psycopg", "")
            self._connection = psycopg.connect(address, autocommit=True, row_factory=dict_row)
        return self._connection

"""The limit of most loads: commits of one row of a kilobyte each, by the same driver."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from tests.benchmarks.loads.load import Load, Share, Work
from tests.db.attacks import shell

_ROW = "x" * 1_000
_MAKE = "CREATE TABLE IF NOT EXISTS bare (id {} PRIMARY KEY, note TEXT)"
_BUSY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class BareCommits(Load):
    """So many durable commits for every unit, in a table of their own."""

    commits: int
    name = "bare commits"

    def prepare(self, shares: Sequence[Share]) -> list[Share]:
        """See `Load.prepare`."""
        with shell(shares[0].url) as books:
            kind = "bigint GENERATED ALWAYS AS IDENTITY" if books.kind != "sqlite" else "INTEGER"
            books.run(_MAKE.format(kind))
        return list(shares)

    def ready(self, share: Share) -> Work:
        """See `Load.ready`."""
        if share.url.startswith("postgresql"):
            return _postgresql(share.url, share.count * self.commits)
        return _sqlite(share.url, share.count * self.commits)

    def done(self, url: str) -> int:
        """See `Load.done`."""
        with shell(url) as books:
            return int(books.one("SELECT count(*) FROM bare")) // self.commits


def _postgresql(url: str, count: int) -> Work:
    connection = psycopg.connect(url.replace("+psycopg", ""))
    connection.execute("SET synchronous_commit = on")
    connection.commit()

    def work() -> int:
        for _ in range(count):
            connection.execute("INSERT INTO bare (note) VALUES (%s)", (_ROW,))
            connection.commit()
        return 0

    return work


def _sqlite(url: str, count: int) -> Work:
    path = url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)
    connection.execute("PRAGMA synchronous = FULL")

    def work() -> int:
        for _ in range(count):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO bare (note) VALUES (?)", (_ROW,))
            connection.execute("COMMIT")
        return 0

    return work

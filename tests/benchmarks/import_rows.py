"""Rows a second of `reconcile import` beside the databases' own bulk load of the same rows.

Run `python -m tests.benchmarks.import_rows [--rows 1000000]`. Ours is a process from start to exit:
it reads the export strictly, digests and keeps the file, and keeps every line once. Beside it the
very rows that it kept are loaded once more into an equal table with equal indexes: by COPY on
PostgreSQL, by one prepared statement in one transaction on SQLite.
"""

import argparse
import csv
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from tests.benchmarks.planted_world import build
from tests.servers.postgres import NoPostgres, PostgresServer, bin_folders

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """An empty database of each kind by its name; PostgreSQL on a server of its own, where it can
    be had."""
    urls = {"sqlite": f"sqlite:///{folder / 'books.db'}"}
    try:
        with PostgresServer(bin_folders()) as server:
            urls["postgresql"] = server.create_database()
            yield urls
    except NoPostgres as reason:
        print(reason, file=sys.stderr)
        yield urls


def run(url: str, *words: str) -> float:
    """One command as a process: its seconds."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TSCLI_DATABASE_URL": url}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tscli", *words],
        env=environment, cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return time.perf_counter() - started


def ours(url: str, export: Path) -> float:
    """Seconds of the import into new books."""
    run(url, "db", "upgrade")
    return run(url, "reconcile", "import", str(export))


def bulk_load(url: str, folder: Path) -> tuple[int, float]:
    """The kept rows loaded again by the database itself: how many, and in how many seconds."""
    return _postgresql(url, folder) if url.startswith("postgresql") else _sqlite(url, folder)


def _postgresql(url: str, folder: Path) -> tuple[int, float]:
    file = folder / "lines.copy"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        with file.open("wb") as out, connection.cursor().copy("COPY lines TO STDOUT") as copy:
            for block in copy:
                out.write(block)
        connection.execute("CREATE TABLE again (LIKE lines INCLUDING ALL)")
        started = time.perf_counter()
        with file.open("rb") as source, connection.cursor().copy("COPY again FROM STDIN") as copy:
            while block := source.read(1 << 20):
                copy.write(block)
        seconds = time.perf_counter() - started
        (count,) = connection.execute("SELECT count(*) FROM again").fetchone() or (0,)
    return int(count), seconds


def _sqlite(url: str, folder: Path) -> tuple[int, float]:
    path, file = url.removeprefix("sqlite:///"), folder / "lines.csv"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        rows = connection.execute("SELECT * FROM lines")
        width = len(rows.description)
        with file.open("w", newline="") as out:
            csv.writer(out).writerows(rows)
        for (made,) in connection.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'lines' AND sql IS NOT NULL"
            " AND type IN ('table', 'index') ORDER BY type DESC"
        ).fetchall():
            again = made.replace("CREATE TABLE lines", "CREATE TABLE again")
            connection.execute(again.replace("lines_time ON lines", "again_time ON again"))
        started = time.perf_counter()
        with file.open(newline="") as source, connection:
            marks = ", ".join("?" * width)
            connection.executemany(f"INSERT INTO again VALUES ({marks})", csv.reader(source))
        seconds = time.perf_counter() - started
        (count,) = connection.execute("SELECT count(*) FROM again").fetchone()
    return int(count), seconds


def main() -> int:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=int, default=1_000_000)
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="import-rows-") as name, databases(Path(name)) as urls:
        folder = Path(name)
        export = build(folder, chosen.rows).export
        print(f"{'':12}{'rows':>10}{'seconds':>9}{'bulk load':>11}{'of its speed':>14}")
        for kind, url in urls.items():
            seconds = ours(url, export)
            rows, bare = bulk_load(url, folder)
            print(f"{kind:12}{rows:10,}{seconds:9.2f}{bare:11.2f}{bare / seconds:14.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

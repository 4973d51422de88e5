"""Time and peak memory of `reconcile run` over the books, beside a bare DuckDB join and datacompy
of the same rows as CSV.

Run `python -m tests.benchmarks.reconcile_books [--rows 1000000] [--rounds 1]`. Both sides stand in
the database before: the export was taken in by `reconcile import`, the ledger's rows were loaded by
the database itself. A run is kept with all its breaks, so each round starts from a copy.
"""

import argparse
import csv
import shutil
import sqlite3
import statistics
import tempfile
from contextlib import closing
from pathlib import Path

import polars as pl
import psycopg

from tests.benchmarks.import_rows import databases, measured, run
from tests.benchmarks.planted_world import World, build
from tests.benchmarks.reconcile_files import findings, run_once
from tests.db.attacks import shell
from tests.tools.numbers import at_least

ROOT = Path(__file__).resolve().parents[2]

_COLUMNS = (
    "transaction_id", "payment_id", "provider", "account", "mode", "kind", "provider_reference",
    "amount_minor", "currency", "fee_minor", "status", "occurred_at", "origin", "operation_id",
)  # fmt: skip
_INDEXES = {
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'transactions'"
    " AND left(indexdef, 12) = 'CREATE INDEX'",
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'transactions'"
    " AND type = 'index' AND substr(sql, 1, 12) = 'CREATE INDEX'",
}
"""What is no guard of anything: triggers of SQLite look rows up by the unique ones."""

_PERIOD = ("--from", "2026-03-01", "--to", "2026-04-02")
"""A day longer than the rows: what is missing close to a cut-off would be late, not missing."""


def fill(url: str, world: World) -> None:
    """Books that hold both sides of a planted world.

    The ledger's rows come in no order, so their indexes are made after them.
    """
    rows = world.ledger.with_suffix(".rows")
    _write_rows(world.ledger, rows)
    run(url, "db", "upgrade")
    with shell(url) as books:
        indexes = dict(books.run(_INDEXES[books.kind]))
        for name in indexes:
            books.run(f"DROP INDEX {name}")
    load(url, rows)
    with shell(url) as books:
        for made in indexes.values():
            books.run(made)
        if books.kind == "postgresql":
            books.run("ANALYZE transactions")
    run(url, "reconcile", "import", str(world.export))


def load(url: str, rows: Path) -> None:
    """Fill `transactions` from a file by the database's own way; an empty cell is no value."""
    names = ", ".join(_COLUMNS)
    if url.startswith("postgresql"):
        copying = f"COPY transactions ({names}) FROM STDIN (FORMAT csv)"
        with (
            psycopg.connect(url.replace("+psycopg", "")) as server,
            rows.open("rb") as stream,
            server.cursor().copy(copying) as copy,
        ):
            while block := stream.read(1 << 20):
                copy.write(block)
    else:
        with (
            closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection,
            connection,
            rows.open(newline="") as texts,
        ):
            connection.execute("PRAGMA cache_size = -2000000")
            marks = ", ".join("nullif(?, '')" for _ in _COLUMNS)
            words = f"INSERT INTO transactions ({names}) VALUES ({marks})"
            connection.executemany(words, csv.reader(texts))


def _write_rows(ledger: Path, target: Path) -> None:
    """The ledger file's rows as the table holds them; its currencies all have two digits."""
    minor = (
        pl.col(name).str.replace(".", "", literal=True).cast(pl.Int64).alias(f"{name}_minor")
        for name in ("amount", "fee")
    )
    micros = pl.col("occurred_at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ").dt.timestamp("us")
    said = {"provider": "stripe", "account": "sandbox", "mode": "test", "origin": "import"}
    rows = pl.scan_csv(ledger, infer_schema=False).with_columns(
        *minor, micros, pl.lit(None).alias("operation_id"),
        *(pl.lit(word).alias(name) for name, word in said.items()),
    )  # fmt: skip
    rows.select(_COLUMNS).sink_csv(target, include_header=False)


def ours(url: str, folder: Path) -> tuple[float, int]:
    """One run as a process: seconds and peak MB."""
    seconds, peak, ended, said = measured(url, folder, "reconcile", "run", *_PERIOD)
    if ended != 1:  # 1: there are breaks
        raise SystemExit(f"ended with {ended}: {said}")
    return seconds, peak


def found(url: str) -> frozenset[tuple[str, str]]:
    """(kind, reference) of every break in the books."""
    query = "SELECT kind, provider_reference FROM breaks"
    if url.startswith("postgresql"):
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            return frozenset((str(k), str(r)) for k, r in connection.execute(query))
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return frozenset(connection.execute(query))


def main() -> int:
    """Print the table; exit 1 when our own result is not exactly the truth."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=at_least(1), default=1_000_000)
    words.add_argument("--rounds", type=at_least(1), default=1)
    chosen = words.parse_args()
    wrong = 0
    with (
        tempfile.TemporaryDirectory(prefix="reconcile-books-") as name,
        databases(Path(name)) as urls,
    ):
        folder = Path(name)
        world = build(folder, chosen.rows)
        print(f"{chosen.rows:,} x {chosen.rows:,} rows, {len(world.truth):,} planted breaks")
        print(f"{'':12}{'seconds':>9}{'x duckdb':>10}{'peak MB':>9}  found")
        base = 0.0
        for contender in ("duckdb", "datacompy"):
            seconds, peak, out = run_once(contender, world, folder)
            base = base or seconds
            hit = len(findings(out) & world.truth)
            print(f"{contender:12}{seconds:9.2f}{seconds / base:10.2f}{peak:9}  {hit:,}")
        for kind, url in urls.items():
            fill(url, world)
            took, peaks = [], []
            for _ in range(chosen.rounds):
                again = url
                if kind == "sqlite":
                    copied = shutil.copy(url.removeprefix("sqlite:///"), folder / "again.db")
                    again = f"sqlite:///{copied}"
                seconds, peak = ours(again, folder)
                took.append(seconds)
                peaks.append(peak)
                kept = found(again)
            wrong += kept != world.truth
            seconds = statistics.median(took)
            hit, other = len(kept & world.truth), len(kept - world.truth)
            print(
                f"{kind:12}{seconds:9.2f}{seconds / base:10.2f}{max(peaks):9}"
                f"  {hit:,}, {other} others"
            )
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())

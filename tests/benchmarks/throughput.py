"""Payments a second over 1, 8 and 32 processes, beside the commits that one payment needs, bare.

Run `python -m tests.benchmarks.throughput [--payments 320] [--workers 1 8 32]`. A payment is the
real service with the real adapter and a sandbox world in the same process; how often it commits is
counted. Beside it, in the same run, as many processes do just those commits by the same driver,
each of one row of a kilobyte in a table of its own.

The last lines list and lease 10,000 stuck payments, beside one plain SELECT of their rows.
"""

import argparse
import itertools
import multiprocessing
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.import_rows import databases

STUCK = 10_000
_ROW = "x" * 1_000
_SEEDS = itertools.count()
_WAIT_SECONDS = 120
_FORK = multiprocessing.get_context("fork")


def _shop(url: str) -> Any:
    from db.database import Database
    from domain.clock import SystemClock
    from domain.ids import Ids
    from tests.tscli.shop import Shop

    clock = SystemClock()
    database = Database(url, clock, Ids(clock), keep_open=True)
    return Shop(database, clock, seed=next(_SEEDS) + 1_000 * os.getpid())


def _close(shop: Any) -> None:
    shop.world.close()
    shop.database.close()


def commits_of_a_payment(url: str) -> int:
    """How many transactions that wrote one payment takes, counted at the driver's edge."""
    from sqlalchemy import Engine, event

    shop, counted = _shop(url), [0]
    shop.create("5.00", order_reference="warm")

    def count(_: Any) -> None:
        counted[0] += 1

    event.listen(Engine, "commit", count)
    shop.create("5.00", order_reference="counted")
    event.remove(Engine, "commit", count)
    _close(shop)
    return counted[0]


def _payments(url: str, number: int, count: int, start: Any) -> None:
    shop = _shop(url)
    shop.create("5.00", order_reference=f"first-{number}-{os.getpid()}")
    start.wait()
    for each in range(count):
        shop.create("5.00", order_reference=f"{number}-{each}-{os.getpid()}")


def _commits(url: str, number: int, count: int, start: Any) -> None:
    if url.startswith("postgresql"):
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("SET synchronous_commit = on")
            start.wait()
            for _ in range(count):
                connection.execute("INSERT INTO bare (note) VALUES (%s)", (_ROW,))
                connection.commit()
        return
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        start.wait()
        for _ in range(count):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO bare (note) VALUES (?)", (_ROW,))
            connection.execute("COMMIT")


def timed(work: Callable[[str, int, int, Any], None], url: str, workers: int, each: int) -> float:
    """Seconds from the moment that all processes are ready to the end of the last one."""
    start = _FORK.Barrier(workers + 1, timeout=_WAIT_SECONDS)
    crew = [_FORK.Process(target=work, args=(url, n, each, start)) for n in range(workers)]
    for process in crew:
        process.start()
    start.wait()
    began = time.perf_counter()
    for process in crew:
        process.join()
        if process.exitcode:
            raise SystemExit(f"a worker ended with {process.exitcode}")
    return time.perf_counter() - began


def prepare(url: str) -> None:
    """Books with the current schema, and the table of the bare commits."""
    shop = _shop(url)
    shop.database.upgrade()
    _close(shop)
    make = "CREATE TABLE bare (id {} PRIMARY KEY, note TEXT)"
    if url.startswith("postgresql"):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(make.format("bigint GENERATED ALWAYS AS IDENTITY"))
    else:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute(make.format("INTEGER"))


def stick(url: str, count: int) -> None:
    """So many copies of a payment whose outcome is not known, due now, by plain SQL."""
    shop = _shop(url)
    made = shop.create("5.00", order_reference="stuck").payment.payment_id
    numbers = (
        f"SELECT n FROM generate_series(1, {count}) AS g (n)"
        if url.startswith("postgresql")
        else f"WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count})"
        " SELECT n FROM g"
    )
    from sqlalchemy import text

    with shop.database.transaction() as books:
        connection = books.payments._connection
        row = connection.execute(text("SELECT * FROM payments WHERE payment_id = :p"), {"p": made})
        names = list(row.keys())
        changed = {
            "payment_id": "'pay_stuck' || n", "order_reference": "NULL", "state": "'processing'",
            "provider_payment_id": "NULL", "next_check_at": "1", "stage": "1",
            "captured_minor": "0",
        }  # fmt: skip
        columns = ", ".join(changed.get(name, name) for name in names)
        connection.execute(
            text(
                f"INSERT INTO payments ({', '.join(names)})"
                f" SELECT {columns} FROM payments, ({numbers}) AS numbers WHERE payment_id = :p"
            ),
            {"p": made},
        )
    _close(shop)


def list_and_lease(url: str) -> tuple[int, float, float]:
    """How many were due, seconds to list and lease them all, and of one plain SELECT of them."""
    from sqlalchemy import text

    from tscli.services.leasing import lease, new_holder
    from tscli.services.stuck import stuck_payments

    shop = _shop(url)
    with shop.database.read() as books:
        started = time.perf_counter()
        query = text("SELECT * FROM payments WHERE next_check_at IS NOT NULL")
        books.payments._connection.execute(query).all()
        bare = time.perf_counter() - started
    started = time.perf_counter()
    now = shop.clock.now()
    with shop.database.read() as books:
        due = stuck_payments(books, now, older_than=timedelta())
    holder = new_holder("benchmark")
    with shop.database.transaction() as books:
        names = [f"recover:{stuck.payment_id}" for stuck in due]
        held = lease(books, names, holder, now, now + timedelta(minutes=5))
    seconds = time.perf_counter() - started
    assert len(held) == len(due)
    _close(shop)
    return len(due), seconds, bare


def main() -> int:
    """Print the tables."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--payments", type=int, default=320)
    words.add_argument("--workers", type=int, nargs="+", default=[1, 8, 32])
    words.add_argument("--stuck", type=int, default=STUCK)
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="throughput-") as name, databases(Path(name)) as urls:
        print(f"{'':12}{'processes':>10}{'commits each':>14}{'of the bare commits':>21}")
        for kind, url in urls.items():
            prepare(url)
            needed = commits_of_a_payment(url)
            for workers in chosen.workers:
                each = max(chosen.payments // workers, 1)
                ours = timed(_payments, url, workers, each)
                bare = timed(_commits, url, workers, each * needed)
                print(f"{kind:12}{workers:10}{needed:14}{bare / ours:21.2f}", flush=True)
        for kind, url in urls.items():
            stick(url, chosen.stuck)
            count, seconds, bare = list_and_lease(url)
            print(
                f"{kind:12}{count:,} stuck payments listed and leased: {seconds / 5:.2f} of 5 s,"
                f" {seconds / bare:.0f} times one SELECT of them"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

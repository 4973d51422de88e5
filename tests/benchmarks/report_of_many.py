"""Time, memory and size of reports over a million transactions and ten thousand breaks, beside a
bare GROUP BY over the same rows by the same driver.

Run `python -m tests.benchmarks.report_of_many [--transactions 1000000] [--breaks 10000]`. Each
report is a process of its own, from start to the finished file.
"""

import argparse
import itertools
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]

if TYPE_CHECKING:
    from domain.breaks import Break
    from domain.run import Run

LIMIT_SECONDS, LIMIT_MB = 10.0, 1_000
"""What a report may take: the limits that the table prints each figure's share of."""

_FIRST = datetime(2026, 3, 1, tzinfo=UTC)
_DAYS = 31
_KINDS = ("missing_in_ledger", "missing_at_provider", "amount_mismatch", "fee_mismatch")
_BARE = (
    "SELECT provider, account, kind, currency, count(*), sum(amount_minor), sum(fee_minor)"
    " FROM transactions WHERE status = 'succeeded' GROUP BY 1, 2, 3, 4"
)
_REPORTS = ("monthly --month 2026-03", "breaks", "reconciliation")


def build(folder: Path, transactions: int, breaks: int) -> Path:
    """Books of a month: the transactions as rows written by the driver itself, without their
    history; the run and its breaks as a reconciliation keeps them."""
    from db.database import Database
    from domain.clock import SystemClock
    from domain.ids import Ids

    path = folder / "books.db"
    clock = SystemClock()
    database = Database(f"sqlite:///{path}", clock, Ids(clock))
    database.upgrade()
    dice = random.Random(7)
    with _connected(path) as connection:
        _insert(connection, "transactions", (_transaction(n, dice) for n in range(transactions)))
    found = [_break(number, dice) for number in range(breaks)]
    with database.transaction() as books:
        books.runs.add(_run(found), "many", found)
    with _connected(path) as connection:
        connection.execute("ANALYZE")
    return path


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


def _insert(connection: sqlite3.Connection, table: str, rows: Any) -> None:
    source = iter(rows)
    first = next(source)
    words = ", ".join(first), ", ".join(f":{name}" for name in first)
    sql = f"INSERT INTO {table} ({words[0]}) VALUES ({words[1]})"
    connection.executemany(sql, itertools.chain([first], source))


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def _owner() -> dict[str, Any]:
    return {"provider": "stripe", "account": "default", "mode": "test"}


def _transaction(number: int, dice: random.Random) -> dict[str, Any]:
    refund = number % 12 == 0
    amount = dice.randint(100, 50_000)
    return {
        "transaction_id": f"txn_{number:09}", "payment_id": None, **_owner(),
        "kind": "refund" if refund else "charge", "provider_reference": f"ch_{number:09}",
        "amount_minor": -amount if refund else amount,
        "currency": ("USD", "EUR", "GBP", "JPY")[number % 4],
        "fee_minor": 0 if refund else amount // 30, "status": "succeeded",
        "occurred_at": _micros(_FIRST) + number * (_DAYS * 86_400 * 1_000_000 // 1_000_003),
        "origin": "import", "operation_id": None,
    }  # fmt: skip


def _run(found: "list[Break]") -> "Run":
    from domain.buckets import KINDS
    from domain.run import BucketTotal, Period, Run

    end = _FIRST + timedelta(days=_DAYS)
    kinds = [item.kind for item in found]
    totals = [
        BucketTotal(item.kind, "reported", "USD", 1, item.reported.amount_minor, 30)
        for item in found
        if item.reported
    ]
    return Run(
        run_id="run_many", provider="stripe", account="default", mode="test",
        period=Period(_FIRST, end, "UTC"), started_at=end, inputs=(), expected_digest="ab" * 32,
        totals=tuple(totals), rules_digest="cd" * 32,
        break_counts=tuple((kind, kinds.count(kind)) for kind in KINDS if kind in kinds),
    )  # fmt: skip


def _break(number: int, dice: random.Random) -> "Break":
    from domain.breaks import Break, Side
    from domain.buckets import Bucket

    at = _FIRST + timedelta(seconds=dice.randint(0, _DAYS * 86_400 - 1))
    amount = dice.randint(100, 9_000)
    side = Side(amount, 30, "USD", "charge", at.isoformat().replace("+00:00", "Z"))
    return Break(
        f"brk_{number:07}", Bucket(_KINDS[number % len(_KINDS)]), "charge", f"ch_b{number:07}",
        "USD", None, side, (), "", "", "march.csv", number + 2, "",
    )  # fmt: skip


def bare(path: Path) -> float:
    """Seconds of one GROUP BY over all transactions."""
    with _connected(path) as connection:
        started = time.perf_counter()
        connection.execute(_BARE).fetchall()
        return time.perf_counter() - started


def tell(path: Path, words: str, form: str, folder: Path) -> tuple[float, int, int]:
    """One report as a process: seconds, peak MB, bytes of the file."""
    file = folder / f"{words.split()[0]}.{form}"
    command = [sys.executable, "-m", "tscli", "reports", *words.split(), "--output", str(file)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TSCLI_DATABASE_URL": f"sqlite:///{path}",
    }
    started = time.perf_counter()
    with (folder / "said.txt").open("w+b") as said:
        child = subprocess.Popen(command, env=environment, cwd=folder, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):  # 1: there are breaks
        raise SystemExit(
            f"{words} ended with {child.returncode}: {(folder / 'said.txt').read_text()}"
        )
    return seconds, usage.ru_maxrss // 1_024, file.stat().st_size


def main() -> int:
    """Print the table; exit 1 when a report is over a limit."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--transactions", type=int, default=1_000_000)
    words.add_argument("--breaks", type=int, default=10_000)
    chosen = words.parse_args()
    over = 0
    with tempfile.TemporaryDirectory(prefix="report-of-many-") as name:
        folder = Path(name)
        path = build(folder, chosen.transactions, chosen.breaks)
        base = min(bare(path) for _ in range(3))
        print(f"{chosen.transactions:,} transactions, {chosen.breaks:,} breaks")
        print(f"{'':22}{'of 10 s':>9}{'x GROUP BY':>12}{'of 1 GB':>9}{'file KB':>9}")
        for report, form in itertools.product(_REPORTS, ("html", "pdf", "xlsx", "json")):
            seconds, peak, size = tell(path, report, form, folder)
            over += seconds > LIMIT_SECONDS or peak > LIMIT_MB
            print(
                f"{report.split()[0] + ' ' + form:22}{seconds / LIMIT_SECONDS:9.2f}"
                f"{seconds / base:12.1f}{peak / LIMIT_MB:9.2f}{size // 1_024:9,}"
            )
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main())

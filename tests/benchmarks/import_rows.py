"""Rows a second of `reconcile import`, and its peak memory, beside the databases' own bulk load of
the same rows.

Run `python -m tests.benchmarks.import_rows [--rows 1000000]`. Ours is a process from start to exit:
it reads the export strictly, digests and keeps the file, and keeps every line once. Beside it the
very rows that it kept are loaded once more into an equal table with equal indexes: by COPY on
PostgreSQL, by one prepared statement in one transaction on SQLite.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.bulk_load import loaded, loader, make_table, write_rows
from tests.benchmarks.planted_world import build
from tests.benchmarks.reconcile_files import environment
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


def ours(url: str, export: Path, folder: Path) -> tuple[float, int]:
    """Seconds and peak MB of the import into new books."""
    run(url, "db", "upgrade")
    seconds, peak, ended, _ = measured(url, folder, "reconcile", "import", str(export))
    if ended:
        raise SystemExit(f"the import ended with {ended}")
    return seconds, peak


_MEASURED = """
import atexit
from tests.benchmarks.contenders import peak_mb
from tscli.__main__ import run
atexit.register(lambda: print(peak_mb()))
run()
"""
"""The command, which says at its end how much memory it held at most."""


def measured(url: str, folder: Path, *words: str) -> tuple[float, int, int, str]:
    """One command as a process, its configuration in `folder`: seconds, peak MB, exit code, and
    what it said on standard error."""
    told = environment(folder) | {"PYTHONPATH": str(ROOT), "TSCLI_DATABASE_URL": url}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *words],
        env=told, cwd=folder, check=False, capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    return seconds, int(done.stdout.split()[-1]), done.returncode, done.stderr


def bulk_load(url: str, folder: Path) -> tuple[int, float]:
    """The kept rows loaded again by the database itself: how many, and in how many seconds."""
    rows = folder / "lines.rows"
    make_table(url)
    write_rows(url, rows)
    load = loader(url, rows)
    started = time.perf_counter()
    load()
    seconds = time.perf_counter() - started
    return loaded(url), seconds


def main() -> int:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=int, default=1_000_000)
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="import-rows-") as name, databases(Path(name)) as urls:
        folder = Path(name)
        export = build(folder, chosen.rows).export
        print(
            f"{'':12}{'rows':>11}{'seconds':>9}{'peak MB':>9}{'bulk load':>11}{'of its speed':>14}"
        )
        for kind, url in urls.items():
            seconds, peak = ours(url, export, folder)
            rows, bare = bulk_load(url, folder)
            print(f"{kind:12}{rows:11,}{seconds:9.2f}{peak:9,}{bare:11.2f}{bare / seconds:14.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

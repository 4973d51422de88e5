"""Shares done at once by a process each, timed from one signal on, then counted in the books."""

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import BrokenBarrierError
from typing import Any

from sqlalchemy import Connection, Engine, event

from db.engine import READ_ONLY
from tests.benchmarks.loads.load import Load, Share

_WAIT_SECONDS = 900

# Not forked from here: whoever wrote export files has threads, which do not survive a fork.
_START = multiprocessing.get_context("forkserver")
_START.set_forkserver_preload(["tests.benchmarks.loads.every", "reconcile.intake.files"])


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a load."""

    units: int
    seconds: float
    """From the moment that all processes are ready to the end of the last one."""
    commits: int
    """Transactions that wrote, counted at the driver's edge; those of bare drivers are not."""
    turned_away: int
    """How often a command found the books taken for too long, and was run again."""


def run(load: Load, shares: Sequence[Share]) -> Ran:
    """Do the shares at once.

    Raises:
        SystemExit: a process failed, or the books do not show what was asked for.
    """
    gate = _START.Barrier(len(shares) + 1, timeout=_WAIT_SECONDS)
    counts = _START.Array("q", 2)
    crew = [_START.Process(target=_work, args=(load, one, gate, counts)) for one in shares]
    for process in crew:
        process.start()
    before = _begin(load, shares[0].url, gate)
    began = time.perf_counter()
    for process in crew:
        process.join()
    seconds = time.perf_counter() - began
    if any(process.exitcode for process in crew):
        raise SystemExit(f"{load.name}: a process failed")
    asked, done = sum(one.count for one in shares), load.done(shares[0].url) - before
    if done != asked:
        raise SystemExit(f"{load.name}: {asked} were to be done, and the books show {done}")
    return Ran(asked, seconds, *counts[:])


def _begin(load: Load, url: str, gate: Any) -> int:
    """Give the signal once all are ready; what was done before it."""
    try:
        gate.wait()
        before = load.done(url)
        gate.wait()
        return before
    except BrokenBarrierError:
        return 0  # one of them failed, as it will say itself
    except BaseException:
        gate.abort()
        raise


def _work(load: Load, share: Share, gate: Any, counts: Any) -> None:
    try:
        work = load.ready(share)
        gate.wait()  # from here on all are ready, and what is done so far can be counted
        gate.wait()
    except BrokenBarrierError:
        raise SystemExit(1) from None  # another one failed, and says why
    except BaseException:
        gate.abort()  # nobody waits for one that will not come
        raise
    made = list[object]()

    def count(connection: Connection) -> None:
        if READ_ONLY not in connection.get_execution_options():
            made.append(connection)

    event.listen(Engine, "commit", count)
    turned_away = work()
    with counts.get_lock():
        counts[0] += len(made)
        counts[1] += turned_away

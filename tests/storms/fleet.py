"""Many seeds in several processes: each worker owns a folder in memory, a template and a life.

Workers are forked from a process with one thread, and each forks its commands in turn.
"""

import contextlib
import gc
import os
import pickle
import selectors
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.storms.books import BooksFile, make_template
from tests.storms.child import Life
from tests.storms.rendezvous import Crew
from tests.storms.storm import Broken, Report, Storm
from tests.storms.warming import warm

MEMORY = Path("/dev/shm")
_SIZE = 8
"""Bytes in front of each report on its way: how long it is."""


class Harbour:
    """What one process needs to run storms, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.books = BooksFile(folder, make_template(folder))
        life = Life(self.books.url)
        warm(life, self.books)
        self.crew = Crew(life.run, self.books.let_go)
        self.books.let_go()
        gc.enable()
        gc.collect()
        gc.freeze()

    def __enter__(self) -> "Harbour":
        return self

    def __exit__(self, *_: object) -> None:
        self.crew.disband()
        self.books.let_go()

    def run(self, seed: int, *, twice: bool = False) -> Report:
        """One storm; with `twice` its trace must be the same the second time."""
        report = Storm(seed, self.books, self.crew).run()
        if twice:
            again = Storm(seed, self.books, self.crew).run()
            if again.trace != report.trace:
                return replace(again, broken=Broken("TRACE", _difference(report, again)))
        return report


@contextlib.contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder that is gone at the end, in memory where the machine has it."""
    place = MEMORY if MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="tscli-storms-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


Job = Callable[[Harbour], Iterator[Report]]
"""What one worker does, harbour ready: a stream of reports."""


def run_seeds(seeds: Sequence[int], *, twice_every: int = 0) -> Job:
    """A job: all these seeds, every Nth of all seeds twice; schedules only of what is broken."""

    def work(harbour: Harbour) -> Iterator[Report]:
        for seed in seeds:
            twice = bool(twice_every) and seed % twice_every == 0
            report = harbour.run(seed, twice=twice)
            yield report if report.broken else replace(report, schedule=[])

    return work


def sail(
    jobs: Sequence[tuple[Callable[[], None], Job]], workers: int
) -> Iterator[tuple[int, Report]]:
    """Do all jobs, so many at once, each in a process of its own: (job number, report) as ready.

    The first half of a job prepares its process before anything else happens there.
    """
    waiting = list(enumerate(jobs))[::-1]
    with selectors.DefaultSelector() as ready:
        pids: list[int] = []
        try:
            while waiting or ready.get_map():
                while waiting and len(ready.get_map()) < workers:
                    number, (prepare, job) = waiting.pop()
                    pid, stream = _launch(prepare, job)
                    pids.append(pid)
                    ready.register(stream, selectors.EVENT_READ, number)
                for key, _ in ready.select():
                    yield from ((key.data, r) for r in _receive(ready, key.fileobj))
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                os.waitpid(pid, 0)


def _receive(ready: selectors.BaseSelector, stream: Any) -> Iterator[Report]:
    size = _exactly(stream, _SIZE)
    if size:
        yield pickle.loads(_exactly(stream, int.from_bytes(size)))
    else:
        ready.unregister(stream)
        stream.close()


def _exactly(stream: Any, size: int) -> bytes:
    """That many bytes, or none where the stream ends; unbuffered, as readiness is asked for."""
    data = b""
    while len(data) < size:
        part = stream.read(size - len(data))
        if not part:
            return b""
        data += part
    return data


def _launch(prepare: Callable[[], None], job: Job) -> tuple[int, Any]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, os.fdopen(reading, "rb", buffering=0)
    status = 70
    try:
        os.close(reading)
        signal.signal(signal.SIGTERM, _end)
        with os.fdopen(writing, "wb") as out, folder_in_memory() as folder:
            prepare()
            with Harbour(folder) as harbour:
                for report in job(harbour):
                    data = pickle.dumps(report)
                    out.write(len(data).to_bytes(_SIZE) + data)
                    out.flush()
        status = 0
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _end(*_: object) -> None:
    raise SystemExit


def _difference(first: Report, second: Report) -> str:
    pairs = zip(first.schedule, second.schedule, strict=False)
    for number, (one, other) in enumerate(pairs):
        if one != other:
            return f"line {number}: {one!r} and {other!r}"
    return "one schedule is longer"

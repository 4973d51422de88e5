"""Many seeds in several processes: each worker owns a folder in memory, a template and a life.

Workers are forked from a process with one thread, and each forks its commands in turn.
"""

import contextlib
import os
import pickle
import selectors
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tests.storms.harbour import Harbour, Setting, folder_in_memory
from tests.storms.storm import Report

_SIZE = 8
"""Bytes in front of each report on its way: how long it is."""

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
    jobs: Sequence[tuple[Callable[[], None], Job]], workers: int, setting: Setting
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
                    pid, stream = _launch(prepare, job, setting)
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


def _launch(prepare: Callable[[], None], job: Job, setting: Setting) -> tuple[int, Any]:
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
            with Harbour(folder, setting) as harbour:
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

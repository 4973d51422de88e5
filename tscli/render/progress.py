"""Progress of long work on stderr: a bar on a terminal, a plain line now and then in a log.

Work that is over within seconds says nothing in a log, so that a quiet command stays quiet.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tscli.render.talk import say

Advance = Callable[[int, int], None]
"""Called with (done, in all)."""

LINE_EVERY_SECONDS = 10.0
"""How often a log hears of work that goes on."""


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """Show how far the work in the block is, how fast it goes, and how long it will take."""
    if not sys.stderr.isatty():
        yield _Log(title).advance
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, began = bar.add_task(title, total=None, rate=""), time.monotonic()

        def advance(done: int, total: int) -> None:
            rate = _rate(done, time.monotonic() - began)
            bar.update(task, completed=done, total=total, rate=rate)

        yield advance


class _Log:
    """Progress as lines."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began_seconds = self._told_seconds = time.monotonic()

    def advance(self, done: int, total: int) -> None:
        """Say a line when the last one is long enough ago."""
        now_seconds = time.monotonic()
        if now_seconds - self._told_seconds < LINE_EVERY_SECONDS:
            return
        self._told_seconds = now_seconds
        elapsed_seconds = now_seconds - self._began_seconds
        left = f", about {remaining(done, total, elapsed_seconds)} left" if 0 < done < total else ""
        say(f"{self._title}: {done} of {total}, {_rate(done, elapsed_seconds)}{left}")


def _rate(done: int, elapsed_seconds: float) -> str:
    return f"{int(done / elapsed_seconds)}/s" if elapsed_seconds > 0 else ""


def remaining(done: int, total: int, elapsed_seconds: float) -> str:
    """How long the rest takes at the pace so far.

    >>> remaining(50, 100, 30.0), remaining(1, 1_001, 10.0)
    ('30 s', '2 h 46 min')
    """
    seconds = int(elapsed_seconds * (total - done) / done)
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"

"""Commands that are made to meet: threads that hand their end back, and who waits for a lock."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.db.attacks import shell

_TRIES, _PAUSE_SECONDS = 500, 0.02
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND cardinality(pg_blocking_pids(pid)) > 0"
)


@dataclass
class Beside:
    """Work in a thread of its own."""

    work: Callable[[], Any]
    _end: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._end.append(self.work())
        except Exception as error:
            self._end.append(error)

    def end(self) -> Any:
        """What came of it: its value, or the error it ended with."""
        self._thread.join(timeout=60)
        (end,) = self._end
        return end


def until_waiting(url: str, number: int) -> None:
    """Return when so many sessions of a server wait for another one. Who waits for a SQLite file
    cannot be seen; they are given a moment to come so far."""
    with shell(url) as opened:
        if opened.kind == "sqlite":
            time.sleep(_PAUSE_SECONDS * 5)
            return
        for _ in range(_TRIES):
            if opened.one(_WAITING) >= number:
                return
            time.sleep(_PAUSE_SECONDS)
    raise AssertionError(f"not {number} of them waited")

"""What one process needs to run storms in turn: books, claims, commands and a place."""

import contextlib
import gc
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.storms.books import StormBooks, books_file
from tests.storms.child import Life
from tests.storms.claims import Claims
from tests.storms.rendezvous import Crew
from tests.storms.server_books import ServerBooks
from tests.storms.storm import Broken, Report, Storm
from tests.storms.warming import warm

MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Setting:
    """What the books and the claims of storms are kept in."""

    database: str = "sqlite"
    redis: bool = False
    """Claims are asked of a Redis-compatible server, and of the books where it does not answer."""


class Harbour:
    """Storms in one setting."""

    def __init__(self, folder: Path, setting: Setting) -> None:
        self._ends = contextlib.ExitStack()
        self.books: StormBooks = (
            ServerBooks() if setting.database == "postgresql" else books_file(folder)
        )
        self._ends.callback(self.books.close)
        self.claims = Claims() if setting.redis else None
        if self.claims is not None:
            self._ends.callback(self.claims.close)
        life = Life(self.books.url, self.claims.url if self.claims else "")
        warm(life, self.books)
        self.crew = Crew(life.run, self.books)
        self._ends.callback(self.crew.disband)
        self.books.let_go()
        gc.enable()
        gc.collect()
        gc.freeze()

    def __enter__(self) -> "Harbour":
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def run(self, seed: int, *, twice: bool = False) -> Report:
        """One storm; with `twice` its trace must be the same the second time."""
        report = Storm(seed, self.books, self.crew, self.claims).run()
        if twice:
            again = Storm(seed, self.books, self.crew, self.claims).run()
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


def _difference(first: Report, second: Report) -> str:
    pairs = zip(first.schedule, second.schedule, strict=False)
    for number, (one, other) in enumerate(pairs):
        if one != other:
            return f"line {number}: {one!r} and {other!r}"
    return "one schedule is longer"

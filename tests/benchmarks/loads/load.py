"""What a load is: a unit of work that several processes do at once over one database."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain.errors import Busy, Unavailable

Work = Callable[[], int]
"""What is timed; how often a command was turned away by the database and had to come again."""

_TRIES = 100


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does: so many units."""

    url: str
    folder: Path
    """Of this run alone; all its processes have it."""
    number: int
    """Of the process, from 0."""
    count: int


def insist(command: Callable[[], bool]) -> int:
    """Run a command until it gets through, as a timer or a person would; how often it did not.

    It is for commands that may be run again, and which others can keep from the books for too long.
    """
    for turned_away in range(_TRIES):
        with suppress(Busy, Unavailable):
            if command():
                return turned_away
    raise SystemExit(f"turned away {_TRIES} times")


class Load(ABC):
    """One kind of work. It goes to its processes by value, so it holds nothing that is open."""

    name: str
    limit: "Load | None" = None
    """What the database does of the same by itself; without one, as many bare commits."""

    def prepare(self, shares: Sequence[Share]) -> list[Share]:
        """Make what the processes need, before they start; the shares as they are to be done."""
        return list(shares)

    @abstractmethod
    def ready(self, share: Share) -> Work:
        """In the share's own process: make ready all that is not to be timed, and give the rest."""

    @abstractmethod
    def done(self, url: str) -> int:
        """How many units the rows of this database show as done, rightly and once."""

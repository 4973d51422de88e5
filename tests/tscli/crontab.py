"""A file for /etc/cron.d as cron reads it: which entry is due when, and what it runs."""

from dataclasses import dataclass
from datetime import datetime

_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@dataclass(frozen=True)
class Entry:
    """One line."""

    fields: tuple[frozenset[int], ...]
    """Minutes, hours, days of the month, months, weekdays with 0 for Sunday."""
    user: str
    line: str

    @property
    def program(self) -> str:
        """What is run in the end."""
        return next(w for w in reversed(self._words) if w.endswith("/tscli"))

    @property
    def words(self) -> list[str]:
        """The words behind the program."""
        behind = self._words[self._words.index(self.program) + 1 :]
        return behind[: behind.index("2>&1")]

    @property
    def _words(self) -> list[str]:
        return self.line.replace("$(", " ").replace(")", " ").split()

    def due(self, at: datetime) -> bool:
        """Whether cron starts it in this minute."""
        now = (at.minute, at.hour, at.day, at.month, at.isoweekday() % 7)
        return all(one in known for one, known in zip(now, self.fields, strict=True))


def parse(text: str) -> list[Entry]:
    """The entries of a file; settings and comments are left out."""
    entries = []
    for line in text.splitlines():
        if not line or line.startswith("#") or "=" in line.partition(" ")[0]:
            continue
        *fields, user, command = line.split(None, 6)
        known = tuple(_field(f, *b) for f, b in zip(fields, _FIELDS, strict=True))
        entries.append(Entry(known, user, command))
    return entries


def _field(text: str, first: int, last: int) -> frozenset[int]:
    """The values of one field: `*`, `*/n`, `a`, `a-b` and lists of them."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        low, _, high = (f"{first}-{last}" if span == "*" else span).partition("-")
        assert first <= int(low) <= int(high or low) <= last, text
        found |= set(range(int(low), int(high or low) + 1, int(step or 1)))
    return frozenset(found)

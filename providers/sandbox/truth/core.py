"""What every rule of the world needs: the time, ids, and the three logs of money and facts.

The logs (balance lines, movements, happenings) are append-only; a line's payout is the one thing
filled in later.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

from domain.clock import Clock, to_micros
from providers.sandbox.truth.naming import NAMINGS
from providers.sandbox.truth.records import KIND_OF, Happening, Line, Movement
from providers.sandbox.truth.refusals import Missing
from providers.sandbox.truth.store import Store

DAY = 86_400
"""Seconds."""

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass
class Core:
    """The world's insides, handed to every rule."""

    store: Store
    clock: Clock
    seed: str
    account: str
    provider: str = "stripe"
    """Whose manners the world has where they differ: how things are named."""
    request_id: str | None = None
    idempotency_key: str | None = None
    more_work: dict[str, Callable[["Core", str], None]] = field(default_factory=dict)
    """Scheduled work that layers above the truth know how to do."""
    base_url: str = "http://127.0.0.1:12111"
    """Where links in events point: the address the world was last asked at."""
    _as_of: int | None = None

    def now(self) -> int:
        """The present in Unix seconds, or the due time of the work being caught up with."""
        if self._as_of is not None:
            return self._as_of
        return to_micros(self.clock.now()) // 1_000_000

    @contextmanager
    def as_of(self, instant: int) -> Iterator[None]:
        """Let things happen at the moment they were due, however late anybody looks."""
        self._as_of = instant
        try:
            yield
        finally:
            self._as_of = None

    def random(self, stream: str, length: int, alphabet: str = _LETTERS) -> str:
        """Letters that are a function of the seed and a persisted counter."""
        count = self.store.count(f"counter:{stream}")
        number = int.from_bytes(hashlib.sha256(f"{self.seed}:{stream}:{count}".encode()).digest())
        letters = []
        for _ in range(length):
            number, digit = divmod(number, len(alphabet))
            letters.append(alphabet[digit])
        return "".join(letters)

    def new_id(self, prefix: str) -> str:
        """A fresh id for what the prefix names, as this world's provider writes such ids."""
        return NAMINGS[self.provider](prefix, self.random)

    def book(
        self, category: str, amount_minor: int, currency: str, *, fee_minor: int = 0,
        source_id: str | None = None, charge_id: str | None = None, method_kind: str = "",
        description: str = "", available_at: int | None = None, payout_id: str | None = None,
    ) -> Line:  # fmt: skip
        """Append one balance line in minor units, available at once unless said otherwise."""
        now = self.now()
        line = Line(
            self.new_id("txn"), now, now if available_at is None else available_at, amount_minor,
            fee_minor, currency, category, method_kind, source_id, charge_id, description,
            payout_id,
        )  # fmt: skip
        names = ", ".join(_LINE)
        marks = ", ".join("?" * len(_LINE))
        values = [getattr(line, name) for name in _LINE]
        self.store.run(f"INSERT INTO lines ({names}) VALUES ({marks})", *values)  # noqa: S608
        return line

    def line(self, line_id: str) -> Line:
        """The balance line with that id.

        Raises:
            Missing: there is none.
        """
        row = self.store.one(f"SELECT {', '.join(_LINE)} FROM lines WHERE id = ?", line_id)  # noqa: S608
        if row is None:
            raise Missing("line", line_id)
        return Line(*row)

    def lines(self, where: str = "1", *values: Any) -> list[Line]:
        """Balance lines as booked; `where` is SQL of this package, never input."""
        sql = f"SELECT {', '.join(_LINE)} FROM lines WHERE {where} ORDER BY seq"  # noqa: S608
        return [Line(*row) for row in self.store.all(sql, *values)]

    def move(
        self, kind: str, amount_minor: int, currency: str, intent_id: str | None,
        object_id: str | None,
    ) -> None:  # fmt: skip
        """Record that money really moved; positive comes into the account."""
        self.store.run(
            "INSERT INTO movements (at, kind, amount_minor, currency, intent_id, object_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            self.now(), kind, amount_minor, currency, intent_id, object_id,
        )  # fmt: skip

    def movements(self) -> list[Movement]:
        """All money that moved, in order."""
        return [Movement(*row) for row in self.store.all("SELECT * FROM movements ORDER BY seq")]

    def tell(self, fact: str, record: Any) -> None:
        """Record a fact with the object as it is now."""
        self.store.run(
            "INSERT INTO happenings (id, at, fact, kind, object_id, body, request_id,"
            " idempotency_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            self.new_id("evt"), self.now(), fact, KIND_OF[type(record)], record.id,
            json.dumps(vars(record), sort_keys=True), self.request_id, self.idempotency_key,
        )  # fmt: skip

    def happenings(self, where: str = "1", *values: Any) -> list[Happening]:
        """Facts, oldest first; `where` is SQL of this package, never input."""
        rows = self.store.all(f"SELECT * FROM happenings WHERE {where} ORDER BY seq", *values)  # noqa: S608
        return [Happening(**{**dict(row), "body": json.loads(row["body"])}) for row in rows]

    def event(self, event_id: str) -> str | None:
        """The bytes of an event as they were told, None when there is none."""
        row = self.store.one("SELECT body FROM events WHERE id = ?", event_id)
        return str(row[0]) if row else None

    def events(self, *, waiting: bool) -> list[str]:
        """Ids of all events, or of those that wait to be delivered, oldest first."""
        where = "delivered = 0" if waiting else "1"
        rows = self.store.all(f"SELECT id FROM events WHERE {where} ORDER BY seq")  # noqa: S608
        return [str(row[0]) for row in rows]

    def mark_delivered(self, event_id: str, delivered: bool = True) -> None:
        """Note that an event arrived, or that it has to be delivered again."""
        self.store.run("UPDATE events SET delivered = ? WHERE id = ?", int(delivered), event_id)

    def schedule(self, work: str, object_id: str, due_at: int) -> None:
        """Ask that `work` be done to an object once the clock passes `due_at`."""
        self.store.run(
            "INSERT INTO due (due_at, work, object_id) VALUES (?, ?, ?)", due_at, work, object_id
        )


_LINE = [column.name for column in fields(Line)]


def midnight(instant: int, days: int) -> int:
    """The start of the UTC day `days` after the one of `instant`."""
    return (instant // DAY + days) * DAY

"""A calm run of every command in the scheduler's own process, before anything is forked.

Children inherit what it leaves: imported modules, compiled statements, a warm adapter.
"""

from datetime import UTC, datetime
from typing import Any

from domain.clock import SetClock, to_micros
from providers.sandbox.faults import Fault
from tests.storms.books import BooksFile
from tests.storms.child import Life
from tests.storms.commands import Command
from tests.storms.ground import Ground

_AT = datetime(2026, 1, 1, tzinfo=UTC)


class AlwaysGo:
    """Nobody is stopped, and requests are answered as they come."""

    now_micros = to_micros(_AT)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.said: tuple[Any, ...] = ()

    def meet(self, point: str, *details: Any) -> tuple[Any, ...]:
        """See `End.meet`."""
        if point == "print":
            self.said = details
        if point == "bug":
            raise AssertionError(details[0])
        if point != "call":
            return ()
        return self._ground.execute(details, Fault.NONE, self.now_micros)


def warm(life: Life, books: BooksFile, provider: str = "stripe") -> None:
    """Run each command once."""
    books.renew()
    ground = Ground(provider, SetClock(_AT), seed=0)
    end = AlwaysGo(ground)
    common = {"currency": "USD", "provider": provider, "amount_minor": 1_000}
    for order, capture, method, then in (
        ("o1", True, "pm_card_visa", ("refund", "refresh", "sweep")),
        ("o2", False, "pm_card_visa", ("capture", "refund")),
        ("o3", False, "pm_card_visa", ("sweep", "cancel")),
        ("o4", True, "pm_card_chargeDeclined", ()),
        ("o5", True, "pm_card_threeDSecureRequired", ("sweep", "cancel")),
    ):
        words = {**common, "order_reference": order, "capture": capture, "method": method}
        life.run(end, Command("create", key=order, words=tuple(words.items())), "warm", order)
        row = books.rows()["payments"][-1]
        for verb in then:
            command = Command(verb, row["payment_id"], f"{order}-{verb}")
            life.run(end, command, "warm", f"{order} {verb}")
            assert end.said[0] == "done", (command, end.said)
    ground.close()
    life.database.close()
    life.end = None

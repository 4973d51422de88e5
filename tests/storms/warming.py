"""A calm run of every command in the scheduler's own process, before anything is forked.

Children inherit what it leaves: imported modules, compiled statements, a warm adapter.
"""

from datetime import UTC, datetime
from typing import Any

from domain.clock import SetClock, to_micros
from providers.sandbox.faults import Fault
from tests.storms.books import StormBooks
from tests.storms.child import Life
from tests.storms.commands import Command
from tests.storms.ground import HOSTS, Ground
from tests.storms.rendezvous import Order

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


_LIVES = (
    ("stripe", "o1", True, "pm_card_visa", ("refund", "refresh", "sweep")),
    ("stripe", "o2", False, "pm_card_visa", ("capture", "refund")),
    ("stripe", "o3", False, "pm_card_visa", ("sweep", "cancel")),
    ("stripe", "o4", True, "pm_card_chargeDeclined", ()),
    ("stripe", "o5", True, "pm_card_threeDSecureRequired", ("sweep", "cancel")),
    ("paypal", "o6", True, "paypal", ("refresh", "refund")),
    ("paypal", "o7", False, "paypal", ("refresh", "capture")),
    ("paypal", "o8", False, "paypal", ("refresh", "cancel")),
)
"""Provider, order, capture at once, method, and the commands that follow."""


def warm(life: Life, books: StormBooks) -> None:
    """Run each command once with each provider."""
    books.renew()
    grounds = {name: Ground(name, SetClock(_AT), seed=0) for name in HOSTS}
    for provider, order, capture, method, then in _LIVES:
        end = AlwaysGo(grounds[provider])
        words = {
            "currency": "USD", "provider": provider, "amount_minor": 1_000, "capture": capture,
            "order_reference": order, "method": method,
        }  # fmt: skip
        create = Command("create", key=order, words=tuple(words.items()))
        life.run(end, Order(create, "warm", order, 0))
        (payment,) = (p for p in books.rows()["payments"] if p["order_reference"] == order)
        if provider == "paypal":
            grounds[provider].world.approve(payment["provider_payment_id"])
        for verb in then:
            command = Command(verb, payment["payment_id"], f"{order}-{verb}")
            life.run(end, Order(command, "warm", f"{order} {verb}", 0))
            assert end.said[0] == "done", (command, end.said)
    for ground in grounds.values():
        ground.close()
    life.end = None

"""Who does what in a storm: operators with their habits, a timer, the payer.

An actor is a generator: it yields a command and is given what came of it, `None` when the command
died. It sees what an operator sees: the printed answer, and the books when it looks.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random

from tests.storms.books import Row
from tests.storms.commands import Command
from tests.storms.post import Post
from tests.storms.weather import Weather

Said = tuple[str, ...] | None
Actor = Generator[Command, Said, None]

UNSURE = frozenset({"outcome_unknown", "unavailable", "circuit_open", "idempotency_in_flight",
                    "stale_version", "busy", "books_unavailable"})  # fmt: skip
"""Error codes after which the same words with the same key are the right thing to do."""

EXPONENT = {"JPY": 0}


@dataclass
class Shop:
    """What the actors share: chance, the weather, and a look at the books by order reference."""

    dice: Random
    weather: Weather
    post: Post | None
    """Where the provider's deliveries come from; None where it delivers none."""
    look: Callable[[str], Row | None]
    """The payment of an order that is not over, or its last one."""

    def amount(self, minor: int) -> str:
        """An amount as an operator types it."""
        digits = EXPONENT.get(self.weather.currency, 2)
        if not digits:
            return str(minor)
        return f"{minor // 10**digits}.{minor % 10**digits:0{digits}}"

    def chance(self, percent: int) -> bool:
        """Whether something of that likelihood happens."""
        return self.dice.randrange(100) < percent


def insist(shop: Shop, command: Command, most: int = 3) -> Generator[Command, Said, Said]:
    """The same words with the same key until the answer is certain, or patience ends."""
    said: Said = None
    for _ in range(most):
        said = yield command
        certain = said is not None and not (said[0] == "error" and said[1] in UNSURE)
        suspended = said is not None and said[-1] == "circuit_open"
        if certain or shop.chance(70 if suspended else 25):
            return said
    return said


def create(shop: Shop, order: str, key: str) -> Command:
    """The command that creates the order's payment."""
    w = shop.weather
    words = {
        "amount_minor": w.amount_minor, "currency": w.currency, "provider": w.provider,
        "method": w.method, "capture": w.capture, "order_reference": order,
    }  # fmt: skip
    return Command("create", key=key, words=tuple(words.items()))


def seller(shop: Shop, name: str, order: str, key: str) -> Actor:
    """Creates a payment, and goes on to whatever comes next for it."""
    yield from insist(shop, create(shop, order, key))
    yield from carry_on(shop, name, order)


def carry_on(shop: Shop, name: str, order: str) -> Actor:
    """Captures, cancels or gives back, whatever the books allow."""
    for number in range(shop.dice.randint(1, 3)):
        payment = shop.look(order)
        if payment is None:
            return
        command = _next(shop, payment, f"{name}-{number}")
        if command is None:
            return
        yield from insist(shop, command)


def clerk(shop: Shop, name: str, order: str) -> Actor:
    """Another operator who works on the same payment."""
    if shop.chance(50):
        yield Command("sweep")
    yield from carry_on(shop, name, order)


def timer(shop: Shop) -> Actor:
    """Sweeps now and then, whoever else is at work."""
    for _ in range(shop.dice.randint(1, 2)):
        yield Command("sweep")


def postman(shop: Shop) -> Actor:
    """Delivers whatever the provider has told by now, again and in any order."""
    assert shop.post is not None
    for _ in range(shop.dice.randint(2, 6)):
        command = shop.post()
        if command is not None:
            yield command


def _next(shop: Shop, payment: Row, key: str) -> Command | None:
    pay, state = payment["payment_id"], payment["state"]
    if state == "authorized":
        if shop.chance(25):
            return Command("cancel", pay, key)
        return Command("capture", pay, key, _part(shop, payment["amount_minor"]))
    if state in ("succeeded", "refunded"):
        return Command("refund", pay, key, _part(shop, payment["captured_minor"]))
    if state in ("failed", "cancelled"):
        return None
    return Command("refresh", pay) if shop.chance(70) else Command("cancel", pay, key)


def _part(shop: Shop, minor: int) -> str | None:
    """All of it, or so much that two of them are too much, or little."""
    percent = shop.dice.choice((100, 60, 60, 10))
    part = minor * percent // 100
    return None if percent == 100 or part == 0 else shop.amount(part)


def cast(shop: Shop) -> dict[str, Actor]:
    """The actors of a seed by name."""
    actors = {"anna": seller(shop, "anna", "order-1", "key-a")}
    if shop.post is not None and shop.chance(60):
        actors["postman"] = postman(shop)
    if shop.weather.concurrency == 1:
        if shop.chance(50):
            actors["timer"] = timer(shop)
        return actors
    second = shop.dice.choice(("same order", "same key", "clerk", "timer", "timer", "clerk"))
    if second == "same order":
        actors["bert"] = seller(shop, "bert", "order-1", "key-b")
    elif second == "same key":
        actors["bert"] = seller(shop, "bert", "order-1", "key-a")
    elif second == "clerk":
        actors["bert"] = clerk(shop, "bert", "order-1")
    else:
        actors["timer"] = timer(shop)
    return actors

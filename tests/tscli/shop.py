"""A shop in a pretend world: the real services and the real adapter over a transport that fails.

`Shop.prove` compares what the world says really moved with what our books say, to the last unit.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from db.database import Database
from domain.audit import Actor
from domain.clock import Clock, SetClock
from domain.errors import PaymentsError
from domain.ids import Ids
from domain.ledger import Account
from domain.money import Money
from domain.operation import OPEN_STATES, Operation
from domain.payment import Payment, PaymentState
from domain.provider import Provider, ProviderAccount
from domain.review import Review
from providers.http import HttpClient
from providers.sandbox.faults import Fault, FaultyTransport, Plan, scripted
from providers.sandbox.stripe_face import stripe_face
from providers.sandbox.world import World
from providers.stripe.provider import ALLOWED_HOSTS, StripeProvider, StripeSettings
from tscli.services import audit, lookups, payments
from tscli.services.context import Context
from tscli.services.intents import CreateWords
from tscli.services.ledger import trial_balance
from tscli.services.payments import Outcome

URL = "https://api.stripe.com"
ENDS = (PaymentState.FAILED, PaymentState.CANCELLED)


@dataclass
class Shop:
    """One database, one world, one operator; `plan` decides what fails on the way between."""

    database: Database
    clock: SetClock
    plan: Plan = field(default_factory=lambda: scripted([]))
    actor: Actor = field(default_factory=lambda: Actor("tess", "tests", "testhost"))
    world_path: str = ":memory:"
    account: str = "default"
    world_clock: Clock | None = None
    ids: Ids | None = None
    seed: int = 1
    """Of the world's identifiers: worlds that share books need different ones."""
    webhook_secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.world = World.open(self.world_path, self.world_clock or self.clock, seed=self.seed)
        inner = httpx2.ASGITransport(app=stripe_face(self.world), raise_app_exceptions=True)
        self.transport = FaultyTransport(
            inner, lambda request: self.plan(request), poison=self.world.poison
        )
        self.context = Context(
            self.database, self.clock, self.ids or Ids(self.clock), self.actor, self.open_provider
        )

    @asynccontextmanager
    async def open_provider(self, name: str) -> AsyncIterator[Provider]:
        """The real adapter over the failing transport."""
        http = HttpClient(URL, ALLOWED_HOSTS, transport=self.transport)
        settings = StripeSettings(
            "sk_test_shop", self.account, "test", URL, return_url="https://shop.example/back",
            webhook_secrets=self.webhook_secrets,
        )  # fmt: skip
        provider = StripeProvider(settings, http)
        try:
            yield provider
        finally:
            await provider.aclose()

    @property
    def owner(self) -> ProviderAccount:
        """Whose account it is."""
        return ProviderAccount("stripe", self.account, "test")

    def fail(self, faults: Iterable[Fault]) -> None:
        """The faults of the next requests, one each, and none after them."""
        self.plan = scripted(faults)

    def create(self, amount: str = "100.00", **words: Any) -> Outcome:
        """Create a payment; see `creating`."""
        return asyncio.run(self.creating(amount, **words))

    def creating(
        self, amount: str = "100.00", key: str | None = None, **words: Any
    ) -> Coroutine[Any, Any, Outcome]:
        """The service call that creates a payment."""
        money = Money.parse(amount, words.pop("currency", "USD"))
        method = words.pop("method", "pm_card_visa")
        return payments.create_payment(
            self.context, CreateWords(money, "stripe", method, **words), key
        )

    def capture(self, payment_id: str, amount: str | None = None, key: str = "cap") -> Outcome:
        """Capture a payment."""
        return asyncio.run(payments.capture_payment(self.context, payment_id, amount, key))

    def cancel(self, payment_id: str, key: str = "can") -> Outcome:
        """Cancel a payment."""
        return asyncio.run(payments.cancel_payment(self.context, payment_id, key))

    def refund(self, payment_id: str, amount: str | None = None, key: str = "ref") -> Outcome:
        """Refund a payment."""
        return asyncio.run(payments.refund_payment(self.context, payment_id, amount, key))

    def refresh(self, payment_id: str) -> Payment:
        """Ask the provider, finish what is open."""
        return asyncio.run(lookups.refresh_payment(self.context, payment_id))

    def payments(self) -> list[Payment]:
        """Every payment in the books."""
        return lookups.find_payments(self.context)

    def unfinished(self) -> list[Operation]:
        """Every operation that is still open."""
        with self.database.read() as books:
            return [
                o
                for p in books.payments.find()
                for o in books.operations.of_payment(p.payment_id)
                if o.state in OPEN_STATES
            ]

    def reviews(self) -> list[Review]:
        """What waits for a person."""
        with self.database.read() as books:
            return books.reviews.find()

    def moved(self, kind: str = "capture") -> list[int]:
        """What really moved in the world, in minor units."""
        return [m.amount_minor for m in self.world.movements() if m.kind == kind]

    def settle(self) -> None:
        """Let late requests arrive, the faults end, and every open operation be finished."""
        self.fail([])
        asyncio.run(self._arrive())
        for known in self.payments():
            self.refresh(known.payment_id)

    async def _arrive(self) -> None:
        await self.transport.settle()

    def prove_safe(self) -> None:
        """What must hold at any moment: nothing charged twice, nothing wrongly called failed."""
        moved: Counter[str] = Counter()
        for m in self.world.movements():
            moved[m.intent_id or ""] += m.amount_minor if m.kind == "capture" else 0
        owners = {i.id: i.metadata.get("payment_id") for i in self.world.intents()}
        by_payment: Counter[str] = Counter()
        for intent_id, minor in moved.items():
            by_payment[owners.get(intent_id) or ""] += minor
        for known in self.payments():
            assert by_payment[known.payment_id] <= known.amount_minor, "charged twice"
            assert known.captured_minor <= by_payment[known.payment_id], "captured out of thin air"
            if known.state in ENDS:
                assert by_payment[known.payment_id] == 0, "failed, and the money moved"
        returned = -sum(self.moved("refund") + self.moved("refund_returned"))
        assert returned <= sum(self.moved()), "more given back than taken"
        assert audit.check_books(self.context) == []
        assert audit.verify_audit(self.context).flaw is None

    def prove(self) -> None:
        """What must hold when all is settled: our books are the world's."""
        self.prove_safe()
        assert self.unfinished() == []
        theirs: Counter[str] = Counter()
        for line in self.world.balance_lines():
            theirs[line.currency] += line.net_minor
        ours = {
            row.currency: row.balance_minor
            for row in trial_balance(self.context)
            if row.ledger_account is Account.PROVIDER_BALANCE
        }
        assert {c: n for c, n in ours.items() if n} == {c: n for c, n in theirs.items() if n}


def open_shop(database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in which nobody waits between tries."""
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    return Shop(database, clock)


def outcome_of(call: Coroutine[Any, Any, Outcome]) -> Outcome | PaymentsError:
    """What came of a call, its deliberate error as a value."""
    try:
        return asyncio.run(call)
    except PaymentsError as error:
        return error

"""A payment changes providers only before it is recorded; from then on it stays where it is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from db.database import Database
from domain.breaker import FAILURES_MAX, Breaker, BreakerState
from domain.clock import SetClock
from domain.errors import Conflict, OutcomeUnknown, PaymentsError, Unavailable
from domain.money import Money
from domain.provider import Provider, ProviderAccount
from domain.routing import AUTO, Rule
from providers.registry import (
    SANDBOX_ACCOUNT,
    AccountSettings,
    SandboxSettings,
    capabilities,
    open_provider,
)
from providers.sandbox.faults import Fault
from tests.conftest import Cli
from tests.tscli.shop import Shop, open_shop
from tests.tscli.worlds import moved
from tscli.services.intents import CreateWords
from tscli.services.payments import Outcome, create_payment
from tscli.services.provider_accounts import SharedAccounts
from tscli.services.routing import Routes

F = Fault
PAYPAL = ProviderAccount("paypal", SANDBOX_ACCOUNT, "test")
LOST = [F.TIMEOUT_BEFORE] * 20


class Street:
    """Stripe over the failing transport, PayPal beside it, and a look at who was asked."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop = shop
        self.asked: list[str] = []
        self.meanwhile: dict[str, Callable[[], Awaitable[object]]] = {}
        self._world = SandboxSettings(str(folder / "world.db"), 1)
        self.shop.context = replace(shop.context, open_provider=self.open_provider)

    @asynccontextmanager
    async def open_provider(self, name: str) -> AsyncIterator[Provider]:
        """Either provider; what shall happen between the choice and the intent happens here."""
        self.asked.append(name)
        if name in self.meanwhile:
            await self.meanwhile.pop(name)()
        store = SharedAccounts(self.shop.database, self.shop.clock)
        paypal = open_provider(name, AccountSettings(), self._world, self.shop.clock, store)
        async with self.shop.open_provider(name) if name == "stripe" else paypal as provider:
            yield provider

    def routes(self, *order: str) -> Routes:
        """Providers in that order."""
        accounts = [(self.shop.owner, capabilities("stripe")), (PAYPAL, capabilities("paypal"))]
        return Routes([Rule(name) for name in order], lambda: accounts)

    async def creating(self, key: str, *order: str, euros: str = "30.00") -> Outcome:
        """Create a payment with the first of them that can take it."""
        words = CreateWords(Money.parse(euros, "EUR"), AUTO, "pm_card_visa", order_reference="o1")
        return await create_payment(self.shop.context, words, key, routes=self.routes(*order))

    def create(self, key: str, *order: str, **words: str) -> Outcome | PaymentsError:
        """What came of it."""
        try:
            return asyncio.run(self.creating(key, *order, **words))
        except PaymentsError as error:
            return error

    async def open_circuit(self) -> None:
        """Let Stripe's circuit open as if it had failed for every process."""
        now = self.shop.clock.now()
        with self.shop.database.transaction() as books:
            before = books.provider_accounts.breaker(self.shop.owner)
            after = Breaker(BreakerState.OPEN, FAILURES_MAX, 1, now, before.version + 1)
            assert books.provider_accounts.swap_breaker(self.shop.owner, before, after)


@pytest.fixture
def street(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Street:
    return Street(open_shop(database, clock, monkeypatch), tmp_path)


def provider_of(outcome: Outcome | PaymentsError) -> str:
    assert isinstance(outcome, Outcome), outcome
    return outcome.payment.provider


def test_an_open_circuit_is_passed_by(street: Street) -> None:
    """Proves that the next provider takes a payment whose first one has an open circuit, also when
    it opens between the choice and the intent; one payment is recorded."""
    asyncio.run(street.open_circuit())
    assert provider_of(street.create("k", "stripe", "paypal")) == "paypal"
    assert street.asked == ["paypal"]
    assert len(street.shop.payments()) == 1
    street.shop.clock.at += timedelta(hours=1)
    assert provider_of(street.create("k", "stripe", "paypal")) == "paypal", "the key stands for it"


def test_a_circuit_that_opens_meanwhile(street: Street) -> None:
    """Proves that a choice overtaken by an opening circuit falls on the next, with one intent."""
    street.meanwhile["stripe"] = street.open_circuit
    assert provider_of(street.create("k", "stripe", "paypal")) == "paypal"
    assert street.asked == ["stripe", "paypal"]
    assert [p.provider for p in street.shop.payments()] == ["paypal"]
    assert street.shop.transport.log == []


@pytest.mark.parametrize("faults", [LOST, [F.NONE, *LOST], [F.REFUSED] * 20])
def test_what_was_recorded_never_changes_providers(street: Street, faults: list[Fault]) -> None:
    """Proves for a creation whose send is ambiguous, a confirmation that is, and one that was never
    sent, that nobody else is asked, although the circuit opens and the rules turn around."""
    street.shop.fail(faults)
    first = street.create("k", "stripe", "paypal")
    assert isinstance(first, OutcomeUnknown | Unavailable), first
    asyncio.run(street.open_circuit())
    again = street.create("k", "paypal", "stripe")
    assert isinstance(again, OutcomeUnknown | Unavailable), again
    other = street.create("k2", "paypal", "stripe")
    assert isinstance(other, Conflict), "the order has its payment"
    assert set(street.asked[:-1]) == {"stripe"}
    street.shop.fail([])
    assert provider_of(street.create("k", "paypal", "stripe")) == "stripe"
    assert street.shop.moved() == [3_000]
    street.shop.prove()


def test_two_commands_that_choose_differently(street: Street) -> None:
    """Proves that whoever comes second finishes the first one's payment where it was begun."""

    async def another() -> None:
        street.shop.fail([F.NONE, F.REFUSED])
        with pytest.raises(Unavailable):
            await street.creating("k", "stripe")

    street.meanwhile["paypal"] = another
    done = street.create("k", "paypal", "stripe")
    assert provider_of(done) == "stripe"
    assert street.asked == ["paypal", "stripe", "stripe"]
    assert street.shop.moved() == [3_000]
    street.shop.prove()


def test_another_account_finishes_nothing(street: Street) -> None:
    """Proves that a key of one account's payment is not driven with another one."""
    street.shop.fail([F.REFUSED])
    assert isinstance(street.create("k", "stripe"), Unavailable)
    asked = len(street.shop.transport.log)
    street.shop.account = "other"
    refused = street.create("k", "stripe")
    assert isinstance(refused, Conflict)
    assert "belongs to the test account 'default'" in refused.message
    assert len(street.shop.transport.log) == asked
    street.shop.account = "default"
    assert provider_of(street.create("k", "stripe")) == "stripe"


def test_rules_come_and_go(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that the same words with the same key find their payment whether there were rules then
    or are now, and that naming another provider is another request."""
    create = ("payments", "create", "--method", "pm_card_visa", "--yes", "--format", "json")
    create += ("--amount", "30.00", "--currency", "EUR")
    rules = home / "rules.toml"
    rules.write_text('[[routing]]\nprovider = "paypal"\ncurrencies = ["EUR"]\n')
    without = cli(*create, "--idempotency-key", "a").data
    assert without["provider"] == "stripe"
    monkeypatch.setenv("TSCLI_CONFIG", str(rules))
    ruled = cli(*create, "--idempotency-key", "b").data
    assert ruled["provider"] == "paypal"
    for _ in range(2):
        for key, first, other in (("a", without, "paypal"), ("b", ruled, "stripe")):
            words = (*create, "--idempotency-key", key)
            assert cli(*words).data["id"] == first["id"]
            assert cli(*words, "--provider", "auto").data["id"] == first["id"]
            assert cli(*words, "--provider", first["provider"]).data["id"] == first["id"]
            assert cli(*words, "--provider", other).exit_code == 5
        monkeypatch.delenv("TSCLI_CONFIG", raising=False)
    assert moved() == [3_000]

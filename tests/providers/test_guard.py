"""The guard around the real adapter: repeats what did nothing, never what may have, shares its
state."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from db.database import Database
from domain.breaker import FAILURES_MAX, OPEN_FOR, Breaker, BreakerState
from domain.clock import SetClock
from domain.errors import CircuitOpen, Declined, OutcomeUnknown, ProviderError, Unavailable
from domain.provider import AccountStatus, AccountSwitch, PaymentRequest
from providers import guard
from providers.guard import Guarded
from providers.http import HttpClient
from providers.sandbox.faults import Fault, FaultyTransport, scripted
from providers.sandbox.stripe_face import stripe_face
from providers.sandbox.world import World
from providers.stripe.provider import ALLOWED_HOSTS, StripeProvider, StripeSettings
from tscli.services.provider_accounts import SharedAccounts

REQUEST = PaymentRequest("pay_1", 1_000, "USD", True, "pm_card_visa")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    for name in ("WAIT_SECONDS", "WAIT_MAX_SECONDS", "JITTER_SECONDS"):
        monkeypatch.setattr(guard, name, 0.001)


class Scene:
    """A guarded adapter over a world that fails as told."""

    def __init__(self, database: Database, clock: SetClock) -> None:
        self.world = World.open(":memory:", clock)
        self.clock = clock
        self.store = SharedAccounts(database, clock)
        self.transport: FaultyTransport | None = None

    def run(self, faults: list[Fault], call: Callable[[Guarded], Any], rate: int = 0) -> Any:
        """One call through a fresh adapter: the processes of an operator are short."""

        async def inside() -> Any:
            inner = httpx2.ASGITransport(app=stripe_face(self.world))
            self.transport = FaultyTransport(inner, scripted(faults))
            http = HttpClient("https://api.stripe.com", ALLOWED_HOSTS, transport=self.transport)
            settings = StripeSettings("sk_test_x", "default", "test")
            provider = Guarded(StripeProvider(settings, http), self.store, self.clock, rate)
            try:
                return await call(provider)
            finally:
                await provider.aclose()

        return asyncio.run(inside())

    def fails(self, faults: list[Fault], call: Callable[[Guarded], Any]) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            self.run(faults, call)
        return caught.value

    @property
    def breaker(self) -> Breaker:
        owner = guard.ProviderAccount("stripe", "default", "test")
        return self.store.breaker(owner)


@pytest.fixture
def scene(database: Database, clock: SetClock) -> Scene:
    return Scene(database, clock)


def create(provider: Guarded) -> Any:
    return provider.create(REQUEST, "key-1")


def test_what_did_nothing_is_repeated_under_its_key(scene: Scene) -> None:
    made = scene.run([Fault.RATE_LIMIT, Fault.REFUSED], create)
    assert made.provider_payment_id
    assert len(scene.world.intents()) == 1


def test_what_may_have_happened_is_never_repeated(scene: Scene) -> None:
    error = scene.fails([Fault.TIMEOUT_AFTER], create)
    assert isinstance(error, OutcomeUnknown)
    assert scene.transport is not None
    assert len(scene.transport.log) == 1


def test_failures_open_the_circuit_for_every_process_and_a_probe_closes_it(scene: Scene) -> None:
    for _ in range(FAILURES_MAX):
        scene.fails([Fault.ERROR_BEFORE], create)
    assert scene.breaker.state is BreakerState.OPEN
    assert isinstance(scene.fails([], create), CircuitOpen)
    scene.clock.advance(OPEN_FOR)
    scene.run([], create)
    assert scene.breaker.state is BreakerState.CLOSED


def test_declines_and_rate_limits_never_count(scene: Scene) -> None:
    for number in range(2 * FAILURES_MAX):
        request = PaymentRequest(f"pay_{number}", 1_000, "USD", True, "pm_card_chargeDeclined")
        made = scene.run([], lambda p, r=request: p.create(r, f"c-{r.payment_id}"))
        target = made.provider_payment_id
        error = scene.fails(
            [], lambda p, t=target: p.confirm(t, "pm_card_chargeDeclined", f"k-{t}")
        )
        assert isinstance(error, Declined)
        limited = scene.fails([Fault.RATE_LIMIT] * 9, create)
        assert isinstance(limited, Unavailable)
    assert scene.breaker.state is BreakerState.CLOSED


def test_one_of_many_processes_probes(scene: Scene) -> None:
    """Half open admits exactly one: the others lose the compare-and-set."""
    owner = guard.ProviderAccount("stripe", "default", "test")
    opened = Breaker(BreakerState.OPEN, FAILURES_MAX, 1, scene.clock.now() - timedelta(hours=1), 1)
    assert scene.store.swap_breaker(owner, Breaker(), opened)
    probe = guard.admit(scene.store.breaker(owner), scene.clock.now()).after
    assert [scene.store.swap_breaker(owner, opened, probe) for _ in range(8)].count(True) == 1


def test_a_paused_account_is_asked_nothing(scene: Scene, database: Database) -> None:
    owner = guard.ProviderAccount("stripe", "default", "test")
    paused = AccountSwitch(AccountStatus.MAINTENANCE, "upgrade", "tess", scene.clock.now())
    with database.transaction() as books:
        books.provider_accounts.set_switch(owner, paused)
    error = scene.fails([], create)
    assert isinstance(error, CircuitOpen)
    assert "upgrade" in error.message
    assert scene.world.intents() == []


def test_the_pace_is_shared(scene: Scene) -> None:
    owner = guard.ProviderAccount("stripe", "default", "test")
    waits = [scene.store.pace(owner, 5) for _ in range(7)]
    assert waits == [0] * 5 + [200_000, 400_000]
    scene.clock.advance(timedelta(seconds=2))
    assert scene.store.pace(owner, 5) == 0

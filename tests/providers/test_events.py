"""Events of the pretend worlds through the real adapters: listed, read, delivered and again."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from domain.breaker import Breaker
from domain.clock import SetClock
from domain.errors import (
    CapabilityMissing,
    CircuitOpen,
    ConfigurationError,
    InvalidRequest,
    InvalidSignature,
    Rejected,
    Unavailable,
    WebhookError,
)
from domain.payment import Stage
from domain.provider import PaymentRequest, Provider, ProviderAccount
from domain.webhook import ListedEvent, Proof, Topic
from providers.http import HttpClient
from providers.paypal.provider import TEST_URL, PayPalProvider, PayPalSettings
from providers.registry import (
    AccountSettings,
    SandboxSettings,
    check_webhooks,
    deliverer,
    open_provider,
    open_world,
)
from providers.sandbox.world import World
from providers.stripe.provider import StripeProvider, StripeSettings
from tests.providers.forger import PAYPAL_EVENT, STRIPE_EVENT, same_checksum
from tests.providers.paypal.descriptions import SPECS, Descriptions
from tests.providers.paypal.market import Market
from tests.providers.stripe.wire import Script

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Calm:
    """A guard's store in which nothing is ever wrong, unless the account is paused."""

    paused = False

    def breaker(self, owner: ProviderAccount) -> Breaker:
        return Breaker()

    def swap_breaker(self, owner: ProviderAccount, before: Breaker, after: Breaker) -> bool:
        return True

    def pace(self, owner: ProviderAccount, rate: int) -> int:
        return 0

    def check_open(self, owner: ProviderAccount) -> None:
        if self.paused:
            raise CircuitOpen("paused")


class Place:
    """One provider's world and account, without keys."""

    def __init__(self, name: str, folder: Any, **settings: Any) -> None:
        self.name, self.clock, self.store = name, SetClock(NOW), Calm()
        self.sandbox = SandboxSettings(str(folder / "world.db"), 7)
        self.settings = AccountSettings(**settings)
        self.world = open_world(self.sandbox, self.clock, name)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Provider]:
        async with open_provider(
            self.name, self.settings, self.sandbox, self.clock, self.store
        ) as provider:
            yield provider

    async def listed(self) -> list[ListedEvent]:
        """What the provider lists of the hours around now, oldest first."""
        async with self.open() as provider:
            found = [e async for e in provider.events(NOW - HOUR, NOW + HOUR)]
        return found[::-1]

    async def pay(self, number: int = 1) -> str:
        """A captured payment, in part refunded; its provider's id."""
        method = "paypal" if self.name == "paypal" else "pm_card_visa"
        async with self.open() as provider:
            request = PaymentRequest(f"pay_{number}", 10_000, "USD", True, method)
            made = await provider.create(request, f"create-{number}")
            if self.name == "paypal":
                self.world.approve(made.provider_payment_id)
            await provider.confirm(made.provider_payment_id, method, f"confirm-{number}")
            await provider.refund(
                made.provider_payment_id, 1_000, "USD", f"op_{number}", f"refund-{number}"
            )
        return made.provider_payment_id


@pytest.fixture(params=["stripe", "paypal"])
def place(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Place]:
    found = Place(request.param, tmp_path)
    yield found
    found.world.close()


def run(call: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(call)


def test_what_is_listed_is_what_is_delivered_and_is_believed(place: Place) -> None:
    """Proves that listing, reading by id and delivery show the same events, and that what is
    delivered is proved by the adapter of the same account."""
    payment = run(place.pay())
    listed = run(place.listed())
    sent = list(deliverer(place.world, place.settings).deliveries())
    assert [e.event.provider_event_id for e in listed] == [d.event_id for d in sent]

    async def check() -> None:
        async with place.open() as provider:
            proof = Proof.SIGNATURE if place.name == "stripe" else Proof.CERTIFICATE
            for known, delivery in zip(listed, sent, strict=True):
                assert await provider.verify_webhook(delivery.headers, delivery.body) is proof
                assert provider.read_event(delivery.body) == known.event
                assert await provider.get_event(delivery.event_id) == known
            with pytest.raises(Rejected):
                await provider.get_event("evt_none" if place.name == "stripe" else "WH-none")

    run(check())
    money = [e.event for e in listed if e.event.topic in (Topic.PAYMENT, Topic.REFUND)]
    assert {e.payment_id for e in money if e.topic is Topic.PAYMENT} == {"pay_1"}
    named = {e.provider_payment_id for e in money} - {""}
    assert named == {payment}
    refunded = next(e for e in money if e.topic is Topic.REFUND)
    charged = {r for e in money if e.topic is Topic.PAYMENT for r in e.references}
    assert set(refunded.references) & charged or refunded.provider_payment_id == payment


def test_events_keep_the_object_as_it_was(place: Place) -> None:
    """Proves that an event told before a payment went on still shows it as it was then."""
    run(place.pay())
    first = json.loads(run(place.listed())[0].body)
    if place.name == "stripe":
        assert first["data"]["object"]["status"] == "requires_confirmation"
    else:
        assert first["resource"]["status"] == "APPROVED"
        assert "payments" not in first["resource"]["purchase_units"][0]


def test_only_what_is_signed_to_the_byte_and_whole_carries_a_snapshot(tmp_path: Any) -> None:
    """Proves that an unpaid payment is read from Stripe's event, a captured one is asked for, and
    PayPal's events are hints only."""
    for name in ("stripe", "paypal"):
        (tmp_path / name).mkdir()
        there = Place(name, tmp_path / name)
        run(there.pay())
        shots = {e.event.type: e.event.snapshot for e in run(there.listed())}
        there.world.close()
        if name == "paypal":
            assert set(shots.values()) == {None}
            continue
        created = shots["payment_intent.created"]
        assert created is not None
        assert (created.stage, created.payment_id) == (Stage.CREATED, "pay_1")
        assert shots["payment_intent.succeeded"] is shots["charge.refunded"] is None


def test_every_page_is_listed_once(place: Place) -> None:
    """Proves that more events than fit a page come whole, each once, and none from outside."""
    for number in range(40):
        run(place.pay(number))
    place.clock.advance(2 * HOUR)
    run(place.pay(99))
    with place.world.change() as core:
        told = core.events(waiting=False)
    listed = [e.event.provider_event_id for e in run(place.listed())]
    late = 5 if place.name == "stripe" else 4
    assert len(listed) > 100
    assert listed == told[: len(listed)]
    assert 0 < len(told) - len(listed) <= late


def test_the_seed_decides_what_is_lost_doubled_and_shuffled(place: Place) -> None:
    """Proves that bad weather is repeatable, loses and doubles, and that nothing else is lost."""
    for number in range(10):
        run(place.pay(number))
    with place.world.change() as core:
        told = core.events(waiting=False)
    weather = {"seed": 3, "duplicate_percent": 30, "lose_percent": 20, "shuffle": 1}
    bad = deliverer(place.world, place.settings, **weather)
    plan = bad.plan()
    assert plan == bad.plan()
    assert plan != deliverer(place.world, place.settings, **{**weather, "seed": 4}).plan()
    counts = Counter(plan.sent)
    assert set(counts) | set(plan.lost) == set(told)
    assert plan.lost
    assert max(counts.values()) > 1
    assert list(dict.fromkeys(plan.sent)) != [e for e in told if e in counts]
    assert [d.event_id for d in bad.deliveries()] == list(plan.sent)
    assert list(bad.deliveries()) == []
    late = deliverer(place.world, place.settings, seed=3, delay_percent=100)
    assert len(late.plan(again=True).delayed) == len(told)


def test_an_event_is_delivered_again_when_asked(place: Place) -> None:
    """Proves that PayPal's resend brings the same bytes newly signed; Stripe has no such call."""
    run(place.pay())
    sent = list(deliverer(place.world, place.settings).deliveries())

    async def ask() -> None:
        async with place.open() as provider:
            assert provider.capabilities.resend_events == (place.name == "paypal")
            await provider.resend_event(sent[0].event_id)

    if place.name == "stripe":
        with pytest.raises(CapabilityMissing):
            run(ask())
        return
    run(ask())
    (again,) = deliverer(place.world, place.settings).deliveries()
    assert again.body == sent[0].body
    assert again.headers["PAYPAL-TRANSMISSION-ID"] != sent[0].headers["PAYPAL-TRANSMISSION-ID"]


def test_paypal_is_asked_byte_for_byte(tmp_path: Any) -> None:
    """Proves that the post-back takes the honest event, refuses one of equal checksum, and sends
    nothing that could smuggle words of its own into the question."""
    import zlib

    there = Place("paypal", tmp_path, webhook_verify="postback")
    run(there.pay())
    sent = next(deliverer(there.world, there.settings).deliveries())
    bent = json.dumps(json.loads(sent.body) | {"event_type": "PAYMENT.CAPTURE.DECLINED"}).encode()

    async def check() -> None:
        async with there.open() as provider:
            assert provider.must_ask(sent.headers, sent.body)
            assert await provider.verify_webhook(sent.headers, sent.body) is Proof.POSTBACK
            forged = same_checksum(bent, zlib.crc32(sent.body))
            with pytest.raises(InvalidSignature):
                await provider.verify_webhook(sent.headers, forged)
            with pytest.raises(WebhookError):
                await provider.verify_webhook(sent.headers, b'{}, "webhook_id": "x"')
            there.store.paused = True
            with pytest.raises(Unavailable):
                await provider.verify_webhook(sent.headers, sent.body)
            # Junk is refused before anybody is asked for admission.
            with pytest.raises(InvalidSignature):
                await provider.verify_webhook({**sent.headers, "PAYPAL-AUTH-ALGO": "x"}, sent.body)

    run(check())
    there.world.close()


def test_topics_and_payments_of_disputes_and_payouts(place: Place) -> None:
    """Proves that an event says what it is about, and whose payment, wherever the provider does."""
    payment = run(place.pay())
    place.world.dispute(place.world.charges()[0].id)
    if place.name == "stripe":
        run(place.pay(2))
        place.clock.advance(timedelta(days=10))
        place.world.make_payouts()

    async def everything() -> list[ListedEvent]:
        async with place.open() as provider:
            return [e async for e in provider.events(NOW - HOUR, NOW + timedelta(days=30))]

    found = [e.event for e in run(everything())]
    disputed = [e for e in found if e.topic is Topic.DISPUTE]
    assert disputed
    assert {e.provider_payment_id or e.payment_id for e in disputed} <= {payment, "pay_1"}
    assert all(e.object_id and e.snapshot is None for e in disputed)
    paid_out = [e for e in found if e.topic is Topic.PAYOUT]
    assert bool(paid_out) == (place.name == "stripe")
    assert all(not e.payment_id and not e.provider_payment_id for e in paid_out)


def test_a_paused_account_still_takes_in_what_it_is_told(place: Place) -> None:
    """Proves that what is verified here needs no admission by the guard."""
    run(place.pay())
    sent = next(deliverer(place.world, place.settings).deliveries())
    place.store.paused = True

    async def check() -> None:
        async with place.open() as provider:
            await provider.verify_webhook(sent.headers, sent.body)

    run(check())


def _circling(request: httpx2.Request) -> httpx2.Response:
    """A provider whose pages never end."""
    if "oauth2" in request.url.path:
        return httpx2.Response(200, json={"access_token": "t", "expires_in": 3600})
    if request.url.host == "api.stripe.com":
        return httpx2.Response(200, json={"data": [STRIPE_EVENT], "has_more": True})
    links = [{"rel": "next", "href": "https://evil.example/?page=2", "method": "GET"}]
    return httpx2.Response(200, json={"events": [PAYPAL_EVENT], "links": links})


@pytest.mark.parametrize("name", ["stripe", "paypal"])
def test_pages_that_go_round_in_circles_are_left(name: str) -> None:
    """Proves that a list without an end is refused, and that a link's host is never followed."""
    script = Script(_circling)
    provider: Provider
    if name == "stripe":
        http = HttpClient("https://api.stripe.com", frozenset({"api.stripe.com"}), transport=script)
        provider = StripeProvider(StripeSettings("sk_test_1", "default", "test"), http)
    else:
        http = HttpClient(TEST_URL, frozenset({"api-m.sandbox.paypal.com"}), transport=script)
        provider = PayPalProvider(PayPalSettings("a", "b", "default", "test"), http)

    async def collect() -> list[ListedEvent]:
        return [e async for e in provider.events(NOW - HOUR, NOW + HOUR)]

    with pytest.raises(Unavailable, match="come to an end"):
        run(collect())
    assert len(script.requests) <= 4
    assert {r.url.host for r in script.requests} == {http.base_url.removeprefix("https://")}


def test_paypals_events_fit_its_description() -> None:
    """Proves that event pages, the event, resend and verification are as PayPal describes them."""
    market = Market(Descriptions() if SPECS.exists() else None)
    market.paid()
    with market.world.change() as core:
        (first, *_) = core.events(waiting=True)
    path = "/v1/notifications/webhooks-events"
    page = market.send("GET", f"{path}?page_size=2&start_time=2026-11-02T08:00:00Z")
    assert page["count"] == 2
    (after,) = [link["href"] for link in page["links"] if link["rel"] == "next"]
    rest = market.send("GET", after.removeprefix("http://127.0.0.1:12111"))
    assert [e["id"] for e in rest["events"]] == [first]
    assert [link["rel"] for link in rest["links"]] == ["self"]
    assert market.send("GET", f"{path}?end_time=2026-11-02T08:00:00Z")["events"] == []
    capture = page["events"][0]["resource"]["id"]
    about = market.send("GET", f"{path}?transaction_id={capture}")["events"]
    assert [e["event_type"] for e in about] == ["PAYMENT.CAPTURE.COMPLETED"]
    assert market.refused(400, "GET", f"{path}?start_time=soon") == "INVALID_PARAMETER_SYNTAX"
    assert market.refused(400, "GET", f"{path}?next_page_token=x") == "INVALID_PARAMETER_VALUE"


def test_pretend_events_are_for_pretend_accounts(tmp_path: Any) -> None:
    """Proves that with a real key nothing pretended is signed, and a missing secret is named."""
    world: World = open_world(SandboxSettings(":memory:"), SetClock(NOW), "stripe")
    real = AccountSettings(key="sk_test_x")
    with pytest.raises(ConfigurationError):
        deliverer(world, real)
    for name in ("stripe", "paypal"):
        with pytest.raises(ConfigurationError, match="WEBHOOK"):
            check_webhooks(name, real)
        check_webhooks(name, AccountSettings())
    check_webhooks("stripe", AccountSettings(key="sk_test_x", webhook_secrets=("whsec_1",)))
    with pytest.raises(InvalidRequest):
        run(deliverer(world, AccountSettings()).post("https://evil.example/hook"))
    world.close()

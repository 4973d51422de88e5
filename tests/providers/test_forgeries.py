"""Forged deliveries against the adapters: each row is refused with its own error, never another."""

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import SetClock
from domain.errors import InvalidSignature, Unavailable, WebhookError
from domain.provider import Provider
from domain.webhook import Proof, ProviderEvent
from providers.http import HttpClient
from providers.paypal.certificates import trusted
from providers.paypal.places import HOSTS, Places, system_roots
from providers.paypal.provider import TEST_URL, PayPalProvider, PayPalSettings
from providers.sandbox import signing
from providers.sandbox.paypal_face import paypal_face
from providers.sandbox.world import World
from providers.stripe.provider import ALLOWED_HOSTS, StripeProvider, StripeSettings
from tests.providers.forger import ROLLED, SECRET, WEBHOOK_ID, Forger
from tests.providers.forgeries import FORGERIES, Forgery

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOST = "https://api.sandbox.paypal.com"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    opened = World.open(":memory:", SetClock(NOW), provider="paypal")
    yield opened
    opened.close()


@pytest.fixture
def forger(world: World) -> Forger:
    """Knows that the receiver believes PayPal's own host, where the world stands in for it."""
    return Forger(SetClock(NOW), world, HOST)


def adapter(forger: Forger, provider: str, how: str = "certificate") -> Provider:
    """The real adapter, believing Stripe's secrets or what stands at PayPal's hosts."""
    if provider == "stripe":
        account = StripeSettings("sk_test_1", "default", "test", webhook_secrets=(SECRET, ROLLED))
        http = HttpClient("https://api.stripe.com", ALLOWED_HOSTS, transport=Nobody())
        return StripeProvider(account, http, forger.clock)
    face = httpx2.ASGITransport(app=paypal_face(forger.world))
    words = PayPalSettings(
        "sandbox", "s3cret", "default", "test", forger.world.account,
        webhook_id=WEBHOOK_ID, webhook_verify=how,
    )  # fmt: skip
    origins = frozenset(f"https://{host}" for host in HOSTS["test"])
    places = Places(origins, lambda: [signing.root(forger.world)], face)
    http = HttpClient(TEST_URL, frozenset({"api-m.sandbox.paypal.com"}), transport=face)
    return PayPalProvider(words, http, clock=forger.clock, places=places)


class Nobody(httpx2.AsyncBaseTransport):
    """Fails the test that asks anybody."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise AssertionError(f"{request.url} was asked")


async def receive(provider: Provider, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
    """What a receiver does with a delivery: first the proof, then what it says."""
    await provider.verify_webhook(headers, body)
    return provider.read_event(body)


@pytest.mark.parametrize("row", FORGERIES, ids=str)
def test_a_forgery_is_refused_with_its_own_error(row: Forgery, forger: Forger) -> None:
    """Proves that no forgery passes, and that none is anything but a deliberate error."""

    async def attack() -> None:
        provider = adapter(forger, row.provider)
        headers, body = row.make(forger)
        if row.captured:
            await receive(provider, *forger.paypal())
        await receive(provider, headers, body)

    with pytest.raises(row.error) as refused:
        asyncio.run(attack())
    assert type(refused.value) is row.error


def test_the_table_is_long_enough_and_names_each_row_once() -> None:
    """Proves that the table holds at least forty cases of each provider, each under its name."""
    assert len({str(row) for row in FORGERIES}) == len(FORGERIES)
    for provider in ("stripe", "paypal"):
        assert sum(row.provider == provider for row in FORGERIES) >= 40


def test_honest_deliveries_pass(forger: Forger) -> None:
    """Proves that the forger can be honest: what it signs well passes, at the edges, too."""

    async def deliver() -> None:
        stripe, paypal = adapter(forger, "stripe"), adapter(forger, "paypal")
        body = forger.stripe_body
        wrong = f"t={forger.stamp()},v1={'0' * 64},v0={'1' * 64},v1={forger.mac(body)}"
        for sent in (
            forger.stripe(),
            forger.stripe(secret=ROLLED),
            forger.stripe(seconds=-300),
            forger.stripe(seconds=300),
            forger.header(wrong),
        ):
            assert await stripe.verify_webhook(*sent) is Proof.SIGNATURE
        headers, body = forger.stripe()
        lower = {name.lower(): value for name, value in headers.items()}
        assert await stripe.verify_webhook(lower, body) is Proof.SIGNATURE
        for seconds in (0, 300, -3 * 86_400):
            sent = forger.paypal(seconds=seconds)
            assert await paypal.verify_webhook(*sent) is Proof.CERTIFICATE
            assert await paypal.verify_webhook(*sent) is Proof.CERTIFICATE
        good = forger.by_authority("CERT-good", forger.trusted)
        assert await adapter(forger, "paypal").verify_webhook(*good) is Proof.CERTIFICATE

    asyncio.run(deliver())


def test_a_header_given_twice_is_refused(forger: Forger) -> None:
    """Proves that two headers that differ in case only are not a choice."""
    headers, body = forger.stripe()
    twice = {**headers, "stripe-signature": "t=1,v1=00"}
    with pytest.raises(InvalidSignature):
        asyncio.run(adapter(forger, "stripe").verify_webhook(twice, body))


@pytest.mark.parametrize(
    ("status", "error"), [(302, InvalidSignature), (404, InvalidSignature), (503, Unavailable)]
)
def test_certificates_are_fetched_without_redirects(
    forger: Forger, status: int, error: type[Exception]
) -> None:
    """Proves that a redirect is refused, and that a provider in trouble is asked again later."""
    asked: list[str] = []

    class Elsewhere(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            asked.append(str(request.url))
            return httpx2.Response(status, headers={"Location": "https://evil.example/"})

    words = PayPalSettings("a", "b", "default", "test", webhook_id=WEBHOOK_ID)
    http = HttpClient(TEST_URL, frozenset({"api-m.sandbox.paypal.com"}), transport=Nobody())
    places = Places(frozenset({HOST}), lambda: [signing.root(forger.world)], Elsewhere())
    provider = PayPalProvider(words, http, clock=forger.clock, places=places)
    with pytest.raises(error):
        asyncio.run(provider.verify_webhook(*forger.paypal()))
    assert asked == [forger.cert_url]


def test_a_thousand_certificates_are_not_fetched(forger: Forger) -> None:
    """Proves that invented addresses make us ask a few times a minute, and not for one twice."""
    asked: list[str] = []

    class Empty(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            asked.append(str(request.url))
            return httpx2.Response(404)

    words = PayPalSettings("a", "b", "default", "test", webhook_id=WEBHOOK_ID)
    http = HttpClient(TEST_URL, frozenset({"api-m.sandbox.paypal.com"}), transport=Nobody())
    places = Places(frozenset({HOST}), lambda: [signing.root(forger.world)], Empty())
    provider = PayPalProvider(words, http, clock=forger.clock, places=places)

    async def storm() -> None:
        headers, body = forger.paypal()
        for number in [0, 0, *range(1000)]:
            other = {**headers, "PAYPAL-CERT-URL": f"{HOST}{signing.CERTS}/CERT-{number}"}
            with pytest.raises((InvalidSignature, Unavailable)):
                await provider.verify_webhook(other, body)

    asyncio.run(storm())
    assert len(asked) == len(set(asked)) <= 20


def test_without_a_secret_nothing_is_believed_or_refused_for_good(forger: Forger) -> None:
    """Proves that a missing setting makes the provider deliver again instead of losing events."""
    http = HttpClient("https://api.stripe.com", ALLOWED_HOSTS, transport=Nobody())
    bare = StripeProvider(StripeSettings("sk_test_1", "default", "test"), http, forger.clock)
    with pytest.raises(Unavailable):
        asyncio.run(bare.verify_webhook(*forger.stripe()))
    words = PayPalSettings("a", "b", "default", "test")
    http = HttpClient(TEST_URL, frozenset({"api-m.sandbox.paypal.com"}), transport=Nobody())
    with pytest.raises(Unavailable):
        asyncio.run(PayPalProvider(words, http).verify_webhook(*forger.paypal()))


def test_a_certificate_of_our_own_is_none_of_this_systems(forger: Forger) -> None:
    """Proves that the system's real roots can be read, and that none of them knows our world."""
    roots = system_roots()
    with pytest.raises(InvalidSignature if roots else Unavailable):
        trusted(forger.papers.certificate.encode(), roots, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_whatever_an_event_holds_it_is_read_or_refused(provider: str, forger: Forger) -> None:
    """Proves that no value in any place of an event is an accident."""
    reader = adapter(forger, provider)
    honest = forger.stripe_event if provider == "stripe" else forger.paypal_event
    places = list(_places(honest))

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.sampled_from(places), JSON)
    def bend(place: tuple[str, ...], value: object) -> None:
        event = json.loads(json.dumps(honest))
        inner = event
        for name in place[:-1]:
            inner = inner[name]
        inner[place[-1]] = value
        with contextlib.suppress(WebhookError):
            reader.read_event(json.dumps(event).encode())

    bend()


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_whatever_comes_in_is_refused(provider: str, forger: Forger) -> None:
    """Proves that any headers with any bytes are a deliberate no."""
    receiver = adapter(forger, provider)
    honest, _body = forger.stripe() if provider == "stripe" else forger.paypal()
    names = st.sampled_from([*honest, "X-Other"])
    values = st.text(max_size=40) | st.sampled_from(list(honest.values()))

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.dictionaries(names, values), st.binary(max_size=60))
    def throw(headers: dict[str, str], bytes_: bytes) -> None:
        with pytest.raises(WebhookError):
            asyncio.run(receiver.verify_webhook({**honest, **headers}, bytes_))
        with contextlib.suppress(WebhookError):
            receiver.read_event(bytes_)

    throw()


def _places(event: dict[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in event.items():
        yield (*at, name)
        if isinstance(value, dict):
            yield from _places(value, (*at, name))

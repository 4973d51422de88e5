"""A market in PayPal's sandbox: a world, a plain client of its face, and the real adapter over it.

Every answer that passes is held against PayPal's own API descriptions where they are present.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx2

from domain.clock import SetClock
from domain.payment import Snapshot
from domain.provider import PaymentRequest
from providers.http import HttpClient
from providers.paypal.provider import ALLOWED_HOSTS, PayPalProvider, PayPalSettings
from providers.sandbox.faults import Fault, FaultyTransport, scripted
from providers.sandbox.paypal_face import paypal_face
from providers.sandbox.truth.records import Authorization, Intent
from providers.sandbox.world import World
from tests.providers.paypal.descriptions import Descriptions

URL = "http://127.0.0.1:12111"
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WALLET = "paypal"
ORDERS, HELD, TAKEN = (
    "/v2/checkout/orders", "/v2/payments/authorizations", "/v2/payments/captures",
)  # fmt: skip
"""Paths of the API."""
T = TypeVar("T")


class Judge(httpx2.AsyncBaseTransport):
    """Passes requests on and holds every answer against the descriptions."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, descriptions: Descriptions | None) -> None:
        self._inner, self._descriptions = inner, descriptions

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        if self._descriptions is not None and "/sandbox/" not in request.url.path:
            body = response.json() if content else None
            path = request.url.path
            found = self._descriptions.problems(request.method, path, response.status_code, body)
            assert not found, (request.method, path, response.status_code, found, body)
        return response


@dataclass
class Market:
    """One world and who talks to it."""

    descriptions: Descriptions | None
    clock: SetClock = field(default_factory=lambda: SetClock(START))
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World.open(":memory:", self.clock, provider="paypal")
        face = httpx2.ASGITransport(app=paypal_face(self.world))
        self.plan = scripted([])
        self.transport = FaultyTransport(
            Judge(face, self.descriptions), lambda request: self._fault(request)
        )
        self.seconds = 0
        self.adapter = self.open()
        self._token = ""

    def _fault(self, request: httpx2.Request) -> Fault:
        return Fault.NONE if "oauth2" in request.url.path else self.plan(request)

    def open(self, **settings: Any) -> PayPalProvider:
        """Another adapter over the same transport."""
        words = {
            "client_id": "sandbox", "client_secret": "s3cret", "account": "shop", "mode": "test",
            "merchant_id": self.world.account, "base_url": URL,
            "return_url": "https://shop.example/back", **self.settings, **settings,
        }  # fmt: skip
        http = HttpClient(URL, ALLOWED_HOSTS, transport=self.transport)
        return PayPalProvider(PayPalSettings(**words), http, lambda: self.seconds)

    def fail(self, *faults: Fault) -> None:
        """What happens to the next requests, one fault each; token requests do not count."""
        self.plan = scripted(faults)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Wait for one call of the adapter."""
        return asyncio.run(call)

    def listed(self, items: AsyncIterator[T]) -> list[T]:
        """Everything an adapter's listing yields."""

        async def collect() -> list[T]:
            return [item async for item in items]

        return asyncio.run(collect())

    def create(
        self, minor: int = 10_000, currency: str = "USD", *, capture: bool = True,
        method: str = WALLET, pay: str = "pay_1", key: str = "", order: str = "",
    ) -> Snapshot:  # fmt: skip
        """Create a payment through the adapter."""
        request = PaymentRequest(pay, minor, currency, capture, method, order_reference=order)
        return self.run(self.adapter.create(request, key or f"{pay}.create"))

    def confirm(self, order_id: str, method: str = WALLET, key: str = "") -> Snapshot:
        """Confirm a payment through the adapter."""
        return self.run(self.adapter.confirm(order_id, method, key or f"{order_id}.confirm"))

    def paid(self, minor: int = 10_000, currency: str = "USD", **words: Any) -> Snapshot:
        """A wallet payment whose payer agreed and that was confirmed."""
        made = self.create(minor, currency, **words)
        self.world.approve(made.provider_payment_id)
        return self.confirm(made.provider_payment_id)

    def get(self, order_id: str) -> Snapshot:
        """Read a payment through the adapter."""
        return self.run(self.adapter.get(order_id))

    def moved(self, *kinds: str) -> list[int]:
        """What really moved, in minor units."""
        return [m.amount_minor for m in self.world.movements() if not kinds or m.kind in kinds]

    def order(self, order_id: str) -> Intent:
        """The order as the world has it."""
        return self.world.core.store.get(Intent, order_id)

    def held(self, order_id: str) -> Authorization:
        """The newest hold of an order as the world has it."""
        return [a for a in self.world.authorizations() if a.intent_id == order_id][-1]

    def send(
        self, verb: str, path: str, body: Any = None, *, key: str = "", whole: bool = True,
        ok: Iterable[int] | int = (), **headers: str,
    ) -> Any:  # fmt: skip
        """A plain request with a token; its JSON body, {} for none."""
        more = {"Authorization": f"Bearer {self.token()}", **headers}
        if key:
            more["PayPal-Request-Id"] = key
        if whole:
            more["Prefer"] = "return=representation"
        response = self.raw(verb, path, json=body, headers=more)
        wanted = {ok} if isinstance(ok, int) else set(ok) or {200, 201, 202, 204}
        assert response.status_code in wanted, (response.status_code, response.text)
        return response.json() if response.content else {}

    def refused(self, status: int, verb: str, path: str, body: Any = None, key: str = "") -> str:
        """The issue (or name) a request is refused with."""
        answer = self.send(verb, path, body, key=key, ok=status)
        details = answer.get("details") or [{}]
        return str(details[0].get("issue") or answer["name"])

    def raw(self, verb: str, path: str, **words: Any) -> httpx2.Response:
        """A request as it is."""

        async def go() -> httpx2.Response:
            async with httpx2.AsyncClient(transport=self.transport, base_url=URL) as client:
                return await client.request(verb, path, **words)

        return asyncio.run(go())

    def token(self) -> str:
        """An access token of the plain client."""
        if not self._token:
            answer = self.raw(
                "POST", "/v1/oauth2/token", auth=("sandbox", "x"),
                data={"grant_type": "client_credentials"},
            )  # fmt: skip
            self._token = str(answer.json()["access_token"])
        return self._token

    def wish(self, value: str = "100.00", currency: str = "USD", **more: Any) -> Any:
        """The body of an order."""
        intent = more.pop("intent", "CAPTURE")
        source = more.pop("payment_source", None)
        unit = {"amount": {"currency_code": currency, "value": value}, **more}
        body = {"intent": intent, "purchase_units": [unit]}
        return {**body, "payment_source": source} if source else body

    def bought(self, intent: str = "CAPTURE", wallet: str | None = None, **more: Any) -> Any:
        """An order made by the plain client, approved, and captured or authorised."""
        order = self.send("POST", ORDERS, self.wish(intent=intent, **more))
        self.world.approve(order["id"], wallet=wallet)
        verb = "capture" if intent == "CAPTURE" else "authorize"
        return self.send("POST", f"{ORDERS}/{order['id']}/{verb}")


def payment(order: Any, what: str) -> Any:
    """The first authorization, capture or refund of an order's JSON."""
    return order["purchase_units"][0]["payments"][what][0]

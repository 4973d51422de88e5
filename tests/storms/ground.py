"""The provider of a storm: a sandbox world as ground truth, its face, and what strikes requests.

Everything runs in the scheduler's process and without an event loop: a request is executed to its
end in one go, so the scheduler alone decides what happens between two of them.
"""

import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx2

from domain.clock import SetClock
from providers.registry import sandbox_app
from providers.sandbox.faults import Fault, FaultyTransport
from providers.sandbox.truth.records import IntentStatus
from providers.sandbox.world import World

HOSTS = {"stripe": "https://api.stripe.com", "paypal": "https://api-m.sandbox.paypal.com"}

UNREADABLE = frozenset({Fault.GARBAGE, Fault.TRUNCATED})
"""Faults that answer with something nobody can read."""

LATE_MICROS = 30 * 60 * 1_000_000
"""A request is executed at most this much later than its client gave up."""

R = TypeVar("R")


def finish(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine that waits for nobody to its end."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value


class FaceTransport(httpx2.AsyncBaseTransport):
    """Requests go straight into an ASGI application."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Execute one request."""
        body, said = await request.aread(), []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
            "method": request.method, "scheme": request.url.scheme,
            "headers": [(k.lower(), v) for k, v in request.headers.raw],
            "path": request.url.path, "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query, "root_path": "",
            "server": (request.url.host, 443), "client": ("127.0.0.1", 1),
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        await self._app(scope, receive, send)
        content = b"".join(m.get("body", b"") for m in said[1:])
        return httpx2.Response(said[0]["status"], headers=said[0]["headers"], content=content)


class Ground:
    """One provider account: what really happened there, and the ways to reach it."""

    def __init__(self, provider: str, clock: SetClock, seed: int) -> None:
        self.provider = provider
        self.world = World.open(":memory:", clock, seed=seed, provider=provider)
        self._fault = Fault.NONE
        self._transport = FaultyTransport(
            FaceTransport(sandbox_app(self.world)), lambda _: self._fault,
            poison=self.world.poison, late_after=1 << 40,
        )  # fmt: skip
        self.late_until: int | None = None
        """By when the oldest request that is still under way will be executed, microseconds."""
        self.down = 0
        """How many answers so far could be taken for a sign that the provider is down."""

    def execute(
        self, request: tuple[str, str, list[tuple[bytes, bytes]], bytes], fault: Fault, now: int
    ) -> tuple[Any, ...]:
        """One request through its fault: `("answer", status, headers, body)` or `("raise", name)`.

        What is raised is the name of a transport error of httpx2.
        """
        method, url, headers, body = request
        self._fault = fault
        if fault is Fault.LATE_EFFECT and self.late_until is None:
            self.late_until = now + LATE_MICROS
        wanted = httpx2.Request(method, url, headers=headers, content=body)
        try:
            response = finish(self._transport.handle_async_request(wanted))
            content = finish(response.aread())
        except httpx2.TransportError as error:
            self.down += 1
            return ("raise", type(error).__name__)
        self.down += response.status_code >= 500 or fault in UNREADABLE
        return ("answer", response.status_code, list(response.headers.raw), content)

    def arrive(self) -> int:
        """Execute all requests that are still under way; how many there were."""
        self.late_until = None
        return finish(self._transport.settle())

    def waiting_payers(self) -> list[str]:
        """Payments that wait for their payer's word."""
        waits = IntentStatus.NEEDS_ACTION
        return [i.id for i in self.world.intents() if i.status == waits]

    def close(self) -> None:
        """Forget the world."""
        self.world.close()


def is_write(request: tuple[Any, ...]) -> bool:
    """Whether a request may change something."""
    return bool(request[0] != "GET")


def key_of(request: tuple[Any, ...]) -> str:
    """The idempotency key a request carries, empty without one."""
    names = (b"idempotency-key", b"paypal-request-id")
    return next((v.decode() for k, v in request[2] if k.lower() in names), "")


def brief(request: tuple[Any, ...], answer: tuple[Any, ...]) -> str:
    """One line about a request and what came of it, for the schedule."""
    method, url = request[0], request[1].split("/", 3)[-1].split("?")[0]
    if answer[0] == "raise":
        return f"{method} {url} {key_of(request)[-12:]} -> {answer[1]}"
    try:
        said = json.loads(answer[3])
        word = said.get("status") or said.get("name") or said.get("error", {}).get("code") or ""
    except (ValueError, AttributeError):
        word = "unreadable"
    return f"{method} {url} {key_of(request)[-12:]} -> {answer[1]} {word}"

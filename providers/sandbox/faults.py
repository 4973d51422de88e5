"""A switchboard of provider faults between a client and the world, scripted or seeded.

A fault that happens after the effect lets the real request through first, so the truth always says
what money moved. Reads get only the harmless half: nothing can happen late that changes nothing.
"""

import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import httpx2


class Fault(StrEnum):
    """What can go wrong with one request."""

    NONE = "none"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    LATE_EFFECT = "late_effect"
    """The client sees a timeout; the request is executed later."""
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    CACHED_ERROR = "cached_error"
    """Executed, then a server error that the idempotency key replays for good."""
    CONFLICT = "conflict"
    RATE_LIMIT = "rate_limit"
    RATE_LIMIT_RETRY_AFTER = "rate_limit_retry_after"
    GARBAGE = "garbage"
    """Executed, answered 200 with something that is not JSON."""
    TRUNCATED = "truncated"
    """Executed, answered with the first half of the body."""
    UNAVAILABLE_HTML = "unavailable_html"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    REFUSED = "refused"
    """No connection: provably not sent."""


READ_FAULTS = (
    Fault.TIMEOUT_BEFORE, Fault.ERROR_BEFORE, Fault.RATE_LIMIT, Fault.RATE_LIMIT_RETRY_AFTER,
    Fault.GARBAGE, Fault.TRUNCATED, Fault.UNAVAILABLE_HTML, Fault.RESET_BEFORE, Fault.REFUSED,
)  # fmt: skip
"""What reads can suffer."""

WRITE_FAULTS = tuple(fault for fault in Fault if fault is not Fault.NONE)
"""What writes can suffer."""

Plan = Callable[[httpx2.Request], Fault]
"""Chooses the fault of each request, asked once per request in order."""


def scripted(faults: Iterable[Fault]) -> Plan:
    """The faults in order, one per request, and none after the last."""
    remaining = iter(list(faults))
    return lambda request: next(remaining, Fault.NONE)


def seeded(seed: int, percent: int, faults: Sequence[Fault] = WRITE_FAULTS) -> Plan:
    """A fault on `percent` of 100 requests, uniformly among those that fit the request.

    Raises:
        ValueError: a percentage outside 0 to 100.
    """
    if not 0 <= percent <= 100:
        raise ValueError("a percentage lies between 0 and 100")
    dice = random.Random(seed)  # noqa: S311 - chance for tests, not for secrets

    def choose(request: httpx2.Request) -> Fault:
        struck = dice.randrange(100) < percent
        fitting = [f for f in faults if request.method == "POST" or f in READ_FAULTS]
        return dice.choice(fitting) if struck and fitting else Fault.NONE

    return choose


@dataclass
class _Late:
    request: httpx2.Request
    due: int


class FaultyTransport(httpx2.AsyncBaseTransport):
    """A transport around another one that lets the plan decide what goes wrong.

    `poison` is told the idempotency key of a cached error (`World.poison`). Late effects are
    executed before the request `late_after` requests later, or by `settle`.
    """

    def __init__(
        self, inner: httpx2.AsyncBaseTransport, plan: Plan, *,
        poison: Callable[[str], object] | None = None, late_after: int = 2,
    ) -> None:  # fmt: skip
        self._inner, self._plan, self._poison, self._late_after = inner, plan, poison, late_after
        self._late: list[_Late] = []
        self.log: list[tuple[str, str, Fault]] = []
        """Method, path and fault of every request so far."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request through its fault. Raises: the transport errors of httpx2."""
        content = await request.aread()
        await self._run_late(due=len(self.log))
        fault = self._plan(request)
        self.log.append((request.method, request.url.path, fault))
        again = _copy(request, content)
        return await _EFFECTS[fault](self, again)

    async def settle(self) -> int:
        """Execute everything still waiting; returns how many requests that were."""
        return await self._run_late(due=None)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    async def _run_late(self, due: int | None) -> int:
        ready = [late for late in self._late if due is None or late.due <= due]
        self._late = [late for late in self._late if late not in ready]
        for late in ready:
            await self._send(late.request)
        return len(ready)

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        return response

    async def _none(self, request: httpx2.Request) -> httpx2.Response:
        return await self._inner.handle_async_request(request)

    async def _timeout_before(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("no answer in time", request=request)

    async def _timeout_after(self, request: httpx2.Request) -> httpx2.Response:
        await self._send(request)
        raise httpx2.ReadTimeout("no answer in time", request=request)

    async def _late_effect(self, request: httpx2.Request) -> httpx2.Response:
        self._late.append(_Late(request, len(self.log) - 1 + self._late_after))
        raise httpx2.ReadTimeout("no answer in time", request=request)

    async def _error_before(self, request: httpx2.Request) -> httpx2.Response:
        return _error(request, 500, "api_error", "An error occurred.")

    async def _error_after(self, request: httpx2.Request) -> httpx2.Response:
        await self._send(request)
        return _error(request, 500, "api_error", "An error occurred.")

    async def _cached_error(self, request: httpx2.Request) -> httpx2.Response:
        await self._send(request)
        key = request.headers.get("Idempotency-Key")
        if key and self._poison:
            self._poison(key)
        return _error(request, 500, "api_error", "An error occurred.")

    async def _conflict(self, request: httpx2.Request) -> httpx2.Response:
        message = "Another request with this idempotency key is in progress."
        return _error(request, 409, "idempotency_error", message, "idempotency_key_in_use")

    async def _rate_limit(self, request: httpx2.Request) -> httpx2.Response:
        more = {"Stripe-Rate-Limited-Reason": "global-rate"}
        return _error(request, 429, "invalid_request_error", "Slow down.", "rate_limit", more)

    async def _rate_limit_retry_after(self, request: httpx2.Request) -> httpx2.Response:
        more = {"Retry-After": "2", "Stripe-Rate-Limited-Reason": "global-rate"}
        return _error(request, 429, "invalid_request_error", "Slow down.", "rate_limit", more)

    async def _garbage(self, request: httpx2.Request) -> httpx2.Response:
        await self._send(request)
        return httpx2.Response(200, content=b"\x00\xffnot json at all", request=request)

    async def _truncated(self, request: httpx2.Request) -> httpx2.Response:
        whole = await self._send(request)
        half = whole.content[: len(whole.content) // 2]
        headers = {"Content-Type": "application/json"}
        return httpx2.Response(whole.status_code, headers=headers, content=half, request=request)

    async def _unavailable_html(self, request: httpx2.Request) -> httpx2.Response:
        page = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"
        return httpx2.Response(503, html=page, request=request)

    async def _reset_before(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("connection reset by peer", request=request)

    async def _reset_after(self, request: httpx2.Request) -> httpx2.Response:
        await self._send(request)
        raise httpx2.ReadError("connection reset by peer", request=request)

    async def _refused(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused", request=request)


_Effect = Callable[[FaultyTransport, httpx2.Request], Awaitable[httpx2.Response]]
_EFFECTS: dict[Fault, _Effect] = {
    fault: getattr(FaultyTransport, f"_{fault.value}") for fault in Fault
}


def _copy(request: httpx2.Request, content: bytes) -> httpx2.Request:
    """The same request with its body in memory, so that it can be sent when the client is gone."""
    return httpx2.Request(
        request.method, request.url, headers=request.headers, content=content,
        extensions=request.extensions,
    )  # fmt: skip


def _error(
    request: httpx2.Request, status: int, kind: str, message: str, code: str | None = None,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:  # fmt: skip
    error = {"type": kind, "message": message, **({"code": code} if code else {})}
    return httpx2.Response(status, headers=headers, json={"error": error}, request=request)

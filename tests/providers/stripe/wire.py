"""A provider that says exactly what a test wants: scripted answers under the real adapter."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from providers.http import HttpClient
from providers.stripe.provider import ALLOWED_HOSTS, StripeProvider, StripeSettings

URL = "https://api.stripe.com"

INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 10_000,
    "amount_received": 0,
    "currency": "usd",
    "status": "requires_confirmation",
    "livemode": False,
    "last_payment_error": None,
    "latest_charge": None,
    "next_action": None,
    "metadata": {"payment_id": "pay_1"},
}
LINE: dict[str, Any] = {
    "id": "txn_1",
    "object": "balance_transaction",
    "amount": 10_000,
    "fee": 320,
    "currency": "usd",
    "created": 1_772_442_000,
}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "amount": 10_000,
    "created": 1_772_441_000,
    "disputed": False,
    "balance_transaction": LINE,
}
CAPTURED = INTENT | {"status": "succeeded", "amount_received": 10_000, "latest_charge": CHARGE}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 2_000,
    "currency": "usd",
    "status": "succeeded",
    "created": 1_772_443_000,
    "metadata": {"operation_id": "op_1"},
    "balance_transaction": LINE | {"id": "txn_2", "amount": -2_000, "fee": 0},
}


def without(whole: dict[str, Any], *names: str) -> dict[str, Any]:
    """The object with some fields missing."""
    return {k: v for k, v in whole.items() if k not in names}


Answerer = Callable[[httpx2.Request], httpx2.Response]


class Script(httpx2.AsyncBaseTransport):
    """Answers every request by a function; keeps the requests."""

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.requests.append(request)
        return self._answer(request)


def answering(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Script:
    """One JSON answer to everything; text and bytes are sent as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Script(lambda request: httpx2.Response(status, content=raw, headers=headers))


def in_turn(bodies: Sequence[object]) -> Script:
    """One JSON answer after the other."""
    remaining = iter(bodies)
    return Script(lambda request: httpx2.Response(200, json=next(remaining)))


@asynccontextmanager
async def adapter(script: Script, mode: str = "test") -> AsyncIterator[StripeProvider]:
    """The real adapter over a script."""
    settings = StripeSettings(f"sk_{mode}_x", "default", mode, URL)
    provider = StripeProvider(settings, HttpClient(URL, ALLOWED_HOSTS, transport=script))
    try:
        yield provider
    finally:
        await provider.aclose()

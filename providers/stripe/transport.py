"""Stripe's SDK over our HTTP client: the SDK builds requests and reads answers, we carry them.

The SDK's own retries are off; whoever retries must know what is at stake.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

import stripe

from providers.http import HttpClient


class StripeTransport(stripe.HTTPClient):
    """The SDK's transport seam; asynchronous only."""

    name = "tscli"

    def __init__(self, http: HttpClient) -> None:
        super().__init__()
        self._http = http

    @property
    def http(self) -> HttpClient:
        """The client underneath, for what the SDK does not carry."""
        return self._http

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Carry one request; raises our own errors when there is no answer."""
        content = post_data.encode() if isinstance(post_data, str) else post_data
        answer = await self._http.send(method.upper(), url, headers, content)
        return answer.body, answer.status, answer.headers

    def request(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: nothing here is synchronous."""
        raise RuntimeError("the Stripe adapter is asynchronous")

    async def close_async(self) -> None:
        """Close all connections."""
        await self._http.aclose()

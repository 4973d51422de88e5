"""PayPal's HTTP manners: an access token kept in memory, request ids, whole representations.

Nothing is repeated here but a request that was refused for its token alone, once, with a new one:
such a request was certainly not executed.
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from domain.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable
from providers.http import Answer, HttpClient
from providers.paypal.errors import read, reading

KEY_MAX = 108
"""Longest request id PayPal takes."""

_EARLY_SECONDS = 300
"""How long before its end a token is no longer used."""


class PayPalClient:
    """One app's calls."""

    def __init__(
        self,
        http: HttpClient,
        client_id: str,
        client_secret: str,
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        pair = f"{client_id}:{client_secret}".encode()
        self._basic = f"Basic {base64.b64encode(pair).decode()}"
        self._monotonic_seconds = monotonic_seconds
        self._token = ""
        self._good_until_seconds = monotonic_seconds()
        self._lock = asyncio.Lock()

    async def ask(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Read something.

        Raises:
            Rejected, Unavailable: see `domain.errors`.
        """
        tail = f"?{urlencode(query)}" if query else ""
        return read(await self._send("GET", path + tail, {}, None), asking=True)

    async def tell(
        self, method: str, path: str, key: str = "", body: object | None = None
    ) -> dict[str, Any]:
        """Change something, under a request id where one is given; {} without a body.

        Raises:
            Declined, Rejected, Unavailable, OutcomeUnknown: see `domain.errors`.
        """
        headers = {"Prefer": "return=representation"}
        if key:
            headers["PayPal-Request-Id"] = request_id(key)
        # An empty object, not nothing: PayPal refuses a POST that states JSON and has none.
        content = (
            b"" if method == "DELETE" else json.dumps(body if body is not None else {}).encode()
        )
        return read(await self._send(method, path, headers, content), asking=False)

    async def pose(self, path: str, content: bytes) -> dict[str, Any]:
        """Ask something that takes a body, passed on byte for byte; changes nothing.

        Raises:
            Rejected, Unavailable, OutcomeUnknown: see `domain.errors`; the last means no answer.
        """
        return read(await self._send("POST", path, {}, content), asking=True)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        token = await self._valid_token()
        answer = await self._carry(method, path, headers, content, token)
        if answer.status != 401:
            return answer
        async with self._lock:
            if self._token == token:
                self._token = ""
        return await self._carry(method, path, headers, content, await self._valid_token())

    async def _carry(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None, token: str
    ) -> Answer:
        more = {"Authorization": f"Bearer {token}", "Accept": "application/json", **headers}
        if content is not None:
            more["Content-Type"] = "application/json"
        return await self._http.send(method, self._http.base_url + path, more, content)

    async def _valid_token(self) -> str:
        async with self._lock:
            if not self._token or self._monotonic_seconds() >= self._good_until_seconds:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        """Get a new token; nothing was asked of PayPal yet, so no failure here leaves doubt."""
        headers = {
            "Authorization": self._basic,
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url = f"{self._http.base_url}/v1/oauth2/token"
        try:
            answer = await self._http.send("POST", url, headers, b"grant_type=client_credentials")
            body = read(answer, asking=True)
        except (OutcomeUnknown, Rejected) as error:
            raise _no_token(error) from error
        with reading(asking=True):
            self._token = str(body["access_token"])
            life_seconds = int(body["expires_in"])
        early_seconds = min(_EARLY_SECONDS, life_seconds // 2)
        self._good_until_seconds = self._monotonic_seconds() + life_seconds - early_seconds


def request_id(key: str) -> str:
    """The key as PayPal takes it: a longer one is stood for by its digest.

    >>> request_id("op_1.create.1")
    'op_1.create.1'
    """
    return key if len(key) <= KEY_MAX else hashlib.sha256(key.encode()).hexdigest()


def segment(object_id: str) -> str:
    """An id as one part of a path.

    Raises:
        Rejected: it is no id PayPal could have given.
    """
    plain = object_id.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum()):
        raise Rejected(f"{object_id!r} is no id of PayPal's.", reason="INVALID_RESOURCE_ID")
    return object_id


def _no_token(error: ProviderError) -> Unavailable:
    return Unavailable(
        f"PayPal gave no access token: {error.message}",
        hint="Check TSCLI_PAYPAL__CLIENT_ID and its secret.",
        reason=error.reason,
        request_id=error.request_id,
    )

"""The one HTTP client: a deadline for the whole call, no redirects, a cap on bodies, no proxies.

What can be said for certain about a failed call is decided here and nowhere else: a request that
never left is `Unavailable`, one that may have arrived is `OutcomeUnknown` unless it only asked.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from domain.errors import ConfigurationError, OutcomeUnknown, Unavailable

BODY_MAX_BYTES = 64 * 1024 * 1024
"""Largest answer read; exports are fetched as streams of their own."""

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """An asynchronous client for one base address."""

    def __init__(
        self,
        base_url: str,
        allowed_hosts: frozenset[str],
        *,
        deadline_seconds: float = 30.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        body_max_bytes: int = BODY_MAX_BYTES,
        tls_minimum: str = "1.3",
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._body_max_bytes = body_max_bytes
        self._base_url = check_base_url(base_url, allowed_hosts)
        self._deadline_seconds = deadline_seconds
        self._client = httpx2.AsyncClient(
            transport=transport,
            verify=tls(tls_minimum) if transport is None else True,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(deadline_seconds, connect=min(5.0, deadline_seconds)),
        )

    @property
    def base_url(self) -> str:
        """Where requests go, without a slash at the end."""
        return self._base_url

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> Answer:
        """Send one request and read the whole answer.

        Raises:
            Unavailable: nothing was executed: it never left, or it only asked.
            OutcomeUnknown: the request may have been executed.
        """
        if not url.startswith(self._base_url + "/"):
            raise ConfigurationError(f"A request to {urlsplit(url).netloc} was refused.")
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._exchange(method, url, headers, content)
        except _NOT_SENT as error:
            raise Unavailable(
                f"The provider could not be reached ({type(error).__name__})."
            ) from error
        except (httpx2.HTTPError, TimeoutError) as error:
            raise _lost(method, type(error).__name__) from error

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        request = self._client.build_request(method, url, headers=headers, content=content)
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._body_max_bytes:
                    raise _lost(method, "the answer is too large")
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()

    async def download(self, url: str, headers: Mapping[str, str]) -> bytes:
        """A file the provider named, from the base address or one of the allowed hosts.

        No answer can name this machine, or any address in the clear, unless it is the base address.

        Raises:
            ConfigurationError: it lies elsewhere.
            Unavailable: it could not be had whole.
        """
        if not url.startswith(self._base_url + "/"):
            check_base_url(url, self._allowed_hosts)
            if urlsplit(url).hostname not in self._allowed_hosts:
                raise ConfigurationError(f"A download from {urlsplit(url).netloc} was refused.")
        try:
            async with asyncio.timeout(self._deadline_seconds):
                answer = await self._exchange("GET", url, headers, None)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise _lost("GET", type(error).__name__) from error
        if answer.status != 200:
            raise Unavailable(f"The provider did not hand the file out ({answer.status}).")
        return answer.body

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def tls(minimum: str) -> ssl.SSLContext:
    """Verification by the system's roots, always on, from that version of TLS upwards.

    Raises:
        ConfigurationError: another version than 1.2 or 1.3.
    """
    if minimum not in _VERSIONS:
        raise ConfigurationError("The oldest TLS version is 1.2 or 1.3.")
    context = ssl.create_default_context()
    context.minimum_version = _VERSIONS[minimum]
    return context


def check_base_url(base_url: str, allowed_hosts: frozenset[str]) -> str:
    """The base address without its last slash, when it is one we may send keys to.

    Raises:
        ConfigurationError: another host, or plain http to anything but this machine.
    """
    try:
        parts = urlsplit(base_url)
    except ValueError:
        raise ConfigurationError("The provider's base URL cannot be read.") from None
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    safe = parts.scheme == "https" or (parts.scheme == "http" and local)
    if not safe or "@" in parts.netloc or (parts.hostname not in allowed_hosts and not local):
        raise ConfigurationError(
            f"{parts.scheme}://{parts.hostname} is not an address this provider is reached at.",
            hint=f"Allowed are {', '.join(sorted(allowed_hosts))} and this machine.",
        )
    return base_url.rstrip("/")


def _lost(method: str, what: str) -> Unavailable | OutcomeUnknown:
    if method.upper() == "GET":
        return Unavailable(f"The provider did not answer ({what}).")
    return OutcomeUnknown(f"The request left, but no answer came ({what}).")

"""The HTTP client under every adapter: where it goes, how long it waits, how much it reads."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import pytest

from domain.errors import ConfigurationError, OutcomeUnknown, PaymentsError, Unavailable
from providers.http import Answer, HttpClient, check_base_url
from tests.providers.stripe.wire import Script

HOSTS = frozenset({"api.stripe.com"})
URL = "https://api.stripe.com"


def sent(
    transport: httpx2.AsyncBaseTransport | None,
    method: str = "POST",
    url: str = f"{URL}/v1/x",
    base_url: str = URL,
    **words: float,
) -> Answer | PaymentsError:
    """What one request ends in."""

    async def run() -> Answer | PaymentsError:
        client = HttpClient(base_url, HOSTS, transport=transport, **words)
        try:
            return await client.send(method, url, {}, b"a=1")
        except PaymentsError as error:
            return error
        finally:
            await client.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """Proves that a key is never carried to where an answer points."""
    away = {"Location": "https://evil.test/v1/x"}
    script = Script(lambda request: httpx2.Response(status, headers=away))
    answer = sent(script)
    assert isinstance(answer, Answer)
    assert answer.status == status
    assert len(script.requests) == 1


class Drip(httpx2.AsyncByteStream):
    """A body that never ends, in chunks of a size, with a pause between them."""

    def __init__(self, size: int, pause_seconds: float) -> None:
        self.size, self.pause_seconds, self.closed = size, pause_seconds, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x" * self.size
            await asyncio.sleep(self.pause_seconds)

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("method", "kind"), [("POST", OutcomeUnknown), ("GET", Unavailable)])
def test_an_endless_body_is_cut(
    method: str, kind: type[PaymentsError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that memory is bounded, and that what follows depends on what was asked."""
    monkeypatch.setattr("providers.http.BODY_MAX_BYTES", 100_000)
    body = Drip(30_000, 0)
    ended = sent(Script(lambda request: httpx2.Response(200, stream=body)), method)
    assert isinstance(ended, kind)
    assert "too large" in ended.message
    assert body.closed


@pytest.mark.parametrize(("method", "kind"), [("POST", OutcomeUnknown), ("GET", Unavailable)])
def test_a_dripping_answer_meets_the_deadline(method: str, kind: type[PaymentsError]) -> None:
    """Proves that the deadline counts for the whole call, not from byte to byte."""
    script = Script(lambda request: httpx2.Response(200, stream=Drip(1, 0.01)))
    started = time.monotonic()
    assert isinstance(sent(script, method, deadline_seconds=0.2), kind)
    assert time.monotonic() - started < 2


NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
LOST = (httpx2.ReadTimeout, httpx2.WriteTimeout, httpx2.ReadError, httpx2.WriteError)
LOST += (httpx2.RemoteProtocolError, httpx2.CloseError, httpx2.DecodingError)


def failing(kind: type[Exception]) -> Script:
    """A transport on which every request fails so."""

    def fail(request: httpx2.Request) -> httpx2.Response:
        raise kind("canary")

    return Script(fail)


@pytest.mark.parametrize("kind", NOT_SENT)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_never_left_is_unavailable(kind: type[Exception], method: str) -> None:
    """Proves that only failures before the first byte are told as not done."""
    ended = sent(failing(kind), method)
    assert isinstance(ended, Unavailable)
    assert "canary" not in ended.message


@pytest.mark.parametrize("kind", LOST)
def test_what_may_have_arrived_is_unknown(kind: type[Exception]) -> None:
    """Proves that every failure after the first byte leaves a write in doubt, not a question."""
    assert isinstance(sent(failing(kind), "POST"), OutcomeUnknown)
    assert isinstance(sent(failing(kind), "GET"), Unavailable)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.stripe.com",
        "https://api.stripe.com/",
        "http://127.0.0.1:8000",
        "http://localhost:8000",
        "http://[::1]:8000",
        "https://localhost",
    ],
)
def test_addresses_that_may_have_the_key(url: str) -> None:
    """Proves that the provider's own hosts and this machine are reached, without a slash."""
    assert check_base_url(url, HOSTS) == url.rstrip("/")


@pytest.mark.parametrize(
    ("scheme", "rest"),
    [
        ("http", "//api.stripe.com"),
        ("https", "//evil.test"),
        ("https", "//api.stripe.com.evil.test"),
        ("https", "//evil.test/api.stripe.com"),
        ("https", "//api.stripe.com@evil.test"),
        ("https", "//user:secret@api.stripe.com"),
        ("https", "//:secret@api.stripe.com"),
        ("http", "//127.0.0.1.evil.test"),
        ("http", "//localhost.evil.test"),
        ("ftp", "//localhost"),
        ("file", "///etc/passwd"),
        ("http", "//["),
        ("", "api.stripe.com"),
        ("", ""),
    ],
)
def test_addresses_that_may_not(scheme: str, rest: str) -> None:
    """Proves that the key goes to no other host, never in the clear, and names no secret."""
    with pytest.raises(ConfigurationError) as refused:
        check_base_url(f"{scheme}:{rest}", HOSTS)
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    "url", ["https://evil.test/v1/x", f"{URL}.evil.test/v1", f"{URL}@evil.test/v1", "/v1/x"]
)
def test_a_request_elsewhere_is_not_sent(url: str) -> None:
    """Proves that even a request made up by a library stays at the base address."""
    script = Script(lambda request: httpx2.Response(200))
    assert isinstance(sent(script, url=url), ConfigurationError)
    assert script.requests == []


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that no environment variable can send our key through somebody else's machine."""

    async def run() -> None:
        reached: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reached.append(await reader.readline())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = proxy.sockets[0].getsockname()[1]
        target = await asyncio.start_server(serve, "127.0.0.1", 0)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        base = f"http://127.0.0.1:{target.sockets[0].getsockname()[1]}"
        client = HttpClient(base, HOSTS)
        answer = await client.send("GET", f"{base}/v1/x", {})
        await client.aclose()
        assert (answer.status, reached) == (200, [b"GET /v1/x HTTP/1.1\r\n"])
        for server in (proxy, target):
            server.close()
            await server.wait_closed()

    asyncio.run(run())

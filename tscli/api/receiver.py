"""The receiver as an ASGI application: verify, store durably, answer; applying comes after.

A delivery is answered 2xx only when it is committed. What is not believed is 400, what cannot be
stored or verified now is 503, so that the provider delivers it again.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.errors import NotPermitted, PaymentsError, WebhookError
from domain.provider import Provider
from domain.stored_event import EventFilter
from domain.webhook import EventState
from tscli.api.doors import BODY_SECONDS, Doors, Refusals
from tscli.api.intake import Delivered, Intake
from tscli.api.worker import Worker
from tscli.render.webhooks import applied_data, event_data
from tscli.services import webhooks
from tscli.services.context import Context
from tscli.services.inbox import BODY_MAX_BYTES, refuse, verified


class Receiver:
    """What the handlers share, for the life of the server."""

    def __init__(self, context: Context, names: tuple[str, ...], doors: Doors, token: str) -> None:
        self._context = context
        self._names = names
        self._doors = doors
        self._token = token
        self._refusals = Refusals()
        self._providers: dict[str, Provider] = {}
        self._intake: Intake | None = None

    def application(self) -> Starlette:
        """The application with its routes."""
        return Starlette(
            routes=[
                Route("/api/v1/webhooks/events", self.events, methods=["GET"]),
                Route("/api/v1/webhooks/replay", self.replay, methods=["POST"]),
                Route("/api/v1/webhooks/{provider}", self.deliver, methods=["POST"]),
                Route("/healthz", self.health, methods=["GET"]),
            ],
            lifespan=self.life,
        )

    @asynccontextmanager
    async def life(self, _app: Starlette) -> AsyncIterator[None]:
        """Providers are opened once, the threads run, until the server ends."""
        async with AsyncExitStack() as stack:
            for name in self._names:
                opened = self._context.open_provider(name)
                self._providers[name] = await stack.enter_async_context(opened)
            intake = stack.enter_context(Intake(self._context))
            stack.enter_context(Worker(self._context, intake))
            self._intake = intake
            yield

    async def deliver(self, request: Request) -> JSONResponse:
        """One delivery of a provider."""
        provider = self._providers.get(request.path_params["provider"])
        if provider is None or self._intake is None:
            return _said(404, "There is no such provider.")
        try:
            sender = self._doors.sender(_peer(request), request.headers)
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
            proof, event = await verified(provider, _headers(request), body)
            delivered = Delivered(provider.account, event, body, proof)
            await asyncio.wrap_future(self._intake.submit(delivered))
        except NotPermitted as error:
            return _said(403, error.message)
        except TimeoutError:
            return _said(408, "The delivery took too long.")
        except _TooLarge:
            return _said(413, "The delivery is too large.")
        except WebhookError as error:
            return await self._refused(provider, error, body, sender)
        except (PaymentsError, OSError):
            return _said(503, "The event cannot be taken in now; deliver it again.")
        return _said(200, "received")

    async def _refused(
        self, provider: Provider, error: WebhookError, body: bytes, sender: str
    ) -> JSONResponse:
        if self._refusals.too_many(sender, self._context.clock.now()):
            return _said(429, "Too many deliveries were refused.")
        try:
            await asyncio.to_thread(refuse, self._context, provider.account, error, body, sender)
        except (PaymentsError, OSError):
            return _said(503, "The refusal cannot be written down now.")
        return _said(400, error.message)

    async def events(self, request: Request) -> JSONResponse:
        """Stored events, newest first; filters as the command's."""
        if not self._knows(request):
            return _said(401, "A token is needed.")
        asked = request.query_params
        try:
            state = EventState(asked["state"]) if "state" in asked else None
            limit = min(int(asked.get("limit", "50")), 1_000)
        except ValueError:
            return _said(400, "There is no such state or limit.")
        wanted = EventFilter(provider=asked.get("provider"), type=asked.get("type"), state=state)
        found = await asyncio.to_thread(webhooks.find_events, self._context, wanted, limit)
        rows = [event_data(e) for e in found]
        return JSONResponse({"schema": "tscli/webhooks.list/1", "data": rows})

    async def replay(self, request: Request) -> JSONResponse:
        """Apply events again: {"events": [ids], "dry_run": bool}."""
        if not self._knows(request):
            return _said(401, "A token is needed.")
        try:
            asked = json.loads(await _body(request))
            ids = [str(i) for i in asked["events"]]
        except (ValueError, KeyError, TypeError, RecursionError, _TooLarge):
            return _said(400, 'Send {"events": ["whe_…"], "dry_run": false}.')
        dry_run = asked.get("dry_run") is True

        def work() -> list[dict[str, Any]]:
            chosen = [webhooks.get_event(self._context, i)[0] for i in ids]
            done = asyncio.run(webhooks.replay(self._context, chosen, dry_run=dry_run))
            return [applied_data(a) for a in done]

        try:
            rows = await asyncio.to_thread(work)
        except PaymentsError as error:
            return _said(409 if error.code != "not_found" else 404, error.message)
        return JSONResponse({"schema": "tscli/webhooks.replay/1", "data": rows})

    async def health(self, _request: Request) -> JSONResponse:
        """Whether events can be stored: the database answers."""

        def look() -> int:
            with self._context.database.read() as books:
                return len(books.inbox.due(self._context.clock.now(), 1_000))

        try:
            due = await asyncio.to_thread(look)
        except (PaymentsError, OSError):
            return JSONResponse({"status": "down"}, 503)
        return JSONResponse({"status": "ok", "due": due})

    def _knows(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return bool(self._token) and hmac.compare_digest(given.encode(), self._token.encode())


class _TooLarge(Exception):
    """A body beyond the cap."""


async def _body(request: Request) -> bytes:
    """The whole body, as long as it is within the cap."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise _TooLarge
    return bytes(body)


def _headers(request: Request) -> Mapping[str, str]:
    """Headers as they came, names in any case; one that came twice counts as joined."""
    found: dict[str, str] = {}
    for raw_name, raw_value in request.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _said(status: int, text: str) -> JSONResponse:
    return JSONResponse({"message": text}, status)

"""PayPal's HTTP API over a world: tokens, routing, request ids, errors.

One request is one transaction; a request refused leaves nothing behind but what a bank's no leaves
on its order. A repeated request id is answered with what it made, as that is by now.
"""

import asyncio
import base64
import binascii
import json
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from domain.errors import AlreadyRunning, ConfigurationError, PaymentsError
from providers.sandbox.paypal_wire import (
    case_routes,
    order_routes,
    payment_routes,
    report_routes,
    vault_routes,
    webhook_routes,
)
from providers.sandbox.paypal_wire.calls import Call, Endpoint, Reply
from providers.sandbox.paypal_wire.errors import WireError, translate
from providers.sandbox.signing import CERTS, papers
from providers.sandbox.truth import requests
from providers.sandbox.truth.records import Json
from providers.sandbox.world import World

ENDPOINTS: list[Endpoint] = [
    *order_routes.ENDPOINTS,
    *payment_routes.ENDPOINTS,
    *vault_routes.ENDPOINTS,
    *report_routes.ENDPOINTS,
    *case_routes.ENDPOINTS,
    *webhook_routes.ENDPOINTS,
]
"""All that can be asked; the first that fits answers."""

CLIENT_ID = "sandbox"
"""The only client taken, with any secret: real credentials must never reach a sandbox."""

TOKEN_SECONDS = 32_400
LONGEST_KEY = 108
MAX_BODY = 1_000_000
"""Bytes."""


def paypal_face(world: World) -> Starlette:
    """An ASGI application that answers as PayPal would, from this world.

    Raises:
        ConfigurationError: the world is another provider's.
    """
    if world.provider != "paypal":
        raise ConfigurationError(f"This world is {world.provider}'s, not PayPal's.")
    face = Face(world)
    methods = ["GET", "POST", "DELETE", "PUT", "PATCH"]
    return Starlette(
        routes=[
            Route("/sandbox/approve/{object_id}", face.approve, methods=["GET"]),
            Route(f"{CERTS}/{{name}}", face.certificate, methods=["GET"]),
            Route("/v1/oauth2/token", face.token, methods=["POST"]),
            Route("/{path:path}", face.answer, methods=methods),
        ]
    )


class Face:
    """The request handlers of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def token(self, request: Request) -> Response:
        """An access token for client credentials."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        if _client(request.headers.get("Authorization")) != CLIENT_ID:
            body = {"error": "invalid_client", "error_description": "Client Authentication failed"}
            return JSONResponse(body, 401)
        if form.get("grant_type") != ["client_credentials"]:
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        with self._world.change() as core:
            token = f"A21AA{core.random('token', 40)}"
            core.store.set_fact(f"token:{token}", str(core.now() + TOKEN_SECONDS))
            nonce = core.random("token", 20)
        return JSONResponse(
            {
                "scope": "https://uri.paypal.com/services/reporting/search/read",
                "access_token": token,
                "token_type": "Bearer",
                "app_id": "APP-SANDBOX",
                "expires_in": TOKEN_SECONDS,
                "nonce": nonce,
            }
        )

    async def answer(self, request: Request) -> Response:
        """Any other request to the API."""
        body = await request.body()
        with self._world.change() as core:
            debug_id = core.random("debug", 13).lower()
        headers = {"Paypal-Debug-Id": debug_id}
        try:
            reply = await self._reply(request, body)
        except WireError as error:
            reply = Reply(error.status, error.body(debug_id))
        except AlreadyRunning:
            reply = Reply(503, {"name": "SERVICE_UNAVAILABLE", "message": "Service Unavailable."})
        if reply.body is None:
            return Response(status_code=reply.status, headers=headers)
        return JSONResponse(reply.body, reply.status, headers)

    async def _reply(self, request: Request, body: bytes) -> Reply:
        path = request.url.path
        self._authenticate(request.headers.get("Authorization"))
        endpoint, ids = find(request.method, path)
        call = self._call(request, ids, _parsed(body))
        if not endpoint.key_seconds or not call.request_id:
            return self._run(endpoint, call, path, "")
        if len(call.request_id) > LONGEST_KEY:
            raise WireError(400, "INVALID_STRING_LENGTH", "PayPal-Request-Id")
        scope = f"{request.method} {path}"
        with self._world.change() as core:
            made = requests.claim(core, scope, call.request_id, endpoint.key_seconds)
        if made == requests.BUSY:
            raise WireError(409, "PREVIOUS_REQUEST_IN_PROGRESS")
        if made is not None and endpoint.again:
            shown = endpoint.again(call, made)
            return Reply(204 if shown is None else 200, shown)
        # Between claim and work another request may look: it must find the key taken.
        await asyncio.sleep(0)
        try:
            return self._run(endpoint, call, path, scope)
        finally:
            with self._world.change() as core:
                requests.drop(core, scope, call.request_id)

    def _call(self, request: Request, ids: tuple[str, ...], parsed: Any) -> Call:
        patches = [item for item in parsed if isinstance(item, dict)]
        return Call(
            self._world.core, ids, parsed if isinstance(parsed, dict) else {},
            dict(request.query_params), str(request.base_url).rstrip("/"),
            request.headers.get("PayPal-Request-Id", ""),
            "return=representation" in request.headers.get("Prefer", ""),
            patches if isinstance(parsed, list) else [],
        )  # fmt: skip

    def _run(self, endpoint: Endpoint, call: Call, path: str, scope: str) -> Reply:
        """Execute in one transaction and remember what was made."""
        with self._world.change() as core:
            core.idempotency_key, core.base_url = call.request_id or None, call.base_url
            try:
                with core.store.savepoint():
                    reply = endpoint.run(call)
            except PaymentsError as error:
                raise translate(error, path) from None
            finally:
                core.idempotency_key = None
            if scope and reply.made:
                requests.keep(core, scope, call.request_id, reply.made)
            return reply

    def _authenticate(self, header: str | None) -> None:
        """Let a living token pass. Raises: WireError (401)."""
        kind, _, token = (header or "").partition(" ")
        with self._world.change() as core:
            until = int(core.store.fact(f"token:{token}", "0")) if kind == "Bearer" else 0
            if core.now() >= until:
                raise WireError(401)

    async def certificate(self, request: Request) -> Response:
        """A certificate deliveries are signed with; anybody may read it.

        Beside its own the world shows what was planted under `certificate:NAME`.
        """
        name = request.path_params["name"]
        with self._world.change() as core:
            own = papers(core)
            found = own.certificate if name == own.name else core.store.fact(f"certificate:{name}")
        if not found:
            return JSONResponse({"name": "RESOURCE_NOT_FOUND"}, 404)
        return PlainTextResponse(found)

    async def approve(self, request: Request) -> Response:
        """The page a payer is sent to: agrees, with the wallet named by `?wallet=`."""
        try:
            self._world.approve(
                request.path_params["object_id"], wallet=request.query_params.get("wallet")
            )
        except PaymentsError as error:
            return PlainTextResponse(f"{error.message}\n", 404)
        return PlainTextResponse("The payment was approved.\n")


def find(method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    """The endpoint for a request and the ids in its path.

    Raises:
        WireError: 404.
    """
    for endpoint in ENDPOINTS:
        match = endpoint.pattern.fullmatch(path)
        if match and endpoint.method == method:
            return endpoint, match.groups()
    raise WireError(404, "INVALID_RESOURCE_ID")


def _parsed(body: bytes) -> Json | list[Any]:
    if len(body) > MAX_BODY:
        raise WireError(400, "MALFORMED_REQUEST_JSON")
    try:
        parsed = json.loads(body) if body.strip() else {}
    except ValueError:
        raise WireError(400, "MALFORMED_REQUEST_JSON") from None
    if not isinstance(parsed, dict | list):
        raise WireError(400, "MALFORMED_REQUEST_JSON")
    return parsed


def _client(header: str | None) -> str:
    """The client id of Basic credentials, empty when there are none or no secret."""
    kind, _, rest = (header or "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        client_id, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return client_id if secret else ""

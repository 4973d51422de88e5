"""Stripe's HTTP API over a world: authentication, routing, idempotency, errors.

One request is one transaction; a request refused by the world leaves nothing behind but its stored
answer. Live keys are never taken.
"""

import asyncio
import base64
import binascii
import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from domain.errors import AlreadyRunning, PaymentsError
from providers.sandbox.stripe_wire import (
    forms,
    intent_routes,
    method_routes,
    money_routes,
    report_routes,
)
from providers.sandbox.stripe_wire.calls import Call, Endpoint, Reply
from providers.sandbox.stripe_wire.errors import WireError, invalid, translate
from providers.sandbox.stripe_wire.params import read
from providers.sandbox.stripe_wire.render import expand, shape
from providers.sandbox.stripe_words import API_VERSION
from providers.sandbox.truth import answers
from providers.sandbox.truth.answers import Answer, Claim
from providers.sandbox.truth.records import Intent, Json
from providers.sandbox.truth.refusals import Refusal
from providers.sandbox.world import World

ENDPOINTS: list[Endpoint] = [
    *intent_routes.ENDPOINTS,
    *method_routes.ENDPOINTS,
    *money_routes.ENDPOINTS,
    *report_routes.ENDPOINTS,
]
"""All that can be asked; the first that fits answers."""

MAX_BODY = 1_000_000
"""Bytes."""


def stripe_face(world: World) -> Starlette:
    """An ASGI application that answers as Stripe would, from this world."""
    face = Face(world)
    methods = ["GET", "POST", "DELETE", "PUT", "PATCH"]
    return Starlette(
        routes=[
            Route("/sandbox/authorize/{intent}", face.authorize, methods=["GET"]),
            Route("/{path:path}", face.answer, methods=methods),
        ]
    )


class Face:
    """The request handlers of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: Request) -> Response:
        """Any request to the API."""
        body = (await request.body()).decode("utf-8", "replace")
        try:
            return await self._answer(request, body)
        except AlreadyRunning as error:
            busy = WireError(429, "invalid_request_error", error.message, "lock_timeout")
            return Response(dump(busy.body()), busy.status, media_type="application/json")

    async def _answer(self, request: Request, body: str) -> Response:
        with self._world.change() as core:
            request_id = f"req_{core.random('request', 14)}"
        headers = {
            "Request-Id": request_id,
            "Stripe-Version": request.headers.get("Stripe-Version", API_VERSION),
        }
        try:
            reply, more = await self._reply(request, body, request_id)
        except WireError as error:
            reply, more = Answer(error.status, dump(error.body()), request_id), error.headers
        if isinstance(reply, Reply):
            return PlainTextResponse(reply.file, media_type="text/csv", headers=headers)
        if key := request.headers.get("Idempotency-Key"):
            headers["Idempotency-Key"] = key
        return Response(
            reply.body, reply.status, {**headers, **more}, media_type="application/json"
        )

    async def _reply(
        self, request: Request, body: str, request_id: str
    ) -> tuple[Answer | Reply, dict[str, str]]:
        authenticate(request.headers.get("Authorization"))
        if len(body) > MAX_BODY:
            raise invalid(None, "The request is too large.")
        path = request.url.path
        endpoint, ids = find(request.method, path)
        posted = request.method == "POST"
        raw = forms.decode(body if posted else request.url.query)
        params = read(endpoint.spec, raw, endpoint.required)
        if endpoint.check:
            try:
                endpoint.check(params)
            except PaymentsError as error:
                raise translate(error, ()) from None
        base_url = str(request.base_url).rstrip("/")
        key = request.headers.get("Idempotency-Key") if posted else None
        work = Work(self._world, endpoint, ids, params, base_url, path, request_id, key)
        if key is None:
            return work.run(), {}
        if not 0 < len(key) <= 255:
            raise invalid(None, "Idempotency keys have 1 to 255 characters.")
        return await self._once(work, key, answers.fingerprint("POST", path, raw))

    async def _once(
        self, work: "Work", key: str, print_: str
    ) -> tuple[Answer | Reply, dict[str, str]]:
        with self._world.change() as core:
            claim, stored = answers.claim(core, key, print_)
        if claim is Claim.REPLAY and stored is not None:
            return stored, {
                "Idempotent-Replayed": "true",
                "Original-Request": stored.request_id,
            }
        if claim is Claim.MISMATCH:
            raise WireError(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same endpoint and the same"
                " parameters they were first used with. Use another key for another request.",
            )
        if claim is Claim.BUSY:
            raise WireError(
                409,
                "idempotency_error",
                "There is currently another in-progress request using this idempotency key.",
                "idempotency_key_in_use",
            )
        # Between claim and work another request may look: it must find the key taken.
        await asyncio.sleep(0)
        try:
            return work.run(), {}
        except BaseException:
            # Our bug, not an answer: the change is rolled back and the key must not stay taken.
            with self._world.change() as core:
                answers.drop(core, key)
            raise

    async def authorize(self, request: Request) -> Response:
        """The page a payer is sent to: says yes, or no with `?reject=1`."""
        intent_id = request.path_params["intent"]
        try:
            if request.query_params.get("reject"):
                self._world.reject(intent_id)
                return PlainTextResponse("The payment was rejected.\n")
            self._world.approve(intent_id)
        except PaymentsError as error:
            return PlainTextResponse(f"{error.message}\n", 404)
        return PlainTextResponse("The payment was approved.\n")


class Work:
    """One checked request, ready to be executed in one transaction."""

    def __init__(
        self, world: World, endpoint: Endpoint, ids: tuple[str, ...], params: Json, base_url: str,
        path: str, request_id: str, key: str | None,
    ) -> None:  # fmt: skip
        self._world, self._endpoint, self._key, self._request_id = world, endpoint, key, request_id
        self._call = Call(world.core, ids, params, base_url, path)

    def run(self) -> Answer | Reply:
        """Execute, undo what was refused, and store the answer under the key."""
        with self._world.change() as core:
            core.request_id, core.idempotency_key = self._request_id, self._key
            core.base_url = self._call.base_url
            try:
                reply = self._attempt()
            finally:
                core.request_id = core.idempotency_key = None
            if reply.file is not None:
                return reply
            answer = Answer(reply.status, dump(reply.body), self._request_id)
            if self._key:
                answers.keep(core, self._key, answer)
            return answer

    def _attempt(self) -> Reply:
        core, call = self._world.core, self._call
        try:
            with core.store.savepoint():
                reply = self._endpoint.run(call)
                if not isinstance(reply, Reply):
                    expand(core, reply, call.params.get("expand", ()), call.base_url)
                    reply = Reply(200, reply)
                return reply
        except WireError as error:
            return Reply(error.status, error.body())
        except PaymentsError as error:
            answer = translate(error, call.ids)
            if isinstance(error, Refusal) and core.store.kind_of(error.object_id) == "intent":
                intent = core.store.get(Intent, error.object_id)
                answer.more["payment_intent"] = shape(core, intent, call.base_url)
            return Reply(answer.status, answer.body())


def dump(body: Json) -> str:
    """A body as text, laid out as Stripe lays it out."""
    return json.dumps(body, indent=2, ensure_ascii=False)


def find(method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    """The endpoint for a request and the ids in its path.

    Raises:
        WireError: 404 in Stripe's words.
    """
    for endpoint in ENDPOINTS:
        match = endpoint.pattern.fullmatch(path)
        if match and endpoint.method == method:
            return endpoint, match.groups()
    raise WireError(
        404, "invalid_request_error", f"Unrecognized request URL ({method}: {path[:200]})."
    )


def authenticate(header: str | None) -> None:
    """Take any test key, as a Basic user name or a Bearer token; keys are never repeated.

    Raises:
        WireError: 401 for a missing, malformed or live key.
    """
    kind, _, rest = (header or "").partition(" ")
    key = rest.strip() if kind.lower() == "bearer" else ""
    if kind.lower() == "basic":
        try:
            key = base64.b64decode(rest, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if key.startswith(("sk_test_", "rk_test_")):
        return
    if not key:
        message = "You did not provide an API key."
    elif key.startswith(("sk_live_", "rk_live_")):
        message = "This is a sandbox: a live key was provided and is refused."
    else:
        message = "Invalid API Key provided."
    raise WireError(
        401, "invalid_request_error", message, headers={"WWW-Authenticate": 'Basic realm="Stripe"'}
    )

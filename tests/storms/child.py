"""A command in a process of its own: the real services, stopping at every seam of the product.

The seams are wrapped from here, the product knows nothing of it: the database's transactions, the
provider's transport, questions to Redis, sleeping, and what is printed at the end.
"""

import asyncio
import gc
import os
import random
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Protocol

import httpx2
import redis
import stamina
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

import db.engine
import providers.guard
from db.database import Database
from db.redis_store import RedisStore
from db.sql_store import SqlStore
from domain.audit import Actor
from domain.clock import from_micros
from domain.idempotency import IdempotencyStore
from domain.ids import Ids
from domain.provider import Provider
from providers import paypal, stripe
from providers.guard import Guarded
from providers.http import HttpClient
from providers.paypal.provider import PayPalProvider, PayPalSettings
from providers.sandbox.world import PAYPAL_ACCOUNT
from providers.stripe.provider import StripeProvider, StripeSettings
from tests.storms.claims import Fate, carried_out
from tests.storms.commands import Command, carry_out
from tests.storms.ground import HOSTS
from tests.storms.post import SECRET
from tests.storms.rendezvous import Order
from tests.storms.server_books import session_of
from tscli.services.claims import FallbackStore
from tscli.services.context import Context
from tscli.services.provider_accounts import SharedAccounts

_REAL_SECONDS = 3_600
"""Real time never ends a call: time is the scheduler's."""

_begin = db.engine._begin_sqlite
_transaction = Database.transaction
_ask_redis = redis.Redis.execute_command


class _Nobody:
    """Stands for the life of this process until it is made."""

    def meet(self, point: str, *details: Any) -> tuple[Any, ...]:
        """Nobody is met."""
        raise AssertionError(point, details)


CURRENT: "Life | _Nobody" = _Nobody()
"""The life of this process."""


class Life:
    """Everything a command works with, made and warmed once, before any fork.

    A child inherits it: no import, no compiled statement is paid for twice, and no connection is
    ever open across a fork.
    """

    def __init__(self, url: str, redis_url: str = "") -> None:
        self.end: End | None = None
        self._dice = random.Random()
        global CURRENT
        CURRENT = self
        _wrap_seams(self)
        # One connection for all transactions of a command; opening is half of their time.
        db.engine.NullPool = QueuePool
        self.clock = LineClock(self)
        self.ids = Ids(self.clock, lambda bits: self._dice.getrandbits(bits))
        self._redis_url = redis_url
        self.database = Database(url, self.clock, self.ids)
        if self.database.kind == "postgresql":
            event.listen(self.database._engine, "do_connect", _sign)
        self.database._checked = True  # the template has the current schema

    def run(self, end: "End", order: Order) -> None:
        """Carry out one command: wait for the start, do it, print what came of it."""
        gc.disable()
        self.end, self._dice = end, random.Random(order.seed)
        random.seed(order.seed)
        self.meet("start")
        try:
            context = self._context(order.command, order.operator)
            said = asyncio.run(carry_out(context, order.command))
            self.database.close()
        except BaseException:
            self.meet("bug", traceback.format_exc())
            raise
        self.meet("print", *said)

    def meet(self, point: str, *details: Any) -> tuple[Any, ...]:
        """Stop at a point until the scheduler says go."""
        assert self.end is not None
        return self.end.meet(point, *details)

    def _context(self, command: Command, operator: str) -> Context:
        actor = Actor(operator, f"payments {command.verb}", "stormhost")
        return Context(
            self.database, self.clock, self.ids, actor, self._open_provider,
            claim_store=self._claim_store(),
        )  # fmt: skip

    def _claim_store(self) -> IdempotencyStore | None:
        if not self._redis_url:
            return None
        books = SqlStore(self.database, self.clock)
        return FallbackStore(RedisStore(self._redis_url), books, lambda _: None)

    @asynccontextmanager
    async def _open_provider(self, name: str) -> AsyncIterator[Provider]:
        provider = PROVIDERS[name](LineTransport(self))
        try:
            yield Guarded(provider, SharedAccounts(self.database, self.clock), self.clock, 0)
        finally:
            await provider.aclose()


def _stripe(transport: httpx2.AsyncBaseTransport) -> Provider:
    url = HOSTS["stripe"]
    settings = StripeSettings(
        "sk_test_storm", "default", "test", url, "https://shop.example/back",
        webhook_secrets=(SECRET,),
    )  # fmt: skip
    http = _http(url, stripe.provider.ALLOWED_HOSTS, transport)
    assert isinstance(CURRENT, Life)
    return StripeProvider(settings, http, CURRENT.clock)


def _paypal(transport: httpx2.AsyncBaseTransport) -> Provider:
    url, back = HOSTS["paypal"], "https://shop.example/back"
    settings = PayPalSettings(
        "sandbox", "sandbox", "default", "test", PAYPAL_ACCOUNT, url, back, back
    )
    return PayPalProvider(settings, _http(url, paypal.provider.ALLOWED_HOSTS, transport))


def _http(url: str, hosts: frozenset[str], transport: httpx2.AsyncBaseTransport) -> HttpClient:
    return HttpClient(url, hosts, deadline_seconds=_REAL_SECONDS, transport=transport)


PROVIDERS = {"stripe": _stripe, "paypal": _paypal}
"""The real adapters over another transport."""


class End(Protocol):
    """Whom a command meets: the scheduler over a line, or something that always says go."""

    now_micros: int

    def meet(self, point: str, *details: Any) -> tuple[Any, ...]:
        """Stop at a point; the answer, if there is one."""


class LineClock:
    """The time as the scheduler last said it."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def now(self) -> datetime:
        """See `Clock.now`."""
        assert self._life.end is not None
        return from_micros(self._life.end.now_micros)


class LineTransport(httpx2.AsyncBaseTransport):
    """Requests are put before the scheduler, which owns the provider."""

    def __init__(self, life: Life) -> None:
        self._life = life

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises: the transport errors of httpx2."""
        body = await request.aread()
        asked = (request.method, str(request.url), list(request.headers.raw), body)
        said = self._life.meet("call", *asked)
        if said[0] == "raise":
            raise getattr(httpx2, said[1])("as the storm wills", request=request)
        return httpx2.Response(said[1], headers=said[2], content=said[3], request=request)


def _sign(_dialect: Any, _record: Any, _words: Any, named: dict[str, Any]) -> None:
    """Let the scheduler know the sessions of this process."""
    named["application_name"] = session_of(os.getpid())


def _wrap_seams(life: Life) -> None:
    """Make every seam a rendezvous, in this process and all its children."""

    @contextmanager
    def transaction(self: Database, *, dry_run: bool = False) -> Iterator[Any]:
        life.meet("begin")
        with _transaction(self, dry_run=dry_run) as books:
            yield books
            life.meet("commit")
        life.meet("committed")

    def begin(connection: Any) -> None:
        while True:
            try:
                return _begin(connection)
            except OperationalError:
                if life.meet("busy") == ("give up",):
                    raise

    def ask_redis(self: Any, verb: str, *words: Any, **more: Any) -> Any:
        if life.end is None:  # the scheduler's own questions
            return _ask_redis(self, verb, *words, **more)
        # EVAL has its script and the number of keys before the key.
        name = words[2] if verb.upper() == "EVAL" else words[0]
        (fate,) = life.meet("claims", verb, name) or (Fate.ANSWERED,)
        return carried_out(fate, _ask_redis, self, verb, *words, **more)

    async def sleep(delay: float, result: Any = None) -> Any:
        if delay > 0:
            life.meet("sleep", delay)
        return result

    Database.transaction = transaction  # type: ignore[method-assign]
    db.engine._begin_sqlite = begin
    db.engine._SQLITE_PRAGMAS = tuple(
        "busy_timeout=0" if p.startswith("busy_timeout") else p for p in db.engine._SQLITE_PRAGMAS
    )
    asyncio.sleep = sleep
    redis.Redis.execute_command = ask_redis
    providers.guard.JITTER_SECONDS = 0
    providers.guard.DEADLINE_SECONDS = _REAL_SECONDS
    stamina.instrumentation.set_on_retry_hooks([])

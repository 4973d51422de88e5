"""The receiver: stored before it answers, refusing what is forged, safe to kill at any moment."""

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from db.database import Database
from domain.audit import Actor
from domain.clock import SetClock
from domain.errors import ConfigurationError, NotPermitted, Unavailable
from domain.ids import Ids
from domain.provider import Provider
from domain.stored_event import EventFilter
from providers.sandbox.world import World
from tests.conftest import Cli
from tests.providers.forger import Forger
from tests.providers.forgeries import FORGERIES
from tests.providers.test_forgeries import HOST, adapter
from tscli.api.doors import REFUSALS_MAX, Doors, Refusals, networks
from tscli.api.intake import Delivered, Intake
from tscli.api.receiver import Receiver
from tscli.app import App
from tscli.services.context import Context
from tscli.settings import load_settings

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
URL = "http://127.0.0.1/api/v1/webhooks"
CREATE = (
    "payments", "create", "--amount", "30.00", "--currency", "USD", "--method", "pm_card_visa",
    "--yes", "--format", "json",
)  # fmt: skip


@pytest.fixture
def forger() -> Iterator[Forger]:
    world = World.open(":memory:", SetClock(NOW), provider="paypal")
    yield Forger(SetClock(NOW), world, HOST)
    world.close()


@pytest.fixture
def context(database: Database, forger: Forger, clock: SetClock) -> Context:
    """Services over adapters that believe the forger's honest deliveries."""
    clock.at = NOW

    @asynccontextmanager
    async def opened(name: str) -> AsyncIterator[Provider]:
        yield adapter(forger, name)

    return Context(database, clock, Ids(clock), Actor("tess", "serve", "testhost"), opened)


@asynccontextmanager
async def client_of(
    receiver: Receiver, peer: str = "192.0.2.7"
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the running application."""
    app = receiver.application()
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app, client=(peer, 1))
        async with httpx2.AsyncClient(transport=transport) as client:
            yield client


def post(sent: tuple[object, bytes], name: str) -> dict[str, object]:
    """Words of a request, its headers as bytes, whatever is in them."""
    headers, body = sent
    raw = [(k.encode("latin-1", "replace"), v.encode("utf-8")) for k, v in dict(headers).items()]  # type: ignore[call-overload]
    return {"url": f"{URL}/{name}", "headers": raw, "content": body}


def test_every_forgery_is_refused_over_http(context: Context, forger: Forger) -> None:
    """Proves for the whole table that each is answered 4xx, never 500, and that none is stored."""

    async def attack() -> dict[str, int]:
        receiver = Receiver(context, ("stripe", "paypal"), Doors(), "")
        found = {}
        async with client_of(receiver) as client:
            for number, row in enumerate(FORGERIES):
                receiver._refusals = Refusals() if number % 50 == 0 else receiver._refusals
                if row.captured:
                    await client.post(**post(forger.paypal(), "paypal"))
                answer = await client.post(**post(row.make(forger), row.provider))
                found[str(row)] = answer.status_code
        return found

    found = asyncio.run(attack())
    assert len(found) == len(FORGERIES) >= 80
    assert set(found.values()) <= {400, 413, 429}, found
    with context.database.read() as books:
        stored = books.inbox.find(EventFilter())
        refused = books.inbox.refused(NOW)
    assert len(stored) <= 1, "the honest delivery alone, where one was listened in on"
    assert sum(refused.values()) >= len(FORGERIES) - 20


def test_an_honest_delivery_is_answered_once_durable(context: Context, forger: Forger) -> None:
    """Proves that 200 means stored, that a duplicate is 200 and no second row, and that many at
    once share commits."""

    async def deliver() -> list[int]:
        receiver = Receiver(context, ("stripe", "paypal"), Doors(), "")
        async with client_of(receiver) as client:
            calls = [client.post(**post(forger.stripe(), "stripe")) for _ in range(40)]
            return [a.status_code for a in await asyncio.gather(*calls)]

    assert asyncio.run(deliver()) == [200] * 40
    with context.database.read() as books:
        (event,) = books.inbox.find(EventFilter())
    assert event.deliveries == 40


def test_what_cannot_be_stored_is_not_acknowledged(context: Context, forger: Forger) -> None:
    """Proves that a database that refuses to grow, or is gone, is 503 and never 200."""
    if context.database.kind != "sqlite":
        pytest.skip("a full disk is played with SQLite's own limit")

    async def deliver() -> tuple[int, int]:
        receiver = Receiver(context, ("stripe",), Doors(), "")
        async with client_of(receiver) as client:
            body = forger.stripe_body.replace(
                b'"id"', b'"padding": "' + b"x" * 200_000 + b'", "id"', 1
            )
            real = context.database._engine.connect
            pages = 0

            def full(*words: object, **more: object) -> object:
                nonlocal pages
                connection = real(*words, **more)
                found = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
                connection.exec_driver_sql(f"PRAGMA max_page_count={found}")
                connection.rollback()
                pages = int(found)
                return connection

            context.database._engine.connect = full  # type: ignore[method-assign]
            try:
                refused = await client.post(**post(forger.stripe(body), "stripe"))
            finally:
                context.database._engine.connect = real  # type: ignore[method-assign]
            taken = await client.post(**post(forger.stripe(body), "stripe"))
            return refused.status_code, taken.status_code

    assert asyncio.run(deliver()) == (503, 200)


def test_looking_and_replaying_need_the_token(context: Context, forger: Forger) -> None:
    """Proves that without a token set nobody may look, and with one only who has it."""

    async def ask() -> list[int]:
        codes = []
        for token, given in (
            ("", ""),
            ("", "x"),
            ("t0ken", ""),
            ("t0ken", "x"),
            ("t0ken", "t0ken"),
        ):
            receiver = Receiver(context, ("stripe",), Doors(), token)
            async with client_of(receiver) as client:
                await client.post(**post(forger.stripe(), "stripe"))
                headers = {"Authorization": f"Bearer {given}"}
                answer = await client.get(f"{URL}/events", headers=headers)
                codes.append(answer.status_code)
                if answer.status_code == 200:
                    one = answer.json()["data"][0]["id"]
                    body = {"events": [one], "dry_run": True}
                    said = await client.post(f"{URL}/replay", headers=headers, json=body)
                    assert said.json()["data"][0]["id"] == one
                    bad = await client.post(f"{URL}/replay", headers=headers, content=b"[")
                    assert bad.status_code == 400
        return codes

    assert asyncio.run(ask()) == [401, 401, 401, 401, 200]


def test_sizes_paths_and_health(context: Context, forger: Forger) -> None:
    """Proves the caps and that nothing else is offered."""

    async def ask() -> None:
        async with client_of(Receiver(context, ("stripe",), Doors(), "")) as client:
            huge = forger.stripe(b"x" * 300_000)
            assert (await client.post(**post(huge, "stripe"))).status_code == 413
            assert (await client.post(**post(forger.stripe(), "nobody"))).status_code == 404
            assert (await client.get(f"{URL}/stripe")).status_code == 405
            assert (await client.get("http://127.0.0.1/docs")).status_code == 404
            assert (await client.get("http://127.0.0.1/healthz")).json()["status"] == "ok"

    asyncio.run(ask())


def test_who_is_let_in() -> None:
    """Proves the allow-list, and that only our own proxies may speak for others."""
    doors = Doors(networks("192.0.2.0/24, 2001:db8::/32"), networks("10.0.0.0/8"))
    assert doors.sender("192.0.2.7", {}) == "192.0.2.7"
    assert doors.sender("10.1.1.1", {"x-forwarded-for": "203.0.113.9, 192.0.2.8"}) == "192.0.2.8"
    assert doors.sender("10.1.1.1", {"x-forwarded-for": "192.0.2.9, 10.2.2.2"}) == "192.0.2.9"
    for peer, headers in (
        ("203.0.113.9", {"x-forwarded-for": "192.0.2.7"}),
        ("10.1.1.1", {"x-forwarded-for": "192.0.2.7, 203.0.113.9"}),
        ("10.1.1.1", {}),
        ("nonsense", {}),
    ):
        with pytest.raises(NotPermitted):
            doors.sender(peer, headers)
    assert Doors().sender("anybody", {}) == "anybody"
    with pytest.raises(ConfigurationError):
        networks("10.0.0.0/8, everywhere")


def test_refusals_of_one_source_stop_being_written_down(context: Context, forger: Forger) -> None:
    """Proves that a flood of forgeries costs the database a bounded number of rows."""
    seen = Refusals()
    counts = [seen.too_many("a", NOW) for _ in range(REFUSALS_MAX + 5)]
    assert counts == [False] * REFUSALS_MAX + [True] * 5
    assert not seen.too_many("b", NOW)

    async def flood() -> set[int]:
        async with client_of(Receiver(context, ("stripe",), Doors(), "")) as client:
            bad = forger.stripe(secret="whsec_wrong_wrong_wrong")
            answers = [await client.post(**post(bad, "stripe")) for _ in range(REFUSALS_MAX + 5)]
            return {a.status_code for a in answers}

    assert asyncio.run(flood()) == {400, 429}
    with context.database.read() as books:
        assert sum(books.inbox.refused(NOW).values()) == REFUSALS_MAX


def test_a_queue_that_is_full_says_so(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that back-pressure is an error the provider understands, not a wait."""
    monkeypatch.setattr("tscli.api.intake.WAITING_MAX", 1)
    idle = Intake(context)
    idle.submit(Delivered(None, None, b"", None))  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        idle.submit(Delivered(None, None, b"", None))  # type: ignore[arg-type]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The real server in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tscli", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                if httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                    break
            except httpx2.TransportError:
                if time.monotonic() > until or server.poll() is not None:
                    raise
                time.sleep(0.05)
        yield server
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("kills", [2])
def test_killed_under_load_nothing_acknowledged_is_missing(cli: Cli, kills: int) -> None:
    """Proves with kill -9 in the middle of deliveries that what was answered 200 is stored, and
    that nothing is applied twice; `make deliveries` does it twenty times."""
    kill_under_load(cli, kills)


def kill_under_load(cli: Cli, kills: int) -> int:
    """Kill the server so often while it takes deliveries in; how many were acknowledged.

    Raises:
        AssertionError: an acknowledged event is missing, or the books are not right.
    """
    for _ in range(3):
        cli(*CREATE)
    app = App(load_settings())
    world = app.open_world("stripe")
    deliverer = app.open_deliverer(world)
    with world.change() as core:
        names = core.events(waiting=False)
    dice, acknowledged = random.Random(1), set[str]()

    async def load(server: subprocess.Popen[bytes], port: int, until: int) -> None:
        url = f"http://127.0.0.1:{port}/api/v1/webhooks/stripe"
        count = 0

        async def sender(client: httpx2.AsyncClient) -> None:
            nonlocal count
            while server.poll() is None and count < 400:
                event_id = dice.choice(names)
                sent = deliverer.signed(event_id)
                try:
                    answer = await client.post(url, headers=sent.headers, content=sent.body)
                except httpx2.TransportError:
                    return
                assert answer.status_code in (200, 503)
                if answer.status_code == 200:
                    acknowledged.add(event_id)
                count += 1
                if count == until:
                    server.kill()

        async with httpx2.AsyncClient() as client:
            await asyncio.gather(*(sender(client) for _ in range(8)))

    for _ in range(kills):
        port = free_port()
        with serving(port) as server:
            asyncio.run(load(server, port, dice.randrange(5, 60)))
    world.close()
    rows = cli("webhooks", "list", "--limit", "1000", "--format", "json").data
    stored = [r["provider_event_id"] for r in rows]
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored)
    assert cli("webhooks", "apply").exit_code == 0
    states = {r["state"] for r in cli("webhooks", "list", "--format", "json").data}
    assert states <= {"applied", "unchanged", "ignored"}
    assert cli("audit", "verify").exit_code == 0
    assert cli("doctor").exit_code == 0
    return len(acknowledged)

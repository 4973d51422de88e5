"""Idempotency with the books alone and with Redis: the same outcomes, whatever Redis does."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from db.database import Database
from db.redis_store import RedisStore
from db.sql_store import SqlStore
from domain.clock import SetClock
from domain.errors import IdempotencyInFlight, OutcomeUnknown
from domain.idempotency import IdempotencyStore
from providers.sandbox.faults import Fault
from tests.conftest import Cli
from tests.servers.valkey import ValkeyServer
from tests.tscli.shop import Shop, open_shop, outcome_of
from tscli.services import idempotency
from tscli.services.claims import FallbackStore
from tscli.services.idempotency import is_gone, new_holder
from tscli.services.payments import Outcome

F = Fault
CREATE = (
    "payments", "create", "--amount", "5.00", "--currency", "USD", "--method", "pm_card_visa",
    "--order", "o1", "--yes", "--idempotency-key", "k", "--format", "json",
)  # fmt: skip


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    """One server for these tests."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def shop(database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.3)
    return open_shop(database, clock, monkeypatch)


@pytest.fixture(params=["sql", "redis"])
def store(request: pytest.FixtureRequest, database: Database, clock: SetClock) -> IdempotencyStore:
    """Each of the two stores."""
    if request.param == "sql":
        return SqlStore(database, clock)
    server: ValkeyServer = request.getfixturevalue("valkey")
    redis.Redis.from_url(server.url).flushall()
    return RedisStore(server.url)


def test_one_claim_at_a_time(store: IdempotencyStore, shop: Shop) -> None:
    """Proves for both stores that an open key is claimed by one, handed on, and taken from the
    dead."""
    shop.fail([F.NONE, F.REFUSED])
    assert not isinstance(outcome_of(shop.creating(key="k")), Outcome)
    assert store.claim("create", "k", "a") is None
    assert store.claim("create", "k", "a") is None, "again is no other"
    assert store.claim("create", "k", "b") == "a"
    assert store.holder("create", "k") == "a"
    store.release("create", "k", "b", settled=False)
    assert store.claim("create", "k", "b") == "a", "nobody lets go of what is another's"
    store.take_over("create", "k", "x", "b")
    assert store.claim("create", "k", "b") == "a", "and takes over from nobody else"
    store.take_over("create", "k", "a", "b")
    assert store.claim("create", "k", "b") is None
    store.release("create", "k", "b", settled=False)
    assert store.claim("create", "k", "c") is None


def test_a_key_at_work_is_told(store: IdempotencyStore, shop: Shop) -> None:
    """Proves that a command waits for the one at work on its key, then says so; nothing is sent."""
    shop.fail([F.NONE, F.REFUSED])
    outcome_of(shop.creating(key="k"))
    shop.context = replace(shop.context, claim_store=store)
    alive = new_holder(shop.actor.host)
    assert store.claim("create", "k", alive) is None
    asked = len(shop.transport.log)
    assert isinstance(outcome_of(shop.creating(key="k")), IdempotencyInFlight)
    assert len(shop.transport.log) == asked
    store.release("create", "k", alive, settled=False)
    done = outcome_of(shop.creating(key="k"))
    assert isinstance(done, Outcome)
    assert shop.moved() == [10_000]
    shop.prove()


def test_the_dead_hold_nothing(store: IdempotencyStore, shop: Shop) -> None:
    """Proves that a claim of a process that is gone is taken over at once, another machine's is
    not."""
    me = new_holder("h")
    assert not is_gone(me, "h")
    dead = me.replace(f":{os.getpid()}:", ":999999999:")
    assert is_gone(dead, "h")
    assert not is_gone(dead, "elsewhere")
    reborn = f"h:{os.getpid()}:1:x"
    assert is_gone(reborn, "h"), "the number was given to another process"
    assert not is_gone("nonsense", "h")
    shop.fail([F.NONE, F.REFUSED])
    outcome_of(shop.creating(key="k"))
    shop.context = replace(shop.context, claim_store=store)
    gone = new_holder(shop.actor.host).replace(f":{os.getpid()}:", ":999999999:")
    assert store.claim("create", "k", gone) is None
    assert isinstance(outcome_of(shop.creating(key="k")), Outcome)


@pytest.mark.parametrize("trouble", ["flushed", "lying", "gone", "full"])
def test_redis_changes_nothing_about_the_outcome(
    shop: Shop, valkey: ValkeyServer, trouble: str
) -> None:
    """Proves that whatever happens to Redis in mid-command, one effect and the same answers come
    of it."""
    client = redis.Redis.from_url(valkey.url)
    client.flushall()
    said: list[str] = []
    store = RedisStore(valkey.url)
    both = FallbackStore(store, SqlStore(shop.database, shop.clock), said.append)
    shop.context = replace(shop.context, claim_store=both)
    disturb: dict[str, Callable[[], object]] = {
        "flushed": client.flushall,
        "lying": lambda: [client.set(k, "somebody:1:-:x") for k in client.keys("*")],
        "gone": valkey.stop,
        "full": lambda: client.config_set("maxmemory", "1"),
    }
    plan = iter([F.NONE, F.TIMEOUT_AFTER, F.TIMEOUT_BEFORE, F.TIMEOUT_BEFORE])

    def disturbed(request: object) -> Fault:
        fault = next(plan, F.NONE)
        if fault is F.TIMEOUT_AFTER:
            disturb[trouble]()
        return fault

    shop.plan = disturbed
    try:
        first = outcome_of(shop.creating(key="k", order_reference="o1"))
        assert isinstance(first, Outcome | OutcomeUnknown), first
        shop.fail([])
        if trouble == "lying":
            client.flushall()
        again = outcome_of(shop.creating(key="k", order_reference="o1"))
        assert isinstance(again, Outcome)
        assert again.payment.captured_minor == 10_000
        other = outcome_of(shop.creating(key="k2", order_reference="o1"))
        assert not isinstance(other, Outcome)
        assert shop.moved() == [10_000]
        shop.prove()
        assert len(said) <= 1
        assert bool(said) == (trouble in ("gone", "full"))
    finally:
        if trouble == "gone":
            valkey.start()
        if trouble == "full":
            client.config_set("maxmemory", "0")
        store.close()
        client.close()


class SlowProxy:
    """A socket in front of a server that lets every answer wait."""

    def __init__(self, behind: str, folder: Path, seconds: float) -> None:
        self._behind, self._seconds = behind, seconds
        self.path = folder / "slow"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._behind)
            while data := client.recv(65_536):
                server.sendall(data)
                answer = server.recv(65_536)
                time.sleep(self._seconds)
                try:
                    client.sendall(answer)
                except OSError:
                    return

    def close(self) -> None:
        self._server.close()


def test_a_slow_redis_is_left_alone(shop: Shop, valkey: ValkeyServer, tmp_path: Path) -> None:
    """Proves that a store slower than the books is asked once, complained of once, and harmless."""
    proxy = SlowProxy(valkey.url.removeprefix("unix://"), valkey.folder, 2.0)
    said: list[str] = []
    store = RedisStore(f"unix://{proxy.path}")
    shop.context = replace(
        shop.context,
        claim_store=FallbackStore(store, SqlStore(shop.database, shop.clock), said.append),
    )
    try:
        for _ in range(2):
            assert shop.create(key="k").payment.captured_minor == 10_000
    finally:
        store.close()
        proxy.close()
        proxy.path.unlink()
    assert len(said) == 1
    assert shop.moved() == [10_000]


def test_redis_at_the_command_line(
    cli: Cli, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a configured Redis is used, and that one nobody serves is said once."""
    monkeypatch.setenv("TSCLI_IDEMPOTENCY_URL", valkey.url)
    made = cli(*CREATE)
    assert (made.exit_code, made.data["replayed"]) == (0, False)
    monkeypatch.setenv("TSCLI_IDEMPOTENCY_URL", "unix:///nobody/there")
    again = cli(*CREATE)
    assert (again.exit_code, again.data["replayed"]) == (0, True)
    assert again.stderr.count("Redis did not answer") == 1
    monkeypatch.setenv("TSCLI_IDEMPOTENCY_URL", "memcached://x")
    assert cli(*CREATE).exit_code == 2


def test_what_a_key_stands_for(cli: Cli) -> None:
    """Proves that a key is found in every scope it was used in, with what became of it."""
    made = cli(*CREATE).data
    pay = made["id"]
    cli("payments", "refund", pay, "--idempotency-key", "k", "--yes")
    rows = cli("idempotency", "show", "k", "--format", "json").data
    assert {r["scope"] for r in rows} == {"create", f"refund:{pay}"}
    assert {r["recovery_point"] for r in rows} == {"done"}
    assert {r["next_step"] for r in rows} == {None}
    waiting = cli(*CREATE[:7], "pm_card_threeDSecureRequired", "--yes", "--idempotency-key", "w")
    assert waiting.exit_code == 0, waiting.stderr
    (row,) = cli("idempotency", "show", "w", "--format", "json").data
    assert row["recovery_point"] == "sending"
    assert row["sendable_until"] > row["asked_at"]
    assert cli("idempotency", "show", "w").exit_code == 0
    assert cli("idempotency", "show", "nothing").exit_code == 2
    assert cli("idempotency", "show", "4242424242424242").exit_code == 2

"""Redis may be flushed, full, slow, gone or wrong: the outcomes are those of the books alone."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from db.redis_store import RedisStore
from db.sql_store import SqlStore
from domain.audit import digest
from domain.errors import IdempotencyInFlight, OutcomeUnknown
from providers.sandbox.faults import Fault
from tests.conftest import Cli
from tests.servers.valkey import ValkeyServer
from tests.tscli.shop import Shop, outcome_of
from tests.tscli.test_idempotency import CREATE
from tscli.services.claims import FallbackStore
from tscli.services.leasing import new_holder
from tscli.services.payments import Outcome

F = Fault
CLAIM = "tscli:claim:" + digest(b"6:create:k")
"""Where Redis keeps the claim on the key `k` of a creation."""


@pytest.fixture
def own() -> Iterator[ValkeyServer]:
    """A server that may be filled and killed."""
    with ValkeyServer(own=True) as server:
        yield server


def with_redis(shop: Shop, url: str) -> tuple[RedisStore, list[str]]:
    """Put Redis before the books of a shop; what it says of itself goes to the list."""
    said: list[str] = []
    store = RedisStore(url)
    both = FallbackStore(store, SqlStore(shop.database, shop.clock), said.append)
    shop.context = replace(shop.context, claim_store=both)
    return store, said


def _evict(client: redis.Redis) -> None:
    """Fill the server until it has thrown out what it knew."""
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory-policy", "allkeys-random")
    client.config_set("maxmemory", used + 2_000_000)
    number = 0
    while client.exists(CLAIM):
        client.set(f"filler:{number}", "x" * 100_000)
        number += 1


def _lie(client: redis.Redis, value: str | bytes) -> None:
    """Claim the key for somebody who does not exist, for good."""
    client.set(CLAIM, value)


TROUBLES: dict[str, tuple[Callable[[redis.Redis, ValkeyServer], object], bool]] = {
    "flushed": (lambda client, server: client.flushall(), False),
    "evicting": (lambda client, server: _evict(client), False),
    "lying": (lambda client, server: _lie(client, "elsewhere:1:1:x"), False),
    "babbling": (lambda client, server: _lie(client, b"\xff\xfe"), True),
    "of another mind": (
        lambda client, server: [client.delete(CLAIM), client.lpush(CLAIM, "x")], True
    ),
    "gone": (lambda client, server: server.stop(), True),
    "full": (lambda client, server: client.config_set("maxmemory", "1"), True),
}  # fmt: skip
"""What happens to Redis, and whether it can be noticed."""


@pytest.mark.parametrize("trouble", TROUBLES)
def test_redis_changes_nothing_about_the_outcome(
    hasty: Shop, own: ValkeyServer, trouble: str
) -> None:
    """Proves that whatever happens to Redis in mid-command, and stays so, one effect and the same
    answers come of it as of the books alone."""
    client = redis.Redis.from_url(own.url)
    store, said = with_redis(hasty, own.url)
    disturb, noticed = TROUBLES[trouble]
    plan = iter([F.NONE, F.TIMEOUT_AFTER, F.TIMEOUT_BEFORE, F.TIMEOUT_BEFORE])

    def disturbed(request: object) -> Fault:
        fault = next(plan, F.NONE)
        if fault is F.TIMEOUT_AFTER:
            assert client.exists(CLAIM), "it was claimed"
            disturb(client, own)
        return fault

    hasty.plan = disturbed
    first = outcome_of(hasty.creating(key="k", order_reference="o1"))
    assert isinstance(first, Outcome | OutcomeUnknown), first
    hasty.fail([])
    again = outcome_of(hasty.creating(key="k", order_reference="o1"))
    assert isinstance(again, Outcome)
    assert again.payment.captured_minor == 10_000
    other = outcome_of(hasty.creating(key="k2", order_reference="o1"))
    assert not isinstance(other, Outcome)
    assert hasty.moved() == [10_000]
    hasty.prove()
    assert len(said) == int(noticed)
    store.close()
    client.close()


def test_a_redis_that_forgot_lets_nobody_in(hasty: Shop, valkey: ValkeyServer) -> None:
    """Proves that the books hold back the second at work where Redis would let it pass."""
    store, _ = with_redis(hasty, valkey.url)
    hasty.fail([F.NONE, F.REFUSED])
    outcome_of(hasty.creating(key="k"))
    with redis.Redis.from_url(valkey.url) as client:
        assert client.keys("*") == [], "it was let go of"
    books = SqlStore(hasty.database, hasty.clock)
    assert books.claim("create", "k", new_holder(hasty.actor.host)) is None
    asked = len(hasty.transport.log)
    assert isinstance(outcome_of(hasty.creating(key="k")), IdempotencyInFlight)
    assert len(hasty.transport.log) == asked
    store.close()


class SlowProxy:
    """A socket in front of a server that lets every answer wait."""

    def __init__(self, behind: str, path: Path, seconds: float) -> None:
        self._behind, self._seconds = behind, seconds
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
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


def test_a_slow_redis_is_left_alone(hasty: Shop, own: ValkeyServer) -> None:
    """Proves that a store slower than the books is asked once, complained of once, and harmless."""
    path = own.folder / "slow"
    proxy = SlowProxy(own.url.removeprefix("unix://"), path, 2.0)
    store, said = with_redis(hasty, f"unix://{path}")
    began = time.monotonic()
    for _ in range(2):
        assert hasty.create(key="k").payment.captured_minor == 10_000
    assert time.monotonic() - began < 1.9, "half a second is waited for Redis, once"
    store.close()
    proxy.close()
    assert len(said) == 1
    assert hasty.moved() == [10_000]


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

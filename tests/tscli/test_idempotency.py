"""Keys and claims: one at work at a time, nobody kept waiting for the dead, all of it shown."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from db.database import Database
from db.redis_store import RedisStore
from db.sql_store import SqlStore
from domain.clock import SetClock
from domain.errors import IdempotencyInFlight, InvalidRequest
from domain.idempotency import IdempotencyStore
from providers.sandbox.faults import Fault
from tests.conftest import Cli
from tests.servers.valkey import ValkeyServer
from tests.tscli.shop import Shop, outcome_of
from tscli.app import key_window
from tscli.services.claims import FallbackStore
from tscli.services.idempotency import standings
from tscli.services.leasing import is_gone, new_holder
from tscli.services.payments import Outcome

F = Fault
CREATE = (
    "payments", "create", "--amount", "5.00", "--currency", "USD", "--method", "pm_card_visa",
    "--order", "o1", "--yes", "--idempotency-key", "k", "--format", "json",
)  # fmt: skip


@pytest.fixture(params=["sql", "redis"])
def store(
    request: pytest.FixtureRequest, database: Database, clock: SetClock
) -> Iterator[IdempotencyStore]:
    """Each of the two stores."""
    if request.param == "sql":
        yield SqlStore(database, clock)
        return
    server: ValkeyServer = request.getfixturevalue("valkey")
    made = RedisStore(server.url)
    said: list[str] = []
    yield FallbackStore(made, SqlStore(database, clock), said.append)
    made.close()
    assert said == []


@pytest.fixture
def begun(hasty: Shop, store: IdempotencyStore) -> Shop:
    """A shop whose key `k` was begun and left open, with the store in its place."""
    hasty.fail([F.NONE, F.REFUSED])
    assert not isinstance(outcome_of(hasty.creating(key="k")), Outcome)
    hasty.context = replace(hasty.context, claim_store=store)
    return hasty


def test_one_claim_at_a_time(store: IdempotencyStore, begun: Shop) -> None:
    """Proves for both stores that an open key is claimed by one, handed on, and taken from the
    dead."""
    assert store.claim("create", "k", "a") is None
    assert store.claim("create", "k", "a") is None, "again is no other"
    assert store.claim("create", "k", "b") == "a"
    store.release("create", "k", "b")
    assert store.claim("create", "k", "b") == "a", "nobody lets go of what is another's"
    store.take_over("create", "k", "x", "b")
    assert store.claim("create", "k", "b") == "a", "and takes over from nobody else"
    store.take_over("create", "k", "a", "b")
    assert store.claim("create", "k", "b") is None
    store.release("create", "k", "b")
    assert store.claim("create", "k", "c") is None


def test_a_key_at_work_is_told(store: IdempotencyStore, begun: Shop) -> None:
    """Proves that a command waits for the one at work on its key, then says so; nothing is sent."""
    books = SqlStore(begun.database, begun.clock)
    alive = new_holder(begun.actor.host)
    for each in (store, books):
        assert each.claim("create", "k", alive) is None
    asked = len(begun.transport.log)
    assert isinstance(outcome_of(begun.creating(key="k")), IdempotencyInFlight)
    assert len(begun.transport.log) == asked
    (shown,) = standings(begun.context, "k", key_window)
    assert shown.holder == alive
    for each in (store, books):
        each.release("create", "k", alive)
    done = outcome_of(begun.creating(key="k"))
    assert isinstance(done, Outcome)
    assert begun.moved() == [10_000]
    begun.prove()


def test_the_dead_hold_nothing(store: IdempotencyStore, begun: Shop) -> None:
    """Proves that a claim of a process that is gone is taken over at once, another machine's is
    not."""
    me = new_holder("h")
    assert not is_gone(me, "h")
    dead = me.replace(f":{os.getpid()}:", ":999999999:")
    assert is_gone(dead, "h")
    assert not is_gone(dead, "elsewhere")
    reborn = me.rsplit(":", 2)[0] + ":1:x"
    assert is_gone(reborn, "h"), "the number was given to another process"
    assert not is_gone("nonsense", "h")
    there, number = dead.rsplit(":", 3)[0], dead.split(":", 2)[2]
    assert there.startswith("h:"), "a name of the machine and of its process ids"
    for elsewhere in ("h", "h:", f"{there}9", "h:another-boot-4026531836"):
        assert not is_gone(f"{elsewhere}:{number}", "h"), "a container of the same host name"
    gone = new_holder(begun.actor.host).replace(f":{os.getpid()}:", ":999999999:")
    for each in (store, SqlStore(begun.database, begun.clock)):
        assert each.claim("create", "k", gone) is None
    assert standings(begun.context, "k", key_window)[0].holder is None
    assert isinstance(outcome_of(begun.creating(key="k")), Outcome)


def test_nothing_is_held_by_who_is_through(store: IdempotencyStore, begun: Shop) -> None:
    """Proves that one process may repeat its words at once, whether they were settled, refused, or
    wait for the customer."""
    pay = begun.create(key="k").payment
    for _ in range(2):
        again = begun.create(key="k")
        assert (again.payment.payment_id, again.replayed) == (pay.payment_id, True)
        assert store.claim("create", "k", "somebody") is None
        store.release("create", "k", "somebody")
    for _ in range(2):
        with pytest.raises(InvalidRequest, match="more than can be refunded"):
            begun.refund(pay.payment_id, "100.01", key="r")
        assert store.claim(f"refund:{pay.payment_id}", "r", "somebody") is None
        store.release(f"refund:{pay.payment_id}", "r", "somebody")
    first, second = (begun.create(key="w", method="pm_card_threeDSecureRequired") for _ in "12")
    assert first.payment == second.payment
    assert standings(begun.context, "w", key_window)[0].holder is None


def test_what_a_key_stands_for(cli: Cli) -> None:
    """Proves that a key is found in every scope it was used in, with what became of it."""
    made = cli(*CREATE).data
    pay = made["id"]
    cli("payments", "refund", pay, "--idempotency-key", "k", "--yes")
    rows = cli("idempotency", "show", "k", "--format", "json").data
    assert {r["scope"] for r in rows} == {"create", f"refund:{pay}"}
    assert {r["recovery_point"] for r in rows} == {"done"}
    assert {r["next_step"] for r in rows} == {None}
    assert {r["holder"] for r in rows} == {None}, "nobody is at work on what is settled"
    waiting = cli(*CREATE[:7], "pm_card_threeDSecureRequired", "--yes", "--idempotency-key", "w")
    assert waiting.exit_code == 0, waiting.stderr
    (row,) = cli("idempotency", "show", "w", "--format", "json").data
    assert row["recovery_point"] == "sending"
    assert row["sendable_until"] > row["asked_at"]
    assert row["holder"] is None
    assert cli("idempotency", "show", "w").exit_code == 0
    assert cli("idempotency", "show", "nothing").exit_code == 2
    assert cli("idempotency", "show", "4242424242424242").exit_code == 2

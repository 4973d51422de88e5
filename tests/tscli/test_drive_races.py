"""Two at once, and death in the middle: one effect, nothing lost, whichever database it is."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from db.database import Database
from domain.clock import SetClock, SystemClock
from domain.errors import Conflict, InvalidRequest, OutcomeUnknown, PaymentsError, Unavailable
from domain.ids import Ids
from domain.payment import PaymentState
from providers.sandbox.faults import Fault
from providers.sandbox.world import World
from tests.conftest import START, Cli
from tests.tscli.shop import Shop, open_shop, outcome_of
from tscli.services.drive import drive
from tscli.services.payments import Outcome, refund_payment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(database, clock, monkeypatch)


def test_two_drives_of_one_operation(shop: Shop) -> None:
    """Proves that whoever finds an operation open may drive it: together they charge once."""
    shop.fail([Fault.REFUSED])
    with pytest.raises(Unavailable):
        shop.create()
    (operation,) = shop.unfinished()

    async def both() -> list[object]:
        async with shop.open_provider("stripe") as one, shop.open_provider("stripe") as other:
            return await asyncio.gather(
                *(drive(shop.context, p, operation.operation_id) for p in (one, other)),
                return_exceptions=True,
            )

    ends = asyncio.run(both())
    assert all(isinstance(end, tuple | Unavailable | OutcomeUnknown) for end in ends)
    shop.settle()
    assert shop.moved() == [10_000]
    assert len(shop.world.intents()) == 1
    shop.prove()


def test_one_key_twice_at_once(shop: Shop) -> None:
    """Proves that the same request sent twice at the same moment is one payment."""

    async def both() -> list[object]:
        calls = (shop.creating(key="k"), shop.creating(key="k"))
        return await asyncio.gather(*calls, return_exceptions=True)

    ends = asyncio.run(both())
    assert any(isinstance(end, Outcome) for end in ends)
    assert all(isinstance(e, Outcome | Conflict | Unavailable | OutcomeUnknown) for e in ends)
    shop.settle()
    assert (len(shop.payments()), shop.moved()) == (1, [10_000])
    shop.prove()


def test_one_order_with_two_keys_at_once(shop: Shop) -> None:
    """Proves that two operators with two keys cannot charge one order twice."""

    async def both() -> list[object]:
        calls = (shop.creating(key=key, order_reference="o1") for key in "ab")
        return await asyncio.gather(*calls, return_exceptions=True)

    ends = asyncio.run(both())
    assert sorted(type(end).__name__ for end in ends) == ["AlreadyExists", "Outcome"]
    assert shop.moved() == [10_000]
    shop.prove()


def test_two_refunds_of_sixty_percent_at_once(shop: Shop) -> None:
    """Proves that exactly one of two refunds that do not fit together is made."""
    pay = shop.create().payment.payment_id

    async def both() -> list[object]:
        calls = (refund_payment(shop.context, pay, "60.00", key) for key in "ab")
        return await asyncio.gather(*calls, return_exceptions=True)

    ends = asyncio.run(both())
    assert sorted(type(end).__name__ for end in ends) == ["InvalidRequest", "Outcome"]
    assert shop.moved("refund") == [-6_000]
    shop.prove()


def test_refunds_from_two_processes_at_once(
    database: Database,
    database_url: str,
    clock: SetClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proves the same with two connections that really run side by side, many times over."""
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    world = str(tmp_path / "world.db")
    first = Shop(database, clock, world_path=world)
    pays = [first.create("10.00").payment.payment_id for _ in range(5)]
    start = threading.Barrier(2)
    ends: list[Outcome | PaymentsError] = []

    def operator(key: str) -> None:
        own = Database(database_url, clock, Ids(clock))
        shop = Shop(own, clock, world_path=world)
        for pay in pays:
            start.wait(timeout=20)
            ends.append(outcome_of(refund_payment(shop.context, pay, "6.00", key)))
        shop.world.close()
        own.close()

    threads = [threading.Thread(target=operator, args=(key,)) for key in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(isinstance(end, Outcome) for end in ends) == len(pays)
    assert sum(isinstance(end, InvalidRequest) for end in ends) == len(pays)
    assert first.moved("refund") == [-600] * len(pays)
    first.prove()
    first.world.close()


class Death(BaseException):
    """The process is gone; nothing of ours may catch this."""


@dataclass
class MortalClock(SetClock):
    """A clock that dies at a chosen question for the time."""

    lives: int = -1

    def now(self) -> datetime:
        self.lives -= 1
        if self.lives == 0:
            raise Death
        return super().now()


VERBS: dict[str, Callable[[Shop, str, str], Outcome]] = {
    "create": lambda shop, _, key: shop.create(key=key, order_reference=key),
    "decline": lambda shop, _, key: shop.create(key=key, method="pm_card_chargeDeclined"),
    "capture": lambda shop, pay, key: shop.capture(pay, "60.00", key=key),
    "cancel": lambda shop, pay, key: shop.cancel(pay, key=key),
    "refund": lambda shop, pay, key: shop.refund(pay, "60.00", key=key),
}
ENDS = {
    "create": PaymentState.SUCCEEDED,
    "decline": PaymentState.FAILED,
    "capture": PaymentState.SUCCEEDED,
    "cancel": PaymentState.CANCELLED,
    "refund": PaymentState.SUCCEEDED,
}


@pytest.mark.parametrize("verb", VERBS)
def test_death_at_every_question_for_the_time(
    database_url: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a command that dies before, in or after a transaction can be repeated."""
    clock = MortalClock(START)
    database = Database(database_url, clock, Ids(clock))
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    shop = Shop(database, clock, world_clock=SetClock(START))
    deaths, survived = 0, False
    for number in range(1, 100, 1 if database.kind == "sqlite" else 4):
        pay = ""
        if verb not in ("create", "decline"):
            pay = shop.create(capture=verb == "refund").payment.payment_id
        clock.lives = number
        try:
            VERBS[verb](shop, pay, f"k{number}")
            survived = True
        except Death:
            deaths += 1
        clock.lives = -1
        shop.prove_safe()
        again = VERBS[verb](shop, pay, f"k{number}")
        assert again.payment.state is ENDS[verb]
        if survived:
            break
    assert survived
    assert deaths > 3
    shop.prove()
    database.close()


KILLED = """
import os, signal, sys
from domain.clock import SystemClock
lives = int(sys.argv[1])
real = SystemClock.now
def now(self):
    global lives
    lives -= 1
    if lives == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self)
SystemClock.now = now
from tscli.main import app
app(sys.argv[2:])
"""


@pytest.mark.parametrize("lives", [12, 25, 38])
def test_a_killed_command_is_finished_by_the_same_words(sqlite_cli: Cli, lives: int) -> None:
    """Proves that after kill -9 the same command ends what was begun, with money moved once."""
    words = ["payments", "create", "--amount", "12.00", "--currency", "USD", "--order", "o1"]
    words += ["--method", "pm_card_visa", "--idempotency-key", "k", "--yes", "--format", "json"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(lives), *words],
        env=env,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    done = sqlite_cli(*words)
    assert done.exit_code == 0
    assert done.data["state"] == "succeeded"
    assert sqlite_cli("audit", "verify").exit_code == 0
    assert len(sqlite_cli("payments", "list", "--format", "json").data) == 1
    world = World.open(Path(os.environ["XDG_DATA_HOME"]) / "tscli" / "sandbox.db", SystemClock())
    assert [m.amount_minor for m in world.movements()] == [1_200]
    world.close()

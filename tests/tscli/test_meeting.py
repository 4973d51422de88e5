"""Several at work on one operation: what one has read is not what another leaves behind."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from db.database import Books, Database
from domain.audit import Actor
from domain.clock import SetClock
from domain.errors import (
    Conflict,
    OutcomeUnknown,
    PaymentsError,
    Rejected,
    StaleVersion,
    Unavailable,
)
from domain.ids import Ids
from domain.operation import LATE_EFFECT_MAX, Operation, OperationState, Verdict
from domain.operator import Operator, Operators, Role
from domain.payment import Observation, PaymentState, Stage
from domain.provider import KEY_WINDOW
from domain.review import Resolution, ReviewKind
from providers.sandbox.faults import Fault
from tests.conftest import START
from tests.tscli.shop import Shop
from tscli.services import deciding, four_eyes, steps
from tscli.services import drive as driving
from tscli.services.booking import learn, store
from tscli.services.context import Context
from tscli.services.deciding import leave_unknown, settle
from tscli.services.drive import refresh
from tscli.services.payments import capture_payment
from tscli.services.reviewing import ask_a_person

PEOPLE = Operators(
    {"tess": Operator("tess", Role.OPERATOR), "anna": Operator("anna", Role.APPROVER)}
)


@pytest.fixture
def shop(open_world: Shop) -> Shop:
    return open_world


def _as(shop: Shop, name: str) -> Context:
    actor = Actor(name, "tests", "testhost", "not there")
    return replace(shop.context, operators=PEOPLE, actor=actor)


def _doubtful_refund(shop: Shop, fault: Fault = Fault.TIMEOUT_BEFORE) -> Operation:
    """A refund of 60.00 of which nobody knows whether it happened."""
    pay = shop.create("100.00").payment.payment_id
    shop.plan = lambda request: fault if request.method == "POST" else Fault.TIMEOUT_BEFORE
    with pytest.raises(OutcomeUnknown):
        shop.refund(pay, "60.00", key="r1")
    shop.fail([])
    (operation,) = shop.unfinished()
    return operation


def _not_done(shop: Shop, operation: Operation) -> str:
    """The request of one person to call the operation not done."""
    with shop.database.transaction() as books:
        payment = books.payments.get(operation.payment_id)
        ask_a_person(
            books, shop.context, payment, ReviewKind.UNSETTLED, "a day", operation=operation
        )
    (review,) = shop.reviews()
    asked = four_eyes.ask_for_resolution(_as(shop, "tess"), review.review_id, Resolution.NOT_DONE)
    return asked.approval_id


def _agree(shop: Shop, approval_id: str) -> object:
    """What comes of a second person's word, its deliberate error as a value."""
    try:
        return asyncio.run(four_eyes.approve(_as(shop, "anna"), approval_id, reason="looked"))
    except PaymentsError as error:
        return error


def _beside(database: Database, hold: Callable[[Books], None], other: Callable[[], None]) -> None:
    """Let `other` begin while a transaction has done `hold` and is not committed yet."""
    thread = threading.Thread(target=other)
    with database.transaction() as books:
        hold(books)
        thread.start()
        time.sleep(0.3)  # it has come to the rows that are held, or reads them now
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_what_has_ended_is_not_called_unknown_again(shop: Shop) -> None:
    """Proves that a slow command does not undo what two people have decided meanwhile: the refund
    they released would be sent again."""
    operation = _doubtful_refund(shop)

    def release(books: Books) -> None:
        books.payments.get(operation.payment_id, lock=True)
        current = books.operations.get(operation.operation_id)
        settle(books, shop.context, current, Verdict(state=OperationState.REFUSED, why="agreed"))

    with shop.database.transaction() as books:  # a sweep has just sent it once more
        books.operations.sent_again(operation, shop.clock.now())
    late = OutcomeUnknown("no answer")
    _beside(shop.database, release, lambda: leave_unknown(shop.context, operation, late))
    shop.refresh(operation.payment_id)
    assert shop.unfinished() == []
    assert shop.moved("refund") == []


def test_an_agreement_waits_for_who_is_learning(shop: Shop) -> None:
    """Proves that two people cannot call a refund undone in the moment in which it is found."""
    operation = _doubtful_refund(shop, Fault.TIMEOUT_AFTER)
    approval = _not_done(shop, operation)
    shop.clock.advance(LATE_EFFECT_MAX)
    payment = shop.payments()[0]
    shown = asyncio.run(_shown(shop, payment.provider_payment_id or ""))
    ends: list[object] = []

    def learning(books: Books) -> None:
        learn(books, shop.context, books.payments.get(payment.payment_id, lock=True), shown)

    _beside(shop.database, learning, lambda: ends.append(_agree(shop, approval)))
    assert isinstance(ends[0], StaleVersion)
    shop.settle()
    assert shop.moved("refund") == [-6_000]
    shop.prove()


async def _shown(shop: Shop, provider_payment_id: str) -> Any:
    async with shop.open_provider("stripe") as provider:
        return await provider.get(provider_payment_id)


def test_what_may_still_be_executed_is_not_released(shop: Shop) -> None:
    """Proves that a refund whose request may yet arrive stays reserved whatever people say, and is
    released when it no longer can."""
    operation = _doubtful_refund(shop)
    approval = _not_done(shop, operation)
    shop.clock.advance(LATE_EFFECT_MAX - timedelta(minutes=1))
    refused = _agree(shop, approval)
    assert isinstance(refused, Conflict)
    assert "59 minutes ago" in refused.message
    assert [o.operation_id for o in shop.unfinished()] == [operation.operation_id]
    shop.clock.advance(timedelta(minutes=1))
    assert not isinstance(_agree(shop, approval), PaymentsError)
    assert shop.unfinished() == []
    shop.prove()


def test_a_refusal_behind_somebody_elses_success(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a slow command that is refused because another one was faster ends as done."""
    pay = shop.create(capture=False).payment.payment_id
    operator = replace(shop.context, actor=replace(shop.context.actor, operator="slow"))

    async def both() -> Any:
        sent, done = asyncio.Event(), asyncio.Event()

        async def call(context: Context, *words: Any) -> Any:
            if context is operator:
                sent.set()
                await asyncio.wait_for(done.wait(), 20)
                raise Rejected("There is no authorization to be captured.")
            return await steps.call(context, *words)

        async def sweep() -> None:
            await sent.wait()
            async with shop.open_provider("stripe") as provider:
                await refresh(shop.context, provider, pay)
            done.set()

        monkeypatch.setattr("tscli.services.drive.call", call)
        slow = capture_payment(operator, pay, None, "c")
        return await asyncio.gather(slow, sweep(), return_exceptions=True)

    ends = asyncio.run(both())
    assert ends[0].operation.state is OperationState.DONE
    assert ends[0].payment.state is PaymentState.SUCCEEDED
    assert shop.moved() == [10_000]
    shop.prove()


def test_a_doubt_is_as_old_as_its_last_request(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that a refusal is not believed while a request that an earlier, killed command sent
    may still arrive, however long ago the first one was sent."""
    pay = shop.create("100.00").payment.payment_id
    monkeypatch.setattr(driving, "leave_unknown", _die)
    shop.plan = lambda request: Fault.TIMEOUT_BEFORE
    with pytest.raises(_Death):
        shop.refund(pay, "60.00", key="r")
    shop.clock.advance(timedelta(minutes=55))
    shop.transport._late_after = 1_000
    shop.plan = lambda request: (
        Fault.LATE_EFFECT if request.method == "POST" else Fault.TIMEOUT_BEFORE
    )
    (operation,) = shop.unfinished()
    with pytest.raises(_Death):
        asyncio.run(_drive(shop, operation))
    monkeypatch.undo()
    shop.clock.advance(timedelta(minutes=10))
    shop.plan = lambda request: Fault.RATE_LIMIT if request.method == "POST" else Fault.NONE
    with pytest.raises((OutcomeUnknown, Unavailable)):
        asyncio.run(_drive(shop, operation))
    _refuse(monkeypatch)
    shop.fail([])
    with pytest.raises(OutcomeUnknown):
        asyncio.run(_drive(shop, operation))
    monkeypatch.undo()
    assert [o.operation_id for o in shop.unfinished()] == [operation.operation_id]
    shop.settle()
    assert shop.moved("refund") == [-6_000]
    shop.prove()


class _Death(BaseException):
    """The process is gone; nothing of ours may catch this."""


def _die(*_: object, **__: object) -> None:
    raise _Death


def _refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    async def call(*_: object) -> None:
        raise Rejected("There is not enough in the balance.", reason="balance_insufficient")

    monkeypatch.setattr("tscli.services.drive.call", call)


async def _drive(shop: Shop, operation: Operation) -> None:
    async with shop.open_provider("stripe") as provider:
        await driving.drive(shop.context, provider, operation.operation_id)


def test_a_capture_for_an_order_that_another_payment_has_by_now(shop: Shop) -> None:
    """Proves that money that moved after all is shown to a person, not lost in an error, where its
    order was paid again."""
    shop.plan = lambda request: (
        Fault.NONE
        if str(request.url).endswith("payment_intents")
        else Fault.TIMEOUT_AFTER if request.method == "POST" else Fault.TIMEOUT_BEFORE
    )  # fmt: skip
    with pytest.raises(OutcomeUnknown):
        shop.create("100.00", order_reference="o1", key="a")
    shop.fail([])
    with shop.database.transaction() as books:
        (known,) = books.payments.find()
        failed = Observation(replace(known, stage=Stage.FAILED), ("payment.failed",))
        store(books, shop.context, known, failed)
    shop.create("100.00", order_reference="o1", key="b")
    assert shop.moved() == [10_000, 10_000]
    shop.refresh(known.payment_id)
    (review,) = shop.reviews()
    assert (review.kind, review.payment_id) == (ReviewKind.CONTRADICTED, known.payment_id)
    assert "order o1 has been taken by" in review.reason
    shop.refresh(known.payment_id)
    assert len(shop.reviews()) == 1


class Sleepy(SetClock):
    """A clock of a machine that falls asleep before a chosen question for the time."""

    questions = -1

    def now(self) -> datetime:
        self.questions -= 1
        if self.questions == 0:
            self.advance(KEY_WINDOW + timedelta(hours=1))
        return super().now()


def test_a_machine_that_slept_decides_anew(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a refund that was marked as sending is not sent after a day of sleep, when its
    key means nothing to the provider any more and may have been given up for another one."""
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    clock = Sleepy(START)
    database = Database(database_url, clock, Ids(clock))
    shop = Shop(database, clock, world_clock=SetClock(START))
    pay = shop.create("100.00").payment.payment_id

    def decide(*words: Any, **more: Any) -> Any:
        found = deciding.decide(*words, **more)
        if found.step is not None and clock.questions < 0:
            clock.questions = 1
        return found

    monkeypatch.setattr("tscli.services.drive.decide", decide)
    with pytest.raises(OutcomeUnknown, match="too old"):
        shop.refund(pay, "60.00", key="r")
    assert shop.moved("refund") == []
    database.close()


class Mute(Database):
    """Books whose answer to a commit is lost once."""

    lost = False

    def run(self, function: Any, *, dry_run: bool = False) -> Any:
        found = super().run(function, dry_run=dry_run)
        if not self.lost:
            self.lost = True
            raise OutcomeUnknown("Nobody answered.", hint="Run it again.")
        return found


def test_an_intent_in_doubt_names_its_key(database_url: str, clock: SetClock) -> None:
    """Proves that whoever repeats the words can do so under the same key, also where it was made
    for them."""
    database = Mute(database_url, clock, Ids(clock))
    shop = Shop(database, clock)
    with pytest.raises(OutcomeUnknown) as caught:
        shop.create()
    key = caught.value.hint.rpartition("The key is ")[2].rstrip(".")
    shop.create(key=key)
    assert shop.moved() == [10_000]
    database.close()

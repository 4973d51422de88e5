"""Operations nobody finished in time: asked for, fenced off, given up, or shown to a person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from db.database import Database
from domain.clock import SetClock
from domain.errors import InvalidRequest, OutcomeUnknown, Unavailable
from domain.payment import PaymentState
from domain.provider import KEY_WINDOW
from domain.review import ReviewKind
from providers.sandbox.faults import Fault
from tests.tscli.shop import Shop, open_shop

F = Fault


@pytest.fixture
def shop(sqlite_database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(sqlite_database, clock, monkeypatch)


def test_an_old_refund_is_never_sent_again(shop: Shop) -> None:
    """Proves that past the key's life a doubtful refund stays reserved and is only looked for."""
    pay = shop.create().payment.payment_id
    shop.plan = lambda request: F.RESET_BEFORE
    with pytest.raises(OutcomeUnknown):
        shop.refund(pay, "60.00")
    shop.fail([])
    shop.clock.advance(KEY_WINDOW + timedelta(seconds=1))
    with pytest.raises(OutcomeUnknown, match="too old"):
        shop.refund(pay, "60.00")
    assert shop.moved("refund") == []
    with pytest.raises(InvalidRequest, match=r"40\.00"):
        shop.refund(pay, "60.00", key="another")


def test_an_old_refund_waits_for_a_person(shop: Shop) -> None:
    """Proves that it is queued once, and leaves the queue when the provider shows it after all."""
    pay = shop.create().payment.payment_id
    shop.plan = lambda request: F.LATE_EFFECT if request.method == "POST" else F.TIMEOUT_BEFORE
    shop.transport._late_after = 99
    with pytest.raises(OutcomeUnknown):
        shop.refund(pay, "60.00")
    kept, shop.transport._late = shop.transport._late, []
    shop.fail([])
    shop.clock.advance(KEY_WINDOW + timedelta(seconds=1))
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="too old"):
            shop.refresh(pay)
    (review,) = shop.reviews()
    assert review.kind is ReviewKind.TOO_OLD
    assert (review.payment_id, review.amount_minor) == (pay, 6_000)
    shop.transport._late = kept[:1]
    shop.settle()
    assert shop.reviews() == []
    assert shop.moved("refund") == [-6_000]
    shop.prove()


def test_an_old_unconfirmed_payment_is_called_off(shop: Shop) -> None:
    """Proves that nobody is charged a day late: the provider's object is cancelled instead."""
    shop.fail([F.NONE, F.REFUSED])
    with pytest.raises(Unavailable):
        shop.create(key="k", order_reference="o1")
    shop.clock.advance(KEY_WINDOW + timedelta(seconds=1))
    (known,) = shop.payments()
    assert shop.refresh(known.payment_id).state is PaymentState.CANCELLED
    assert shop.world.intents()[0].status == "cancelled"
    assert shop.moved() == []
    shop.prove()
    assert shop.create(key="k2", order_reference="o1").payment.captured_minor == 10_000


def test_an_old_confirmation_that_happened_is_adopted(shop: Shop) -> None:
    """Proves that the look before a step is given up finds the money that moved unseen."""
    shop.fail([F.NONE] + [F.TIMEOUT_AFTER, F.TIMEOUT_BEFORE] * 5)
    with pytest.raises(OutcomeUnknown):
        shop.create()
    shop.fail([])
    shop.clock.advance(timedelta(days=30))
    (known,) = shop.payments()
    assert shop.refresh(known.payment_id).captured_minor == 10_000
    shop.prove()


def test_an_old_creation_is_given_up(shop: Shop) -> None:
    """Proves that a creation nobody finished fails at last: an unknown object takes no money."""
    shop.plan = lambda request: F.TIMEOUT_AFTER
    with pytest.raises(OutcomeUnknown):
        shop.create()
    shop.fail([])
    shop.clock.advance(KEY_WINDOW + timedelta(seconds=1))
    (known,) = shop.payments()
    ended = shop.refresh(known.payment_id)
    assert (ended.state, ended.failure_code) == (PaymentState.FAILED, "expired")
    assert shop.moved() == []
    shop.prove()


def test_an_old_capture_that_was_never_sent_is_given_up(shop: Shop) -> None:
    """Proves that an intent that never left is refused after a day, and can be asked for anew."""
    pay = shop.create(capture=False).payment.payment_id
    shop.fail([F.REFUSED])
    with pytest.raises(Unavailable):
        shop.capture(pay, "50.00", key="a")
    with shop.database.transaction() as books:
        (open_one,) = books.operations.of_payment(pay, only_open=True)
        books.operations.renew(open_one, shop.clock.now())
    shop.clock.advance(KEY_WINDOW + timedelta(seconds=1))
    shop.refresh(pay)
    assert shop.unfinished() == []
    assert shop.capture(pay, "70.00", key="b").payment.captured_minor == 7_000
    shop.prove()


def test_a_late_word_of_the_customer_is_not_too_old(shop: Shop) -> None:
    """Proves that a customer who authenticates after days pays: their word makes it due anew."""
    done = shop.create(method="pm_card_threeDSecureRequired")
    shop.clock.advance(timedelta(days=2))
    shop.world.approve(shop.world.intents()[0].id)
    assert shop.refresh(done.payment.payment_id).captured_minor == 10_000
    shop.prove()


def test_a_contradiction_is_queued_once_and_leaves_by_itself(shop: Shop) -> None:
    """Proves that what cannot be true waits for a person, until the provider says otherwise."""
    pay = shop.create().payment.payment_id
    (intent,) = shop.world.intents()
    with shop.world.change() as core:
        core.store.save(replace(intent, amount_minor=9_000))
    for _ in range(2):
        shop.refresh(pay)
    (review,) = shop.reviews()
    assert review.kind is ReviewKind.CONTRADICTED
    assert "9000" in review.reason
    assert shop.payments()[0].captured_minor == 10_000
    with shop.world.change() as core:
        core.store.save(intent)
    shop.refresh(pay)
    assert shop.reviews() == []


def test_an_old_refund_that_happened_is_found(shop: Shop) -> None:
    """Proves that the same words find a refund by our mark on it, long after its key has died."""
    pay = shop.create().payment.payment_id
    shop.plan = lambda request: F.TIMEOUT_AFTER if request.method == "POST" else F.TIMEOUT_BEFORE
    with pytest.raises(OutcomeUnknown):
        shop.refund(pay, "60.00")
    shop.fail([])
    shop.clock.advance(timedelta(days=3))
    assert shop.refund(pay, "60.00").payment.refunded_minor == 6_000
    assert shop.moved("refund") == [-6_000]
    shop.prove()
